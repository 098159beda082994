#!/usr/bin/env bash
# Jackson reads 1714564800123 as 2024 into a Date, and as the year 56302 into an Instant.
#
# A number without a point is milliseconds to `java.util.Date` and seconds to the types of
# java.time, although both are read by one ObjectMapper with its defaults; as a text of digits, too.
# A class that moves from Date to Instant reads the same records, without an error, 54000 years
# later, and a Date reads seconds as January 1970. The name of the setting that decides,
# READ_DATE_TIMESTAMPS_AS_NANOSECONDS, tells of neither. One would bet on one meaning for one number.
#
# Seen with jackson-databind and jackson-datatype-jsr310 2.18.2 on Java 17. What helps:
# disable(DeserializationFeature.READ_DATE_TIMESTAMPS_AS_NANOSECONDS).
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >pom.xml <<'POM'
<project>
<modelVersion>4.0.0</modelVersion>
<groupId>probe</groupId><artifactId>probe</artifactId><version>1</version>
<dependencies>
<dependency><groupId>com.fasterxml.jackson.datatype</groupId><artifactId>jackson-datatype-jsr310</artifactId><version>2.18.2</version></dependency>
</dependencies>
</project>
POM
mvn --quiet dependency:copy-dependencies -DoutputDirectory=jars >/dev/null

cat >Probe.java <<'PROGRAM'
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.datatype.jsr310.JavaTimeModule;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Date;

public class Probe {
    static void read(ObjectMapper mapper, String number) throws Exception {
        System.out.println("  " + number + ": Date " + mapper.readValue(number, Date.class).toInstant()
            + ", Instant " + mapper.readValue(number, Instant.class)
            + ", OffsetDateTime " + mapper.readValue(number, OffsetDateTime.class));
    }

    public static void main(String[] arguments) throws Exception {
        var mapper = new ObjectMapper().registerModule(new JavaTimeModule());
        for (String number : new String[] {"1714564800123", "\"1714564800123\"", "1714564800"}) {
            read(mapper, number);
        }
        System.out.println("without READ_DATE_TIMESTAMPS_AS_NANOSECONDS:");
        mapper.disable(DeserializationFeature.READ_DATE_TIMESTAMPS_AS_NANOSECONDS);
        read(mapper, "1714564800123");
    }
}
PROGRAM
java -cp 'jars/*' Probe.java >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
  1714564800123: Date 2024-05-01T12:00:00.123Z, Instant +56302-05-26T00:02:03Z, OffsetDateTime +56302-05-26T00:02:03Z
  "1714564800123": Date 2024-05-01T12:00:00.123Z, Instant +56302-05-26T00:02:03Z, OffsetDateTime +56302-05-26T00:02:03Z
  1714564800: Date 1970-01-20T20:16:04.800Z, Instant 2024-05-01T12:00:00Z, OffsetDateTime 2024-05-01T12:00Z
without READ_DATE_TIMESTAMPS_AS_NANOSECONDS:
  1714564800123: Date 2024-05-01T12:00:00.123Z, Instant 2024-05-01T12:00:00.123Z, OffsetDateTime 2024-05-01T12:00:00.123Z
EXPECTED
echo "as stated"

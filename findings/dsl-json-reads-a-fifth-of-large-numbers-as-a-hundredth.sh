#!/usr/bin/env bash
# dsl-json reads 9.07067435241184E7 as 907067.4352411841: a hundredth.
#
# So are numbers with an exponent whose fifteen digits begin with 8 or 9: of throughputs below 1e9
# that have a microsecond's fraction, written by Java itself, nearly a fifth. There is no error,
# and most of the rest is exact, so that a curve has teeth down to a hundredth. "E+7" and
# 90706743.5241184 are read as they are, and so is a digit less; "E7" is what `Double.toString`
# writes from 1e7 on. One would bet on an error in the last digit at most.
#
# Seen with dsl-json 2.0.2 on Java 17. What helps: the setting `doublePrecision(EXACT)`.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >pom.xml <<'POM'
<project>
<modelVersion>4.0.0</modelVersion>
<groupId>probe</groupId><artifactId>probe</artifactId><version>1</version>
<dependencies>
<dependency><groupId>com.dslplatform</groupId><artifactId>dsl-json</artifactId><version>2.0.2</version></dependency>
</dependencies>
</project>
POM
mvn --quiet dependency:copy-dependencies -DoutputDirectory=jars >/dev/null

cat >Probe.java <<'PROGRAM'
import com.dslplatform.json.DslJson;
import com.dslplatform.json.JsonReader;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import java.util.TreeMap;

public class Probe {
    static double read(DslJson<Object> json, String number) throws Exception {
        byte[] bytes = number.getBytes(StandardCharsets.UTF_8);
        return json.deserialize(Double.class, bytes, bytes.length);
    }

    static void count(String name, DslJson<Object> json) throws Exception {
        var random = new Random(1);
        var factors = new TreeMap<Long, Integer>();
        int read = 0;
        while (read < 100_000) {
            String written = Double.toString(Math.round(random.nextDouble() * 1e15) / 1e6);
            if (!written.contains("E")) continue;
            factors.merge(Math.round(Double.parseDouble(written) / read(json, written)), 1, Integer::sum);
            read++;
        }
        System.out.println(name + ", of 100000 numbers so many are what was read times: " + factors);
    }

    public static void main(String[] arguments) throws Exception {
        var plain = new DslJson<Object>();
        var exact = new DslJson<Object>(new DslJson.Settings<Object>().doublePrecision(JsonReader.DoublePrecision.EXACT));
        String[] numbers = {"9.07067435241184E7", "9.07067435241184E+7", "90706743.5241184", "9.0706743524118E7"};
        for (String number : numbers) {
            System.out.println(number + ": " + read(plain, number) + ", EXACT: " + read(exact, number));
        }
        count("plain", plain);
        count("EXACT", exact);
    }
}
PROGRAM
java -cp 'jars/*' Probe.java >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
9.07067435241184E7: 907067.4352411841, EXACT: 9.07067435241184E7
9.07067435241184E+7: 9.07067435241184E7, EXACT: 9.07067435241184E7
90706743.5241184: 9.07067435241184E7, EXACT: 9.07067435241184E7
9.0706743524118E7: 9.0706743524118E7, EXACT: 9.0706743524118E7
plain, of 100000 numbers so many are what was read times: {1=81866, 100=18134}
EXACT, of 100000 numbers so many are what was read times: {1=100000}
EXPECTED
echo "as stated"

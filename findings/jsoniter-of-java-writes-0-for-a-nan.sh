#!/usr/bin/env bash
# jsoniter (Java) writes 0 for a loss that is NaN, though it writes "Infinity" for one that is
# infinite.
#
# A double is written by its sign, its whole part and six decimals, and the whole part of a NaN is
# 0: the step at which the run broke has the best loss that there can be. A learning rate of 3e-7
# is 0 on the same way, 0.0000125 is 0.000013, and the text "Infinity" shows that somebody did
# think of what JSON has no number for. There is no error and no warning. One would bet on "NaN",
# null or an exception.
#
# Seen with com.jsoniter:jsoniter 0.9.23 on Java 17. What helps for the digits, and makes a bare NaN
# of NaN: `PreciseFloatSupport.enable()`.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >pom.xml <<'POM'
<project>
<modelVersion>4.0.0</modelVersion>
<groupId>probe</groupId><artifactId>probe</artifactId><version>1</version>
<dependencies>
<dependency><groupId>com.jsoniter</groupId><artifactId>jsoniter</artifactId><version>0.9.23</version></dependency>
</dependencies>
</project>
POM
mvn --quiet dependency:copy-dependencies -DoutputDirectory=jars >/dev/null

cat >Probe.java <<'PROGRAM'
import com.jsoniter.extra.PreciseFloatSupport;
import com.jsoniter.output.JsonStream;
import java.util.Map;

public class Probe {
    static void write() {
        for (double loss : new double[] {0.5, Double.NaN, Double.POSITIVE_INFINITY, 3e-7, 0.0000125}) {
            String written;
            try {
                written = JsonStream.serialize(Map.of("loss", loss));
            } catch (RuntimeException error) {
                written = "raises " + error.getClass().getSimpleName();
            }
            System.out.println("  " + loss + ": " + written);
        }
    }

    public static void main(String[] arguments) {
        System.out.println("plain");
        write();
        PreciseFloatSupport.enable();
        System.out.println("PreciseFloatSupport");
        write();
    }
}
PROGRAM
java -cp 'jars/*' Probe.java >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
plain
  0.5: {"loss":0.5}
  NaN: {"loss":0}
  Infinity: {"loss":"Infinity"}
  3.0E-7: {"loss":0}
  1.25E-5: {"loss":0.000013}
PreciseFloatSupport
  0.5: {"loss":0.5}
  NaN: {"loss":NaN}
  Infinity: {"loss":Infinity}
  3.0E-7: {"loss":3.0E-7}
  1.25E-5: {"loss":1.25E-5}
EXPECTED
echo "as stated"

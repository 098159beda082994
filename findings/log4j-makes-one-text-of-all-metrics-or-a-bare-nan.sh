#!/usr/bin/env bash
# Log4j's JSON layout makes either a text of all metrics or a NaN that is no JSON.
#
# JsonTemplateLayout with its own template, ECS, writes a map of metrics as the text
# "{step=7, loss=0.5}", which is no JSON either, so that no chart finds a number. A template that
# takes the message as an object has numbers, and writes NaN and infinity bare: a strict reader
# loses step, time and all other metrics of that line. One would bet on a layout for JSON to have
# an answer to NaN, as logstash-logback-encoder has, and on numbers in the template that it
# comes with.
#
# Seen with log4j-core and log4j-layout-template-json 2.24.3 on Java 17, read by Node.js 20.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >pom.xml <<'POM'
<project>
<modelVersion>4.0.0</modelVersion>
<groupId>probe</groupId><artifactId>probe</artifactId><version>1</version>
<dependencies>
<dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-core</artifactId><version>2.24.3</version></dependency>
<dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-layout-template-json</artifactId><version>2.24.3</version></dependency>
</dependencies>
</project>
POM
mvn --quiet dependency:copy-dependencies -DoutputDirectory=jars >/dev/null
mkdir settings
cat >settings/log4j2.xml <<'SETTINGS'
<Configuration>
<Appenders>
<File name="ecs" fileName="ecs"><JsonTemplateLayout/></File>
<File name="object" fileName="object">
<JsonTemplateLayout eventTemplate='{"message": {"$resolver": "message"}}'/>
</File>
</Appenders>
<Loggers><Root level="info"><AppenderRef ref="ecs"/><AppenderRef ref="object"/></Root></Loggers>
</Configuration>
SETTINGS

cat >Probe.java <<'PROGRAM'
import java.util.TreeMap;
import org.apache.logging.log4j.LogManager;
import org.apache.logging.log4j.message.ObjectMessage;

public class Probe {
    public static void main(String[] arguments) {
        for (double loss : new double[] {0.5, Double.NaN, Double.POSITIVE_INFINITY}) {
            var record = new TreeMap<String, Object>();
            record.put("step", 7);
            record.put("loss", loss);
            LogManager.getLogger("run").info(new ObjectMessage(record));
        }
    }
}
PROGRAM
java -cp 'settings:jars/*' Probe.java >errors 2>&1 || { cat errors; exit 1; }
cat >program.js <<'PROGRAM'
const { readFileSync } = require("node:fs");

for (const name of ["ecs", "object"]) {
  for (const line of readFileSync(name, "utf8").trim().split("\n")) {
    try {
      console.log(`${name}: message`, JSON.stringify(JSON.parse(line).message));
    } catch {
      console.log(`${name}: no JSON:`, line);
    }
  }
}
PROGRAM
node program.js >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
ecs: message "{loss=0.5, step=7}"
ecs: message "{loss=NaN, step=7}"
ecs: message "{loss=Infinity, step=7}"
object: message {"loss":0.5,"step":7}
object: no JSON: {"message":{"loss":NaN,"step":7}}
object: no JSON: {"message":{"loss":Infinity,"step":7}}
EXPECTED
echo "as stated"

#!/usr/bin/env bash
# logback's JsonEncoder writes each value as a text, each in an object of its own.
#
# `addKeyValue("loss", 0.5)` of SLF4J's fluent interface keeps the double, and the encoder that
# comes with logback has the key and the value in its record: as `"kvpList": [{"step":"7"},
# {"loss":"0.5"}]`, so that a reader finds no number and no `loss`, and a chart no curve. What is
# given as arguments of the message is a list of texts as well. logstash-logback-encoder writes
# the same call as `"step":7,"loss":0.5`. One would bet on numbers, as it is JSON.
#
# Seen with logback-classic 1.5.18 and logstash-logback-encoder 8.1 on Java 17.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >pom.xml <<'POM'
<project>
<modelVersion>4.0.0</modelVersion>
<groupId>probe</groupId><artifactId>probe</artifactId><version>1</version>
<dependencies>
<dependency><groupId>ch.qos.logback</groupId><artifactId>logback-classic</artifactId><version>1.5.18</version></dependency>
<dependency><groupId>net.logstash.logback</groupId><artifactId>logstash-logback-encoder</artifactId><version>8.1</version></dependency>
</dependencies>
</project>
POM
mvn --quiet dependency:copy-dependencies -DoutputDirectory=jars >/dev/null
mkdir settings
cat >settings/logback.xml <<'SETTINGS'
<configuration>
<statusListener class="ch.qos.logback.core.status.NopStatusListener"/>
<appender name="own" class="ch.qos.logback.core.FileAppender"><file>own</file>
<encoder class="ch.qos.logback.classic.encoder.JsonEncoder"/></appender>
<appender name="logstash" class="ch.qos.logback.core.FileAppender"><file>logstash</file>
<encoder class="net.logstash.logback.encoder.LogstashEncoder"/></appender>
<root level="info"><appender-ref ref="own"/><appender-ref ref="logstash"/></root>
</configuration>
SETTINGS

cat >Probe.java <<'PROGRAM'
import org.slf4j.LoggerFactory;

public class Probe {
    public static void main(String[] arguments) {
        var log = LoggerFactory.getLogger("run");
        log.atInfo().setMessage("step").addKeyValue("step", 7).addKeyValue("loss", 0.5).log();
        log.info("step {} loss {}", 8, 0.25);
    }
}
PROGRAM
java -cp 'settings:jars/*' Probe.java >errors 2>&1 || { cat errors; exit 1; }
cat >program.py <<'PROGRAM'
import json

kept = ("message", "kvpList", "arguments", "step", "loss")
for name in "own", "logstash":
    for line in open(name):
        print(f"{name}:", {key: value for key, value in json.loads(line).items() if key in kept})
PROGRAM
python3 program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
own: {'kvpList': [{'step': '7'}, {'loss': '0.5'}], 'message': 'step'}
own: {'message': 'step {} loss {}', 'arguments': ['8', '0.25']}
logstash: {'message': 'step', 'step': 7, 'loss': 0.5}
logstash: {'message': 'step 8 loss 0.25'}
EXPECTED
echo "as stated"

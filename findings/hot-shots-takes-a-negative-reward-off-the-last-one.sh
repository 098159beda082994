#!/usr/bin/env bash
# hot-shots and datadog send a negative gauge as a decrement: a reward of -0.5 after 1.5 is 1.
#
# In the StatsD protocol a gauge with a sign is a change: `reward:-0.5|g` takes 0.5 off what is
# there. hot-shots for Node.js and datadog for Python write the value as it is, so that a reward, a
# log likelihood or a temperature is what it was told while it is positive and a running sum once it
# is not: -0.5 told twice after 1.5 is 0.5. Datadog's agent takes a sign for a value, StatsD's own
# server does not, and nothing in the call says which is asked. The package `statsd` for Python
# knows, and sends a 0 first. One would bet on a gauge that is set to its value by all of them. What
# helps: `gauge(name, 0)` before a value below 0.
#
# Seen with hot-shots 17.1.1 and the server statsd 0.9.0 on Node.js 20, datadog 0.56.0 and statsd
# 4.0.1 on Python.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check datadog==0.56.0 statsd==4.0.1
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit --ignore-scripts hot-shots@17.1.1 statsd@0.9.0

cat >told.py <<'PROGRAM'
import sys

import statsd
from datadog.dogstatsd import DogStatsd

port = int(sys.argv[1])
datadog = DogStatsd(
    host="127.0.0.1", port=port, disable_telemetry=True, disable_buffering=True,
    disable_aggregation=True,
)
python = statsd.StatsClient("127.0.0.1", port)
for reward in [1.5, -0.5, -0.5]:
    datadog.gauge("datadog", reward)
    python.gauge("statsd", reward)
PROGRAM

cat >program.js <<'PROGRAM'
const { spawn, spawnSync } = require("node:child_process");
const dgram = require("node:dgram");
const { once } = require("node:events");
const fs = require("node:fs");
const net = require("node:net");
const { setTimeout: sleep } = require("node:timers/promises");
const { StatsD } = require("hot-shots");

/** Two ports that are free: of UDP for the gauges and of TCP to ask for them. */
async function freePorts() {
  const udp = dgram.createSocket("udp4").bind(0, "127.0.0.1");
  const tcp = net.createServer().listen(0, "127.0.0.1");
  await Promise.all([once(udp, "listening"), once(tcp, "listening")]);
  const ports = [udp.address().port, tcp.address().port];
  udp.close();
  tcp.close();
  return ports;
}

async function gauges(port) {
  const socket = net.connect(port, "127.0.0.1");
  await once(socket, "connect");
  socket.write("gauges\n");
  const [answer] = await once(socket, "data");
  socket.destroy();
  return answer.toString().split("\n")[0];
}

(async () => {
  const [port, mgmt_port] = await freePorts();
  const address = "127.0.0.1";
  const options = { port, mgmt_port, address, mgmt_address: address, backends: [] };
  fs.writeFileSync("options.js", JSON.stringify({ ...options, flushInterval: 600000 }));
  const server = spawn(process.execPath, ["node_modules/statsd/stats.js", "options.js"]);
  let up = "";
  server.stdout.on("data", (text) => (up += text));
  while (!up.includes("server is up")) await sleep(50);

  const client = new StatsD({ host: address, port });
  for (const reward of [1.5, -0.5, -0.5]) {
    await new Promise((done) => client.gauge("hot-shots", reward, done));
  }
  spawnSync("venv/bin/python", ["told.py", String(port)], { stdio: "inherit" });
  let held = "";
  for (let i = 0; i < 100 && !held.includes("statsd: -0.5"); i++) {
    await sleep(50);
    held = await gauges(mgmt_port);
  }
  console.log("told to each: 1.5, -0.5, -0.5");
  console.log("held by the server:", held);
  server.kill();
  process.exit();
})();
PROGRAM
node program.js >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
told to each: 1.5, -0.5, -0.5
held by the server: { 'hot-shots': 0.5, datadog: 0.5, statsd: -0.5 }
EXPECTED
echo "as stated"

#!/usr/bin/env bash
# winston-daily-rotate-file goes on in `run.jsonl.1` when `run.jsonl` is full, and renames
# nothing.
#
# Elsewhere `.1` is what was put aside: logrotate and Python's handlers rename the file and begin
# it anew, so that the name without a number is the one to follow. Here `maxSize` leaves it as it
# is, with the oldest records, and the highest number is the live one. A follower of `run.jsonl`
# sees it rest for ever; one that leaves out rotated names by a pattern has none of the later
# records. One would bet on a rename, as the library's name says "rotate". With `extension` the
# number stands before that, and looks like another run.
#
# Seen with winston-daily-rotate-file 5.0.0 and winston 3.19.0 on Node.js 20. What helps: to
# follow all files of the folder.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit winston@3.19.0 winston-daily-rotate-file@5.0.0

cat >program.js <<'PROGRAM'
const { readFileSync, readdirSync } = require("fs");
const winston = require("winston");
require("winston-daily-rotate-file");

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

async function log(folder, settings) {
  const transport = new winston.transports.DailyRotateFile({ dirname: folder, maxSize: "1k", ...settings });
  const logger = winston.createLogger({ format: winston.format.json(), transports: [transport] });
  for (let step = 0; step < 40; step++) {
    logger.info("step", { step, loss: 0.5 });
    await pause(20);
  }
  logger.end();
  await pause(500);
  for (const name of readdirSync(folder).filter((name) => name.startsWith("run"))) {
    const steps = readFileSync(`${folder}/${name}`, "utf8").trim().split("\n").map((line) => JSON.parse(line).step);
    console.log(`${folder}: ${name.replace(/[0-9]{4}-[0-9]{2}-[0-9]{2}/, "DAY")}: steps ${steps[0]} to ${steps.at(-1)}`);
  }
}

(async () => {
  await log("plain", { filename: "run-%DATE%.jsonl" });
  await log("extension", { filename: "run-%DATE%", extension: ".jsonl" });
})();
PROGRAM
node program.js >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
plain: run-DAY.jsonl: steps 0 to 18
plain: run-DAY.jsonl.1: steps 19 to 37
plain: run-DAY.jsonl.2: steps 38 to 39
extension: run-DAY.1.jsonl: steps 19 to 37
extension: run-DAY.2.jsonl: steps 38 to 39
extension: run-DAY.jsonl: steps 0 to 18
EXPECTED
echo "as stated"

#!/usr/bin/env bash
# pino-roll points `current.log` at whichever log of the folder has rolled last.
#
# `symlink: true` makes a link to the file that is written, so that a follower needs no number. Its
# name is `current.log`, whatever the log is called: with `train` and `eval` in one folder the
# link is of the one that was opened or has rolled last, and whoever follows it reads
# records of the other from then on. The numbers are of the folder, too: beside `seed.2026.log` the first
# file of `test` is `test.2026.log`. One would bet on a link for each log, and a count for each.
#
# Seen with pino-roll 4.0.0 on Node.js 20. What helps: a folder for each log.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit pino-roll@4.0.0

cat >program.js <<'PROGRAM'
const { mkdtempSync, readFileSync, readdirSync, readlinkSync, writeFileSync } = require("fs");
const { once } = require("events");
const build = require("pino-roll");

const folder = mkdtempSync("logs-");

async function open(name) {
  const stream = await build({ file: `${folder}/${name}.log`, size: "1k", symlink: true });
  return { name, stream };
}

/** Writes records, each once the one before is in the file. */
async function log({ name, stream }, count) {
  for (let step = 0; step < count; step++) {
    stream.write(`${JSON.stringify({ run: name, step })}\n`);
    await once(stream, "drain");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const { run } = JSON.parse(readFileSync(`${folder}/current.log`, "utf8").split("\n", 1)[0] || "{}");
  console.log(`${count} records of ${name}: current.log is ${readlinkSync(`${folder}/current.log`)}, its records are of ${run}`);
}

(async () => {
  const train = await open("train");
  await log(train, 3);
  const evaluation = await open("eval");
  await log(evaluation, 3);
  await log(train, 60);
  await log(evaluation, 3);
  writeFileSync(`${folder}/seed.2026.log`, "");
  const test = await open("test");
  await log(test, 3);
  console.log(readdirSync(folder).join(" "));
  for (const { stream } of [train, evaluation, test]) stream.end();
})();
PROGRAM
node program.js >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
3 records of train: current.log is train.1.log, its records are of train
3 records of eval: current.log is eval.1.log, its records are of eval
60 records of train: current.log is train.2.log, its records are of train
3 records of eval: current.log is train.2.log, its records are of train
3 records of test: current.log is test.2026.log, its records are of test
current.log eval.1.log seed.2026.log test.2026.log train.1.log train.2.log
EXPECTED
echo "as stated"

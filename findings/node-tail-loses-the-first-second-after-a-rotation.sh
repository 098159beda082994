#!/usr/bin/env bash
# The npm package `tail` loses what is written in the first second after a rotation.
#
# With `follow` (its default, "simulate tail -F") it goes on with the new file under the
# old name: one second after the rename, and from the new file's end. What was written in
# between is never given, and nothing says so; GNU's `tail -F` reads a new file from its
# first byte. A file that is rotated by name (logrotate's `create`, Python's
# RotatingFileHandler) loses its first lines each time.
#
# Seen with tail 2.2.6 on Node.js 20 (Linux, fs.watch).
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit tail@2.2.6

cat >program.js <<'PROGRAM'
const fs = require("fs");
const { Tail } = require("tail");
const rest = (ms) => new Promise((done) => setTimeout(done, ms));

(async () => {
  const file = "run.jsonl";
  fs.writeFileSync(file, "");
  const given = new Set();
  const tail = new Tail(file, { fromBeginning: true });
  tail.on("line", (line) => given.add(Number(line)));
  let next = 0;
  const write = async (lines) => {
    for (; lines > 0; lines--) {
      fs.appendFileSync(file, `${next++}\n`);
      await rest(100);
    }
  };
  await write(5);
  await rest(1000);
  fs.renameSync(file, `${file}.1`);
  fs.writeFileSync(file, "");
  await write(30);
  await rest(1500);
  const missing = [...Array(next).keys()].filter((line) => !given.has(line));
  console.log("before the rotation, missing:", missing.filter((line) => line < 5).length);
  console.log("the first line after it is missing:", missing.includes(5));
  console.log("several are missing:", missing.length >= 3);
  console.log("the last line came:", given.has(next - 1));
  process.exit();
})();
PROGRAM
node program.js >seen
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
before the rotation, missing: 0
the first line after it is missing: true
several are missing: true
the last line came: true
EXPECTED
echo "as stated"

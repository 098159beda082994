#!/usr/bin/env bash
# The npm package `tail` loses what is written in the first second after a rotation.
#
# With `follow` (its default, "simulate tail -F") it goes on with the new file under the
# old name: one second after the rename, and from the new file's end. What was written in
# between is never given, and nothing says so; GNU's `tail -F` reads a new file from its
# first byte. A file that is rotated by name (logrotate's `create`, Python's
# RotatingFileHandler) loses its first lines each time. Named by a relative path the same
# file is not followed any more at all.
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
const path = require("path");
const { Tail } = require("tail");
const rest = (ms) => new Promise((done) => setTimeout(done, ms));

async function rotate(title, file) {
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
  tail.unwatch();
  const came = (from, to) => [...given].filter((line) => line >= from && line < to).length;
  console.log(`${title}: of 5 lines before the rotation ${came(0, 5)} came,`);
  console.log(`  of the first 3 after it ${came(5, 8)}, of the last 10 ${came(25, 35)}`);
}

(async () => {
  await rotate("absolute path", path.resolve("a.jsonl"));
  await rotate("relative path", "b.jsonl");
  process.exit();
})();
PROGRAM
node program.js >seen
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
absolute path: of 5 lines before the rotation 5 came,
  of the first 3 after it 0, of the last 10 10
relative path: of 5 lines before the rotation 5 came,
  of the first 3 after it 0, of the last 10 0
EXPECTED
echo "as stated"

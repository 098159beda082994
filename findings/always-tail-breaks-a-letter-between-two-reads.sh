#!/usr/bin/env bash
# always-tail and tail-file break a letter that was written in two pieces.
#
# Both hold back a line until its end has come, so that a line in two writes is whole. But each
# read is decoded by itself: where the border lies within a letter of two or more bytes (a
# buffer of 8 KiB that was flushed, a read of 64 KiB), both halves become U+FFFD, and the
# line is valid JSON with another text. @logdna/tail-file, beside them, gives the letter. One
# would bet on whoever joins the lines to join the bytes.
#
# Seen with always-tail 0.2.0, tail-file 1.4.16 and @logdna/tail-file 4.0.2 on Node.js 20 (Linux).
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit always-tail@0.2.0 tail-file@1.4.16 @logdna/tail-file@4.0.2

cat >program.js <<'PROGRAM'
const fs = require("fs");
const AlwaysTail = require("always-tail");
const TailFile = require("tail-file");
const Logdna = require("@logdna/tail-file");

const LINE = Buffer.from('{"name":"Zoë"}\n');
const BORDER = LINE.indexOf("ë") + 1; // between the two bytes of the letter

const followers = {
  "always-tail": (path, give) => {
    const tail = new AlwaysTail(path, "\n", { interval: 50 });
    tail.on("line", give);
    tail.watch();
  },
  "tail-file": (path, give) => new TailFile(path, give).start(),
  "@logdna/tail-file": (path, give) => {
    const tail = new Logdna(path, { pollFileIntervalMs: 50 });
    tail.setEncoding("utf8");
    let text = "";
    tail.on("data", (piece) => {
      text += piece;
      text.split("\n").slice(0, -1).forEach(give);
      text = text.slice(text.lastIndexOf("\n") + 1);
    });
    tail.start();
  },
};
const pause = (ms) => new Promise((done) => setTimeout(done, ms));

(async () => {
  for (const [name, follow] of Object.entries(followers)) {
    const path = `${__dirname}/${name.replace("/", "-")}.jsonl`;
    fs.writeFileSync(path, "{}\n");
    const line = new Promise((done) => follow(path, (text) => text !== "{}" && done(text)));
    await pause(1000);
    fs.appendFileSync(path, LINE.subarray(0, BORDER));
    await pause(1000);
    fs.appendFileSync(path, LINE.subarray(BORDER));
    const text = await line;
    console.log(`${name}: ${text.replaceAll("\uFFFD", "<U+FFFD>")}`);
  }
  process.exit(0);
})();
PROGRAM
node program.js >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
always-tail: {"name":"Zo<U+FFFD><U+FFFD>"}
tail-file: {"name":"Zo<U+FFFD><U+FFFD>"}
@logdna/tail-file: {"name":"Zoë"}
EXPECTED
echo "as stated"

#!/usr/bin/env bash
# bunyan does not write a record with a field `level`, if that is a small number or a text.
#
# A field of the record overrides bunyan's own of that name, and by the result the streams then
# decide what they take: a game's or a curriculum's `{ level: 3 }` is less than INFO, which is
# 30, and "easy" is not at least 30 either. So the record is gone, at `error()` too, and
# nothing says so; from level 30 on it is written. One would bet on both fields, as pino has
# it, on one of the two, or on an error.
#
# Seen with bunyan 2.0.5 on Node.js 20.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit bunyan@2.0.5

cat >program.js <<'PROGRAM'
const bunyan = require("bunyan");
const { Writable } = require("stream");

let written = "";
const stream = new Writable({
  write(chunk, encoding, done) {
    written += chunk;
    done();
  },
});
const logger = bunyan.createLogger({ name: "run", streams: [{ stream }] });
for (const level of [undefined, 3, "easy", 29, 30, 99]) {
  for (const method of ["info", "error"]) {
    written = "";
    logger[method](level === undefined ? { step: 1 } : { step: 1, level }, "solved");
    const seen = written ? `written with level ${JSON.parse(written).level}` : "not written";
    console.log(`${method}, level ${level}: ${seen}`);
  }
}
PROGRAM
node program.js >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
info, level undefined: written with level 30
error, level undefined: written with level 50
info, level 3: not written
error, level 3: not written
info, level easy: not written
error, level easy: not written
info, level 29: not written
error, level 29: not written
info, level 30: written with level 30
error, level 30: written with level 30
info, level 99: written with level 99
error, level 99: written with level 99
EXPECTED
echo "as stated"

#!/usr/bin/env bash
# Four MessagePack libraries of npm write a date that could not be parsed as one in 1970.
#
# `new Date("soon")` is an Invalid Date. JSON writes null for it; these write a timestamp of 0
# (@ygoe/msgpack one of -1 s), in silence, and every reader gives the 1st of January 1970 back.
# A record whose time is missing or odd so gets one that sorts before all others and stretches
# each axis by half a century. One would bet on an error or on nil.
#
# Seen with @msgpack/msgpack 3.1.3, msgpack5 6.1.0, messagepack 1.1.12, @ygoe/msgpack 1.0.3
# and, otherwise, msgpackr 2.1.3 on Node.js 20.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit @msgpack/msgpack@3.1.3 msgpack5@6.1.0 messagepack@1.1.12 \
    @ygoe/msgpack@1.0.3 msgpackr@2.1.3

cat >program.js <<'PROGRAM'
const standard = require("@msgpack/msgpack");
const five = require("msgpack5")();
const ygoe = require("@ygoe/msgpack");
const { pack } = require("msgpackr");

const writers = {
  "@msgpack/msgpack": standard.encode,
  msgpack5: (value) => five.encode(value).slice(),
  messagepack: require("messagepack").encode,
  "@ygoe/msgpack": ygoe.serialize,
  msgpackr: pack,
};
for (const [name, write] of Object.entries(writers)) {
  const bytes = Buffer.from(write(new Date("soon")));
  let read;
  try {
    read = standard.decode(bytes).toISOString();
  } catch (error) {
    read = error.message;
  }
  console.log(`${name}: ${bytes.toString("hex")}: ${read}`);
}
PROGRAM
node program.js >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
@msgpack/msgpack: c70cff000000000000000000000000: 1970-01-01T00:00:00.000Z
msgpack5: d6ff00000000: 1970-01-01T00:00:00.000Z
messagepack: c70cff000000000000000000000000: 1970-01-01T00:00:00.000Z
@ygoe/msgpack: c70cff00000000ffffffffffffffff: 1969-12-31T23:59:59.000Z
msgpackr: d4ffff: Unrecognized data size for timestamp (expected 4, 8, or 12): 1
EXPECTED
echo "as stated"

#!/usr/bin/env bash
# what-the-pack writes NaN and the infinities as an extension of its own, not as floats.
#
# MessagePack has them all in its nine bytes of a float. what-the-pack writes three bytes of the
# extension type 0 (NaN is `d4 00 01`), which it alone knows: others give an opaque object, a
# error for the whole message. It turns a type 0 of others into
# NaN. One would bet on the float, as every other library of npm writes it.
#
# Seen with what-the-pack 2.0.3, @msgpack/msgpack 3.1.3 and msgpack5 6.1.0 on Node.js 20.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit what-the-pack@2.0.3 @msgpack/msgpack@3.1.3 msgpack5@6.1.0

cat >program.js <<'PROGRAM'
const pack = require("what-the-pack").initialize(2 ** 16);
const standard = require("@msgpack/msgpack");
const third = require("msgpack5")();

for (const loss of [0.5, NaN, Infinity, -Infinity]) {
  const bytes = Buffer.from(pack.encode(loss));
  const read = (decode) => {
    try {
      const value = decode(bytes);
      return typeof value === "number" ? value : `an object (${Object.keys(value)})`;
    } catch (error) {
      return error.message;
    }
  };
  console.log(`${loss}: ${bytes.toString("hex")};`, "@msgpack/msgpack:", read(standard.decode) + ";", "msgpack5:", read(third.decode));
}
console.log("@msgpack/msgpack writes NaN as", Buffer.from(standard.encode(NaN)).toString("hex"));
PROGRAM
node program.js >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
0.5: ca3f000000; @msgpack/msgpack: 0.5; msgpack5: 0.5
NaN: d40001; @msgpack/msgpack: an object (type,data); msgpack5: unable to find ext type 0
Infinity: d40002; @msgpack/msgpack: an object (type,data); msgpack5: unable to find ext type 0
-Infinity: d40003; @msgpack/msgpack: an object (type,data); msgpack5: unable to find ext type 0
@msgpack/msgpack writes NaN as cb7ff8000000000000
EXPECTED
echo "as stated"

#!/usr/bin/env bash
# JSONStream gives an integer that a float cannot hold as a text, if it is positive.
#
# 9007199254740993 arrives as the text "9007199254740993", 9007199254740992 beside it as a
# number, and -9007199254740993 as a number that is off by one: the type of a counter or a
# seed hangs on its value and its sign. One would bet on numbers throughout, rounded as
# JSON.parse rounds them, or on texts for both signs.
#
# Seen with JSONStream 1.3.5 (jsonparse 1.3.1) on Node.js 20.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit JSONStream@1.3.5

cat >program.js <<'PROGRAM'
const { parse } = require("JSONStream");

const stream = parse("*.seed");
stream.on("data", (seed) => console.log(typeof seed, seed));
const seeds = ["9007199254740992", "9007199254740993", "-9007199254740993"];
stream.end(`[${seeds.map((seed) => `{"seed":${seed}}`).join()}]`);
PROGRAM
node program.js >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
number 9007199254740992
string 9007199254740993
number -9007199254740992
EXPECTED
echo "as stated"

#!/usr/bin/env bash
# fast-json-stringify writes 0 for a loss that is null, and true as 1.
#
# Where the schema says "number" or "integer", what is no number is put through `Number(…)`, and
# null is 0 there: null in the place of a NaN, as most of this field have it, makes the step at
# which the run broke the best of all. NaN itself is an error, infinity is null, and a text
# that reads like a number is that number. Fastify serializes each answer that has a schema with it.
# One would bet on null or an error; JSON.stringify writes null.
#
# Seen with fast-json-stringify 7.3.10 on Node.js 20. What helps: the type ["number", "null"].
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit fast-json-stringify@7.3.10

cat >program.js <<'PROGRAM'
const build = require("fast-json-stringify");

const typed = (step, loss) => build({ type: "object", properties: { step: { type: step }, loss: { type: loss } } });
const number = typed("integer", "number");
const nullable = typed(["integer", "null"], ["number", "null"]);
const records = [
  { step: 7, loss: 0.5 },
  { step: 7, loss: null },
  { step: null, loss: 0.5 },
  { step: 7, loss: true },
  { step: 7, loss: Infinity },
  { step: 7, loss: NaN },
];
for (const record of records) {
  const said = [number, nullable].map((write) => {
    try {
      return write(record);
    } catch (error) {
      return `raises: ${error.message}`;
    }
  });
  console.log(record, "-", ...said.slice(0, 1), "- with null:", ...said.slice(1));
}
PROGRAM
node program.js >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
{ step: 7, loss: 0.5 } - {"step":7,"loss":0.5} - with null: {"step":7,"loss":0.5}
{ step: 7, loss: null } - {"step":7,"loss":0} - with null: {"step":7,"loss":null}
{ step: null, loss: 0.5 } - {"step":0,"loss":0.5} - with null: {"step":null,"loss":0.5}
{ step: 7, loss: true } - {"step":7,"loss":1} - with null: raises: The value of '#/properties/loss' does not match schema definition.
{ step: 7, loss: Infinity } - {"step":7,"loss":null} - with null: {"step":7,"loss":null}
{ step: 7, loss: NaN } - raises: The value "NaN" cannot be converted to a number. - with null: raises: The value "NaN" cannot be converted to a number.
EXPECTED
echo "as stated"

#!/usr/bin/env bash
# SQLite counts a loss that is the text NaN as 0, and one that is the number NaN not at all.
#
# A column of type REAL takes any text. "NaN", as loggers write it where JSON has no such number,
# stays a text in it: `avg` and `sum` take it for 0, so that a run that diverged has the better
# mean, and `max` gives it before all numbers. A NaN that is bound as a number is stored
# as NULL, without an error, and counts nowhere; one in a JSON text, which SQLite takes as JSON5, is
# NULL as well. One would bet on NaN, or on an error, for a column of numbers.
#
# Seen with sql.js 1.17.0 (SQLite 3.54.1) on Node.js 20. What helps: a STRICT table refuses the
# text, and `NOT NULL` the number.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit sql.js@1.17.0

cat >program.js <<'PROGRAM'
const open = require("sql.js");

const inserts = {
  "the number NaN": ["VALUES (?)", [NaN]],
  'the text "NaN"': ["VALUES (?)", ["NaN"]],
  "NaN in JSON": ["SELECT json_extract(?, '$.loss')", ['{"loss": NaN}']],
  '"NaN" in JSON': ["SELECT json_extract(?, '$.loss')", ['{"loss": "NaN"}']],
};

open().then(({ Database }) => {
  for (const table of ["loss REAL", "loss REAL NOT NULL) STRICT"]) {
    console.log(table.replace(")", ","));
    for (const [name, [insert, values]] of Object.entries(inserts)) {
      const database = new Database();
      database.run(`CREATE TABLE run (${table.includes(")") ? table : `${table})`}`);
      database.run("INSERT INTO run VALUES (2.0), (4.0)");
      try {
        database.run(`INSERT INTO run ${insert}`, values);
      } catch (error) {
        console.log(`  ${name}: ${error.message}`);
        continue;
      }
      const [{ values: [[last, mean, sum, largest, count]] }] = database.exec(
        "SELECT (SELECT typeof(loss) FROM run WHERE rowid = 3), avg(loss), sum(loss), max(loss), count(loss) FROM run");
      console.log(`  ${name}: ${last}, avg ${mean}, sum ${sum}, max ${largest}, count ${count}`);
    }
  }
});
PROGRAM
node program.js >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
loss REAL
  the number NaN: null, avg 3, sum 6, max 4, count 2
  the text "NaN": text, avg 2, sum 6, max NaN, count 3
  NaN in JSON: null, avg 3, sum 6, max 4, count 2
  "NaN" in JSON: text, avg 2, sum 6, max NaN, count 3
loss REAL NOT NULL, STRICT
  the number NaN: NOT NULL constraint failed: run.loss
  the text "NaN": cannot store TEXT value in REAL column run.loss
  NaN in JSON: NOT NULL constraint failed: run.loss
  "NaN" in JSON: cannot store TEXT value in REAL column run.loss
EXPECTED
echo "as stated"

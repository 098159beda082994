#!/usr/bin/env bash
# dayjs reads 12:00:00.5 as five milliseconds after twelve, if no `Z` follows.
#
# It takes the digits after the point for a number of milliseconds, not for a fraction: .5 is 5 ms,
# .05 is 5 ms too, and .12 comes before .119. Whoever writes times with no more digits than it
# takes (Temporal's PlainDateTime, `date +%T.%1N`, a format such as `.999` in Go) has records that
# lie up to nine tenths of a second off, in another order. With `Z` or an offset, or with three
# and more digits, all is well, so that a test with milliseconds does not show it. One would
# bet on 500 ms, as Date, luxon and date-fns give.
#
# Seen with dayjs 1.11.23, luxon 3.7.2 and date-fns 4.4.0 on Node.js 20.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit dayjs@1.11.23 luxon@3.7.2 date-fns@4.4.0

cat >program.js <<'PROGRAM'
const dayjs = require("dayjs");
const { DateTime } = require("luxon");
const { parseISO } = require("date-fns");

for (const fraction of [".05", ".119", ".12", ".5", ".500", ".5Z"]) {
  const text = `2026-05-01T12:00:00${fraction}`;
  const seen = {
    dayjs: dayjs(text).millisecond(),
    Date: new Date(text).getMilliseconds(),
    luxon: DateTime.fromISO(text).millisecond,
    "date-fns": parseISO(text).getMilliseconds(),
  };
  console.log(text, JSON.stringify(seen));
}
const order = [".05", ".119", ".12", ".5", ".9"].sort((one, other) =>
  dayjs(`2026-05-01T12:00:00${one}`).diff(`2026-05-01T12:00:00${other}`));
console.log("in order by dayjs:", order.join(" "));
PROGRAM
node program.js >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
2026-05-01T12:00:00.05 {"dayjs":5,"Date":50,"luxon":50,"date-fns":50}
2026-05-01T12:00:00.119 {"dayjs":119,"Date":119,"luxon":119,"date-fns":119}
2026-05-01T12:00:00.12 {"dayjs":12,"Date":120,"luxon":120,"date-fns":120}
2026-05-01T12:00:00.5 {"dayjs":5,"Date":500,"luxon":500,"date-fns":500}
2026-05-01T12:00:00.500 {"dayjs":500,"Date":500,"luxon":500,"date-fns":500}
2026-05-01T12:00:00.5Z {"dayjs":500,"Date":500,"luxon":500,"date-fns":500}
in order by dayjs: .05 .5 .9 .12 .119
EXPECTED
echo "as stated"

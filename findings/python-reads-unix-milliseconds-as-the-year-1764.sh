#!/usr/bin/env bash
# Python's datetime.fromisoformat reads a text of Unix milliseconds as a time in 1764.
#
# "1764112512000" is 25 November 2025 in milliseconds, as many writers of JSON lines have it in
# a text. Since Python 3.11 fromisoformat takes compact dates, any one character between
# date and time, and times without colons: so it is the 25th of November 1764, 20:00. Whether
# it is so depends on the digits: some milliseconds name no month or no hour, and are refused.
# A reader that tries ISO first, and numbers where that fails, gets a curve whose points jump
# between two centuries. One would bet that thirteen digits are no ISO text. Digits of
# seconds, 1764112512, are refused always.
#
# Seen with CPython 3.11 and later, of whatever build; no package is needed.
set -euo pipefail

python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "needs Python 3.11"; exit 2; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
cat >program.py <<'PROGRAM'
from datetime import datetime

# A day of November 2025, one record a minute.
texts = [str(1764028800000 + minute * 60_000) for minute in range(1440)]
read = []
for text in texts:
    try:
        read.append(datetime.fromisoformat(text))
    except ValueError:
        pass
print("1764112512000:", datetime.fromisoformat("1764112512000"))
print(f"of {len(texts)} minutes of one day, {len(read)} are read,")
print("in the years", sorted({one.year for one in read}))
for text in "1764112512", "1795608000123":
    try:
        print(f"{text}:", datetime.fromisoformat(text))
    except ValueError:
        print(f"{text}: refused")
PROGRAM
python3 program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
1764112512000: 1764-11-25 20:00:00
of 1440 minutes of one day, 458 are read,
in the years [1764]
1764112512: refused
1795608000123: refused
EXPECTED
echo "as stated"

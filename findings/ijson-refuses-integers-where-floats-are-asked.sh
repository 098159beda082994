#!/usr/bin/env bash
# ijson: `use_float=True` makes integers of 2^63 and more an error, in its C backend alone.
#
# The option says how fractions are given: as floats instead of Decimal. With it the C backend,
# which is the default where it is installed, also reads integers as 64 bits with a sign, so
# that a seed or a hash that is read without the option is "integer overflow" with it, amid
# the file. The pure Python backend reads them; it, in turn, takes -1e400 for -inf and calls
# 1e400 an "unexpected symbol". One would bet on one answer from one library.
#
# Seen with ijson 3.6.0.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check ijson==3.6.0
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import io

import ijson

for text in "9223372036854775807", "9223372036854775808", "1e400", "-1e400":
    for name in "yajl2_c", "python":
        for use_float in False, True:
            source = io.BytesIO(text.encode())
            try:
                (seen,) = ijson.get_backend(name).items(source, "", use_float=use_float)
                seen = repr(seen)
            except ijson.JSONError as error:
                seen = str(error).splitlines()[0].strip()
            print(f"{text}: {name}, use_float={use_float}: {seen}")
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
9223372036854775807: yajl2_c, use_float=False: 9223372036854775807
9223372036854775807: yajl2_c, use_float=True: 9223372036854775807
9223372036854775807: python, use_float=False: 9223372036854775807
9223372036854775807: python, use_float=True: 9223372036854775807
9223372036854775808: yajl2_c, use_float=False: 9223372036854775808
9223372036854775808: yajl2_c, use_float=True: parse error: integer overflow
9223372036854775808: python, use_float=False: 9223372036854775808
9223372036854775808: python, use_float=True: 9223372036854775808
1e400: yajl2_c, use_float=False: Decimal('1E+400')
1e400: yajl2_c, use_float=True: parse error: numeric (floating point) overflow
1e400: python, use_float=False: Decimal('1E+400')
1e400: python, use_float=True: Unexpected symbol '1e400' at 0
-1e400: yajl2_c, use_float=False: Decimal('-1E+400')
-1e400: yajl2_c, use_float=True: parse error: numeric (floating point) overflow
-1e400: python, use_float=False: Decimal('-1E+400')
-1e400: python, use_float=True: -inf
EXPECTED
echo "as stated"

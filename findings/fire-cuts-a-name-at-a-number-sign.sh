#!/usr/bin/env bash
# Python Fire cuts the name `lr#3` to `lr`, and makes a tuple or a set of others.
#
# Each argument is read as an expression of Python, in which `#` begins a comment: quotes of the shell do not
# help, for they are gone by then. `--run='lr#3'` and `--run='lr#4'` are one run, `lr`. `{base}` is a
# set, and `1_000` the number 1000. What is no expression stays as it is (`lr=1e-3 #3` for its
# equals sign), so that one name loses its end and the next does not. The same text for
# a parameter that is annotated as `str` is no better off. One would bet on the text that was
# given, as argparse hands it over, at least where the result is a text, too.
#
# Seen with fire 0.7.1 on Python 3.11. What helps: quotes within the quotes, `--run='"lr#3"'`.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check fire==0.7.1

cat >program.py <<'PROGRAM'
import fire


def train(run: str):
    print("  run is", repr(run))


for text in ("lr#3", "lr#4", "gpt #3", "7#3", "lr=1e-3 #3", "{base}", "a,b", "1_000", '"lr#3"'):
    print(f"--run='{text}'")
    fire.Fire(train, ["--run", text])
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
--run='lr#3'
  run is 'lr'
--run='lr#4'
  run is 'lr'
--run='gpt #3'
  run is 'gpt'
--run='7#3'
  run is 7
--run='lr=1e-3 #3'
  run is 'lr=1e-3 #3'
--run='{base}'
  run is {'base'}
--run='a,b'
  run is ('a', 'b')
--run='1_000'
  run is 1000
--run='"lr#3"'
  run is 'lr#3'
EXPECTED
echo "as stated"

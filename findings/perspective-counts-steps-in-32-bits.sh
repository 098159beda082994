#!/usr/bin/env bash
# Perspective cuts the fractions of a metric that began with whole numbers, and wraps large steps.
#
# A column whose first values are whole is `integer`, which is 32 bits wide. A loss of 0.9 that
# comes later is 0, without a word; a step (or a count of tokens) of 4,000,000,000 is -294967296.
# JSON has one kind of number and Python's integers have no end, so one would bet on `float` for
# both, or on an error.
#
# Seen with perspective-python 5.6.1. What helps: a schema, with `float` for each number.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check perspective-python==5.6.1
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import perspective

FIRST = [{"tokens": 1_000_000_000, "loss": 11}]
LATER = [{"tokens": 2_000_000_000, "loss": 2.9}, {"tokens": 4_000_000_000, "loss": 0.9}]

client = perspective.Server().new_local_client()
chosen = client.table(FIRST)
named = client.table({"tokens": "float", "loss": "float"})
named.update(FIRST)
for title, table in {"chosen by the first record": chosen, "named": named}.items():
    table.update(LATER)
    print(f"types {title}: {dict(sorted(table.schema().items()))}")
    for row in table.view().to_json():
        print(f"  tokens {row['tokens']}, loss {row['loss']}")
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
types chosen by the first record: {'loss': 'integer', 'tokens': 'integer'}
  tokens 1000000000, loss 11
  tokens 2000000000, loss 2
  tokens -294967296, loss 0
types named: {'loss': 'float', 'tokens': 'float'}
  tokens 1000000000.0, loss 11.0
  tokens 2000000000.0, loss 2.9
  tokens 4000000000.0, loss 0.9
EXPECTED
echo "as stated"

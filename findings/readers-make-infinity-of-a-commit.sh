#!/usr/bin/env bash
# Python Fire, ruamel.yaml and pandas make infinity of the commit 12e4567.
#
# A run is often named by the short commit that it trains, and about one in fifty of seven
# hexadecimal digits is a number with an exponent. As an argument, as a value in a YAML file or as
# a cell of a table such a commit is read as 12 times 10 to the 4567th, which no float
# holds, and becomes infinity, without a word; all such commits are then one run, as the
# mean below shows. PyYAML, of whose guesses people tell most, leaves it a text. One would bet on
# a text wherever no float comes out.
#
# Seen with fire 0.7.1, ruamel.yaml 0.19.1, pandas 3.1.1 and PyYAML 6.0.4 on Python 3.11. What
# helps: `dtype=str`, quotes in YAML, or a `g` before it, as `git describe` has it.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check fire==0.7.1 ruamel.yaml==0.19.1 \
    pandas==3.1.1 pyyaml==6.0.4

cat >program.py <<'PROGRAM'
import io

import fire
import pandas
import yaml
from ruamel.yaml import YAML

TABLE = "commit,loss\n12e4567,0.5\n35e9021,0.25\n"

fire.Fire(lambda commit: print("fire:", commit), ["--commit", "12e4567"])
print("PyYAML:", yaml.safe_load("commit: 12e4567"))
print("ruamel.yaml:", YAML(typ="safe").load("commit: 12e4567"))
print("pandas:", pandas.read_csv(io.StringIO(TABLE)).groupby("commit").loss.mean().to_dict())
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
fire: inf
PyYAML: {'commit': '12e4567'}
ruamel.yaml: {'commit': inf}
pandas: {inf: 0.375}
EXPECTED
echo "as stated"

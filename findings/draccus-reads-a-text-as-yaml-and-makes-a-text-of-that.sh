#!/usr/bin/env bash
# draccus takes `--name="run #7"` for `run`, 007 for 7, and yes for True, where the field is a str.
#
# Each argument is first read as YAML, whatever the field's type, and what came of it is then made a
# text: from the number sign on it is a comment, a leading zero is gone, 0x1f is 31, "a: b" is
# "{'a': 'b'}", and null or ~ is None, although the type is str. Two runs may so share one name, and
# the folder of run 007 is that of run 7. tyro and simple-parsing, which read the same dataclass,
# give the texts as they are. One would bet on that of a field that is typed.
#
# Seen with draccus 0.11.6, tyro 1.0.17 and simple-parsing 0.1.9. What helps: quotes within the
# shell's quotes, '"run #7"'.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check draccus==0.11.6 tyro==1.0.17 simple-parsing==0.1.9

cat >program.py <<'PROGRAM'
import dataclasses

import draccus
import simple_parsing
import tyro


@dataclasses.dataclass
class Run:
    name: str = "none"


for name in "run #7", "007", "0x1f", "yes", "null", "a: b", "12:30", '"run #7"':
    arguments = [f"--name={name}"]
    print(
        f"{name}: draccus {draccus.parse(Run, args=arguments).name!r},",
        f"tyro {tyro.cli(Run, args=arguments).name!r},",
        f"simple-parsing {simple_parsing.parse(Run, args=arguments).name!r}",
    )
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
run #7: draccus 'run', tyro 'run #7', simple-parsing 'run #7'
007: draccus '7', tyro '007', simple-parsing '007'
0x1f: draccus '31', tyro '0x1f', simple-parsing '0x1f'
yes: draccus 'True', tyro 'yes', simple-parsing 'yes'
null: draccus None, tyro 'null', simple-parsing 'null'
a: b: draccus "{'a': 'b'}", tyro 'a: b', simple-parsing 'a: b'
12:30: draccus '750', tyro '12:30', simple-parsing '12:30'
"run #7": draccus 'run #7', tyro '"run #7"', simple-parsing '"run #7"'
EXPECTED
echo "as stated"

#!/usr/bin/env bash
# Guild takes what a run prints for its metrics, but no NaN, no infinity and no 1.5e+16.
#
# It reads lines of the form "loss: 0.5" from the output. A number is what consists of digits,
# points, minus signs and the letter e: 3e-05 is one, but Python writes a float from 1e16 on with a
# plus sign, and C and Go from 1e+06 or 1e+21 on, and "nan" and "inf" are none either. Such a line
# is passed over in silence, so that the last loss of a run that diverged is its last tolerable one.
# What is kept is a 32-bit float: 15000000000 comes back as 15000000512. One would bet on whatever
# `float()` reads.
#
# Seen with guildai 0.9.0.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check guildai==0.9.0 setuptools==80.9.0
export HOME="$work/home" GUILD_HOME="$work/home/guild" no_proxy=127.0.0.1
mkdir -p "$GUILD_HOME" project

cat >project/train.py <<'PROGRAM'
for step, loss in enumerate([0.5, 3e-05, 1.5e10, 1.5e16, float("inf"), float("nan")]):
    print(f"step: {step}")
    print(f"loss: {loss}")
PROGRAM
cd project
../venv/bin/guild run train.py --yes >output 2>../errors || { cat output ../errors; exit 1; }
{
    grep loss: output
    ../venv/bin/guild tensorboard --export-scalars - | tail -n +2 | cut -d, -f3- | tr -d '\r'
} >seen 2>>../errors || { cat seen ../errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
loss: 0.5
loss: 3e-05
loss: 15000000000.0
loss: 1.5e+16
loss: inf
loss: nan
loss,0.5,0
loss,2.9999999242136255e-05,1
loss,15000000512.0,2
EXPECTED
echo "as stated"

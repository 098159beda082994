#!/usr/bin/env bash
# Ray Tune writes a float32 NaN as the text "null", and a float64 NaN as a bare NaN.
#
# Its encoder for `result.json` knows NumPy: a `numpy.float32` that is NaN becomes the
# string "null" (four letters, in quotes), a `numpy.float64`, which is a Python float, the
# token NaN, which is no JSON. So one run has both in one file, by the type that a metric
# happened to have, and a reader that is glad of `null` gets a text. One would bet on one
# spelling for one value.
#
# Seen with ray 2.60.0 and numpy 2.4.6.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check "ray[tune]==2.60.0" numpy==2.4.6
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import json

import numpy
from ray.tune.utils.util import SafeFallbackEncoder

record = {"a": numpy.float32("nan"), "b": numpy.float64("nan"), "c": numpy.float32(0.5)}
print(json.dumps(record, cls=SafeFallbackEncoder))
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
{"a": "null", "b": NaN, "c": 0.5}
EXPECTED
echo "as stated"

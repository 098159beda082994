#!/usr/bin/env bash
# OmegaConf and Hydra read the same override on the command line as different values.
#
# Hydra is built on OmegaConf, and `time=1:30` looks the same to a script that calls
# `OmegaConf.from_cli` and to one with `@hydra.main`. OmegaConf reads values as YAML 1.1, Hydra by
# a grammar of its own: 1:30 is the number 90 or a text, `on` True or a text, 0x10 the
# number 16 or a text; `threshold=inf` is a text to OmegaConf and a float to Hydra, and `.inf`, as
# both write it into their files, the other way about. A run that is repeated by its recorded
# overrides under the other of the two is another run. One would bet on one library of one
# house to read `key=value` one way.
#
# Seen with omegaconf 2.3.1 and hydra-core 1.3.8.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check hydra-core==1.3.8 omegaconf==2.3.1
mkdir config
touch config/empty.yaml

cat >program.py <<'PROGRAM'
import os

from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

with initialize_config_dir(os.path.abspath("config"), version_base=None):
    for text in ("1e-3", "null", "inf", ".inf", "nan", "1:30", "on", "0x10", "01", ""):
        by_omegaconf = OmegaConf.from_cli([f"value={text}"]).value
        by_hydra = compose("empty", overrides=[f"+value={text}"]).value
        print(f"value={text}: OmegaConf {by_omegaconf!r}, Hydra {by_hydra!r}")
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
value=1e-3: OmegaConf 0.001, Hydra 0.001
value=null: OmegaConf None, Hydra None
value=inf: OmegaConf 'inf', Hydra inf
value=.inf: OmegaConf inf, Hydra '.inf'
value=nan: OmegaConf 'nan', Hydra nan
value=1:30: OmegaConf 90, Hydra '1:30'
value=on: OmegaConf True, Hydra 'on'
value=0x10: OmegaConf 16, Hydra '0x10'
value=01: OmegaConf 1, Hydra '01'
value=: OmegaConf None, Hydra ''
EXPECTED
echo "as stated"

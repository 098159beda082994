#!/usr/bin/env bash
# XGBoost records a loss of 4e-07 as 0, and ends a training whose loss still falls.
#
# What a custom metric returns is printed with six decimals, and read back from that text: for
# `evals_result`, for what is shown, and for early stopping. A loss that falls below 5e-07 is 0.0
# from there on, the curve lies on the axis, no later round is better, and three rounds later the
# training is over: of eight rounds seven were trained, and the fourth is called the best. The
# metrics that XGBoost has itself, such as rmse, keep all their digits on the same way. One would
# bet on the float that the function returned.
#
# Seen with xgboost-cpu 3.2.0. What helps: a metric that is scaled, by 1e6 for instance.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check xgboost-cpu==3.2.0 numpy==2.4.6 scipy==1.17.1

cat >program.py <<'PROGRAM'
import numpy as np
import xgboost

data = xgboost.DMatrix(np.arange(100.0).reshape(-1, 1), np.arange(100.0))
falling = [4e-6, 2e-6, 1e-6, 4e-7, 3e-7, 2e-7, 1e-7, 1e-8]


def train(scale):
    losses, seen = iter(falling), {}
    model = xgboost.train(
        {"disable_default_eval_metric": 1, "verbosity": 0},
        data,
        num_boost_round=len(falling),
        evals=[(data, "valid")],
        custom_metric=lambda predicted, _: ("loss", next(losses) * scale),
        early_stopping_rounds=3,
        evals_result=seen,
        verbose_eval=False,
    )
    print(f"times {scale:g}:", *(f"{loss:g}" for loss in seen["valid"]["loss"]))
    print(f"  rounds: {model.num_boosted_rounds()}, best: {model.best_iteration}, {model.best_score:g}")


print("returned:", *falling)
train(1)
train(1e6)
seen = {}
settings = {"verbosity": 0, "eval_metric": "rmse", "base_score": 49.5, "eta": 1}
xgboost.train(settings, data, 1, evals=[(data, "valid")], evals_result=seen, verbose_eval=False)
(rmse,) = seen["valid"]["rmse"]
print("decimals of its own rmse:", "more than six" if round(rmse, 6) != rmse else "six")
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
returned: 4e-06 2e-06 1e-06 4e-07 3e-07 2e-07 1e-07 1e-08
times 1: 4e-06 2e-06 1e-06 0 0 0 0
  rounds: 7, best: 3, 0
times 1e+06: 4 2 1 0.4 0.3 0.2 0.1 0.01
  rounds: 8, best: 7, 0.01
decimals of its own rmse: more than six
EXPECTED
echo "as stated"

#!/usr/bin/env bash
# transformers' Trainer logs a loss of 0 for a step whose loss is NaN.
#
# `logging_nan_inf_filter` is on by default: a loss that is not finite is replaced by the mean of
# those since the last record, and there are none where each step is logged. So a model that is
# broken from the first batch has a perfect run: 0 in each record, in the summary at the end and
# in `trainer_state.json`. With a record each other step the loss is made smaller: 1 and NaN are
# logged as 0.75. One would bet on NaN, as without the filter, or at least on a record without a
# loss. Whoever watches for the smallest loss, or waits for a NaN to raise an alarm, is told the
# contrary.
#
# Seen with transformers 5.24.0, accelerate 1.15.0 and torch 2.15.0, on a CPU. What helps:
# `logging_nan_inf_filter=False`.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check uv==0.13.9
venv/bin/uv pip install --quiet --python venv/bin/python transformers==5.24.0 accelerate==1.15.0 torch==2.15.0 numpy==2.4.6
export HOME="$work/home"
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import json
import math

import torch
from transformers import Trainer, TrainingArguments

NAN = math.nan


class Model(torch.nn.Module):
    """Its losses are those that it was given, in turn."""

    def __init__(self, losses):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.losses = iter(losses)

    def forward(self, x=None, labels=None):
        return {"loss": 0 * self.weight.sum() + next(self.losses)}


def logged(losses, **settings):
    arguments = TrainingArguments(
        "out", per_device_train_batch_size=1, num_train_epochs=1, report_to=[],
        disable_tqdm=True, save_strategy="no", use_cpu=True, **settings,
    )
    rows = [{"x": torch.zeros(1), "labels": torch.zeros(1)} for _ in losses]
    trainer = Trainer(model=Model(losses), args=arguments, train_dataset=rows)
    trainer.train()
    trainer.save_state()
    with open("out/trainer_state.json") as file:
        history = json.load(file)["log_history"]
    return [record["loss"] for record in history if "loss" in record], history[-1]["train_loss"]


for losses, settings in (
    ([1.0, NAN, 1.0, NAN], {"logging_steps": 1}),
    ([NAN, NAN, NAN, NAN], {"logging_steps": 1}),
    ([1.0, NAN, 1.0, NAN], {"logging_steps": 2}),
    ([1.0, NAN, 1.0, NAN], {"logging_steps": 1, "logging_nan_inf_filter": False}),
):
    told, mean = logged(losses, **settings)
    print("losses", *losses, settings, "- logged:", *told, "- train_loss:", mean)
PROGRAM
venv/bin/python program.py >told 2>errors || { cat told errors; exit 1; }
grep '^losses' told >seen
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
losses 1.0 nan 1.0 nan {'logging_steps': 1} - logged: 1.0 0.0 1.0 0.0 - train_loss: 0.5
losses nan nan nan nan {'logging_steps': 1} - logged: 0.0 0.0 0.0 0.0 - train_loss: 0.0
losses 1.0 nan 1.0 nan {'logging_steps': 2} - logged: 0.75 0.75 - train_loss: 0.75
losses 1.0 nan 1.0 nan {'logging_steps': 1, 'logging_nan_inf_filter': False} - logged: 1.0 nan nan nan - train_loss: nan
EXPECTED
echo "as stated"

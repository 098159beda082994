#!/usr/bin/env bash
# Keras' CSVLogger puts the values of a resumed run under the wrong names.
#
# `CSVLogger(append=True)` writes no second heading, looks at no first one, and takes the columns
# of the resumed run in the order of the alphabet. Where it has one more, such as the
# `learning_rate` that each scheduler adds, the values shift: the loss column goes on with learning
# rates, `val_loss` with what was the loss, and the last value has no name. One would bet on the
# columns of the file, or on an error.
#
# Seen with keras 3.15.1 on jax 0.10.2.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check keras==3.15.1 jax==0.10.2
export HOME="$work/home" no_proxy=127.0.0.1 KERAS_BACKEND=jax
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import csv

import keras
import numpy

inputs = numpy.arange(8.0).reshape(8, 1)
model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones")])
model.compile(keras.optimizers.SGD(0.01), loss="mse")


def fit(first, epochs, *callbacks):
    log = keras.callbacks.CSVLogger("run.csv", append=first > 0)
    model.fit(
        inputs,
        inputs * 2,
        initial_epoch=first,
        epochs=epochs,
        verbose=0,
        shuffle=False,
        validation_data=(inputs, inputs * 2),
        callbacks=[*callbacks, log],
    )


fit(0, 2)
fit(2, 4, keras.callbacks.LearningRateScheduler(lambda epoch: 0.001))
with open("run.csv") as file:
    for row in csv.DictReader(file, restkey="no name"):
        print({name: f"{float(value):.3g}" for name, value in row.items() if name != "no name"}, end=" ")
        print("and without a name", [f"{float(value):.3g}" for value in row.get("no name", [])])
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
{'epoch': '0', 'loss': '17.5', 'val_loss': '7.08'} and without a name []
{'epoch': '1', 'loss': '7.08', 'val_loss': '2.87'} and without a name []
{'epoch': '2', 'loss': '0.001', 'val_loss': '2.87'} and without a name ['2.66']
{'epoch': '3', 'loss': '0.001', 'val_loss': '2.66'} and without a name ['2.47']
EXPECTED
echo "as stated"

#!/usr/bin/env bash
# Keras takes a NaN in the first epoch for the best value, and nothing is ever better.
#
# `ModelCheckpoint(save_best_only=True)` saves the model of a validation loss of NaN as the best so
# far, and then none of the epochs after it, however good they are, since no number is below NaN.
# `EarlyStopping` stops the run after its patience for the same reason, with a loss that falls each
# epoch. A NaN in any later epoch is rightly no best. One would bet on the same in the first.
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
import math
import pathlib

import keras
import numpy


class Validation(keras.utils.PyDataset):
    """One row, whose target is the loss of a model that stays at 0."""

    target = 0.0

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return numpy.zeros((1, 1)), numpy.full((1, 1), self.target)


def run(losses):
    layers = [keras.layers.Input((1,)), keras.layers.Dense(1, kernel_initializer="zeros")]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.SGD(0.0), loss="mae")
    validation = Validation()

    class Follow(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs):
            validation.target = losses[epoch]

    best = keras.callbacks.ModelCheckpoint("{epoch}.keras", save_best_only=True)
    stop = keras.callbacks.EarlyStopping(patience=2)
    zeros = numpy.zeros((1, 1))
    history = model.fit(
        zeros,
        zeros,
        epochs=len(losses),
        verbose=0,
        validation_data=validation,
        callbacks=[Follow(), best, stop],
    ).history
    saved = sorted(pathlib.Path().glob("*.keras"))
    print("validation losses", *history["val_loss"], "of", *losses)
    print("  saved as the best so far: epochs", *(path.stem for path in saved))
    for path in saved:
        path.unlink()


run([5.0, math.nan, 3.0, 2.0, 1.0])
run([math.nan, 4.0, 3.0, 2.0, 1.0])
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
validation losses 5.0 nan 3.0 2.0 1.0 of 5.0 nan 3.0 2.0 1.0
  saved as the best so far: epochs 1 3 4 5
validation losses nan 4.0 3.0 of nan 4.0 3.0 2.0 1.0
  saved as the best so far: epochs 1
EXPECTED
echo "as stated"

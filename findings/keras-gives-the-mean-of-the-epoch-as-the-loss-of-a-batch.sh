#!/usr/bin/env bash
# Keras gives the mean of the epoch so far to a callback that asks for the loss of a batch.
#
# `on_train_batch_end(batch, logs)` has a `loss` in its logs, which is that of all batches since the
# epoch began. A callback that streams it draws a curve that is smoothed more from batch to batch,
# and jumps at each start of an epoch, where the mean is forgotten; a spike of one batch is divided
# by the number of batches before it. One would bet on the loss of the batch that has ended.
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
import keras
import numpy

# Four batches of one row, and a model that stays at 0: each batch has its target as its loss.
LOSSES = [1.0, 1.0, 1.0, 9.0]
logged = []


class Log(keras.callbacks.Callback):
    def on_train_batch_end(self, batch, logs):
        logged.append(round(float(logs["loss"]), 3))


model = keras.Sequential([keras.layers.Input((1,)), keras.layers.Dense(1, kernel_initializer="zeros")])
model.compile(keras.optimizers.SGD(0.0), loss="mae")
inputs, targets = numpy.zeros((4, 1)), numpy.array(LOSSES).reshape(4, 1)
model.fit(inputs, targets, batch_size=1, epochs=2, shuffle=False, verbose=0, callbacks=[Log()])
print("losses of the batches:", *LOSSES)
print("logged in epoch 1:", *logged[:4])
print("logged in epoch 2:", *logged[4:])
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
losses of the batches: 1.0 1.0 1.0 9.0
logged in epoch 1: 1.0 1.0 1.0 3.0
logged in epoch 2: 1.0 1.0 1.0 3.0
EXPECTED
echo "as stated"

#!/usr/bin/env bash
# ormsgpack and u-msgpack-python give the first message of the bytes, and drop the others in
# silence.
#
# MessagePack has no frames: two messages written one after another, by a flush or by a socket, lie
# in one piece of bytes. `unpackb` of these two gives the first, and the rest is gone without a
# word; if the bytes are one record too early in a log, each read loses all but the first of its
# records. msgpack raises ExtraData and msgspec DecodeError for the same bytes. One would bet on
# that, as `json.loads` does for two documents.
#
# Seen with ormsgpack 1.13.1, u-msgpack-python 2.8.0, msgpack 1.2.4 and msgspec 0.23.0.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check ormsgpack==1.13.1 u-msgpack-python==2.8.0 msgpack==1.2.4 msgspec==0.23.0
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import msgpack
import msgspec
import ormsgpack
import umsgpack

written = msgpack.packb({"step": 1}) + msgpack.packb({"step": 2})
readers = {
    "ormsgpack": ormsgpack.unpackb,
    "u-msgpack-python": umsgpack.unpackb,
    "msgpack": msgpack.unpackb,
    "msgspec": msgspec.msgpack.decode,
}
for name, read in readers.items():
    try:
        print(f"{name}: {read(written)}")
    except Exception as error:
        print(f"{name}: {type(error).__name__}")
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
ormsgpack: {'step': 1}
u-msgpack-python: {'step': 1}
msgpack: ExtraData
msgspec: DecodeError
EXPECTED
echo "as stated"

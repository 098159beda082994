#!/usr/bin/env bash
# influxdb-client leaves out a field that is NaN or infinite, and with the last one the point.
#
# A point whose only field is a loss of NaN becomes the empty text, and the write succeeds: the
# curve of a run that diverged simply ends, as that of a run that was stopped, and who asks for the
# number of points gets fewer steps than there were. One would bet on an error, since
# line protocol has no NaN.
#
# Seen with influxdb-client 1.50.0.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check influxdb-client==1.50.0
export HOME="$work/home" no_proxy=127.0.0.1
mkdir "$HOME"

cat >program.py <<'PROGRAM'
import http.server
import math
import threading

from influxdb_client import InfluxDBClient, Point
from influxdb_client.client.write_api import SYNCHRONOUS

received = []


class Database(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        received.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.send_response(204)
        self.end_headers()

    def log_message(self, *words):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Database)
threading.Thread(target=server.serve_forever, daemon=True).start()
client = InfluxDBClient(f"http://127.0.0.1:{server.server_port}", token="any", org="any")
write = client.write_api(write_options=SYNCHRONOUS).write
for loss in 0.5, math.nan, math.inf:
    received.clear()
    returned = write("runs", record=Point("train").field("loss", loss).time(1))
    print(f"loss {loss}: write() returned {returned}, the database got {received}")
server.shutdown()
PROGRAM
venv/bin/python program.py >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
loss 0.5: write() returned None, the database got ['train loss=0.5 1']
loss nan: write() returned None, the database got ['']
loss inf: write() returned None, the database got ['']
EXPECTED
echo "as stated"

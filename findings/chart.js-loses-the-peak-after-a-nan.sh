#!/usr/bin/env bash
# Chart.js' decimation loses the peak of a loss where a NaN comes before it, "min-max" too.
#
# The plugin's "min-max" is there to keep peaks: of each pixel it draws the least and the
# greatest value. Both begin as the first value of the pixel; when that is a NaN, none that
# follows is less or greater, and the pixel is drawn as its first and last. The spike to 50
# is in no point that is drawn, and the axis of values, which is laid over these points, ends at
# 1.06: nothing tells that there was one. "lttb" loses it to a NaN in the next of its buckets,
# hundreds of steps away. NaN is a value that Chart.js knows: without decimation it is a gap, and
# the spike is there. What helps: null in the place of NaN, with "min-max".
#
# Seen with Chart.js 4.6.1 and @napi-rs/canvas 1.1.1 on Node.js 20.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit chart.js@4.6.1 @napi-rs/canvas@1.1.1

cat >program.mjs <<'PROGRAM'
import { createCanvas } from "@napi-rs/canvas";
import * as charts from "chart.js";

const { Chart, Decimation, LinearScale, LineController, LineElement, PointElement } = charts;
Chart.register(Decimation, LinearScale, LineController, LineElement, PointElement);

function drawn(decimation, odd, at) {
  const data = Array.from({ length: 5000 }, (_, x) => ({ x, y: 1 }));
  data[2503].y = 50;
  if (at !== null) data[at].y = odd;
  const chart = new Chart(createCanvas(300, 150).getContext("2d"), {
    type: "line",
    data: { datasets: [{ label: "loss", data }] },
    options: {
      parsing: false,
      animation: false,
      responsive: false,
      scales: { x: { type: "linear" }, y: { type: "linear" } },
      plugins: { decimation },
    },
  });
  const isThere = chart.data.datasets[0].data.some(({ y }) => y === 50);
  const said = `${isThere ? "the spike is drawn" : "the spike is LOST"}, axis to ${chart.scales.y.max}`;
  chart.destroy();
  return said;
}

const minMax = { enabled: true, algorithm: "min-max" };
const lttb = { enabled: true, algorithm: "lttb", samples: 20 };
console.log("no decimation, NaN at 2500:", drawn({ enabled: false }, NaN, 2500));
console.log("min-max, no NaN:", drawn(minMax, NaN, null));
console.log("min-max, NaN at 2500:", drawn(minMax, NaN, 2500));
console.log("min-max, null at 2500:", drawn(minMax, null, 2500));
console.log("lttb, no NaN:", drawn(lttb, NaN, null));
console.log("lttb, NaN at 2803:", drawn(lttb, NaN, 2803));
PROGRAM
node program.mjs >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
no decimation, NaN at 2500: the spike is drawn, axis to 50
min-max, no NaN: the spike is drawn, axis to 50
min-max, NaN at 2500: the spike is LOST, axis to 1.06
min-max, null at 2500: the spike is drawn, axis to 50
lttb, no NaN: the spike is drawn, axis to 50
lttb, NaN at 2803: the spike is LOST, axis to 1.06
EXPECTED
echo "as stated"

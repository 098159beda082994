#!/usr/bin/env bash
# ECharts labels the powers of ten below 0.001 on a logarithmic axis with twenty digits.
#
# The ticks are powers as floats give them, and their labels are all digits that are left: 0.0001
# stands there as 0.00009999999999999999 and 0.00001 as 0.00001000000000000000, just where learning
# rates are; 0.001 and 0.000001 are fine. The labels also take their width from the line, a third
# of it in a chart of 400 points. One would bet on the rounding that a linear axis has.
#
# Seen with echarts 6.1.0 on Node.js 20. What helps: `axisLabel.formatter`, for instance
# `(rate) => rate.toPrecision(1)`.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit echarts@6.1.0

cat >program.mjs <<'PROGRAM'
import * as echarts from "echarts";

function labels(type, rates, axisLabel = {}) {
  const chart = echarts.init(null, null, { renderer: "svg", ssr: true, width: 400, height: 300 });
  chart.setOption({
    animation: false,
    xAxis: { type: "value" },
    yAxis: { type, axisLabel },
    series: [{ type: "line", data: rates.map((rate, step) => [step, rate]) }],
  });
  const svg = chart.renderToSVGString();
  chart.dispose();
  const texts = svg.matchAll(/<text[^>]*text-anchor="end"[^>]*>([^<]*)</g);
  return [...texts].map(([, label]) => label).join(" ");
}

const rates = [1e-6, 1e-3];
console.log("log:", labels("log", rates));
const formatter = (rate) => rate.toPrecision(1);
console.log("log, with a formatter:", labels("log", rates, { formatter }));
console.log("value:", labels("value", [0, 3e-4]));
PROGRAM
node program.mjs >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
log: 0.000001 0.00001000000000000000 0.00009999999999999999 0.001 0.01
log, with a formatter: 0.000001 0.00001 0.0001 0.001 0.01
value: 0 0.00005 0.0001 0.00015 0.0002 0.00025 0.0003
EXPECTED
echo "as stated"

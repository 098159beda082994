#!/usr/bin/env bash
# uPlot draws over a NaN as if nothing were missing, and draws nothing at all if it comes first.
#
# A null is a gap. A NaN, which is what a column of doubles (Float64Array) has for a missing
# value, is none: the line goes on from the value before it to the one after. And where the first
# value is a NaN, as of a mean that needs some steps, the scale of values goes from NaN to NaN,
# so that the chart stays empty though five of six values are there; there is no
# error. One would bet on NaN and null being one to a library of charts that takes typed arrays.
#
# Seen with uPlot 1.6.32 in happy-dom 21.0.4, with @napi-rs/canvas 1.1.1 to draw on, on
# Node.js 20.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit uplot@1.6.32 happy-dom@21.0.4 @napi-rs/canvas@1.1.1

cat >program.mjs <<'PROGRAM'
import { createCanvas, Path2D } from "@napi-rs/canvas";
import { Window } from "happy-dom";

const window = new Window();
const { document, navigator, Event, CustomEvent, MouseEvent, HTMLElement } = window;
window.matchMedia = () => ({ addEventListener() {}, removeEventListener() {} });
const { matchMedia } = window;
Object.assign(globalThis, { window, document, HTMLElement, Event, CustomEvent, MouseEvent });
Object.assign(globalThis, { matchMedia, Path2D });
Object.assign(globalThis, { devicePixelRatio: 1, requestAnimationFrame: setTimeout });
Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true });
window.HTMLCanvasElement.prototype.getContext = function () {
  this.context ??= createCanvas(400, 200).getContext("2d");
  return this.context;
};
const { default: uPlot } = await import("uplot");

function draw(title, losses) {
  const data = [[0, 1, 2, 3, 4, 5], losses];
  const scales = { x: { time: false } };
  const element = document.createElement("div");
  const plot = new uPlot({ width: 400, height: 200, scales, series: [{}, { stroke: "red" }] }, data, element);
  return new Promise((done) => {
    setTimeout(() => {
      const { min, max } = plot.scales.y;
      const gaps = plot.series[1]._paths?.gaps.length;
      console.log(`${title}: gaps ${gaps}, values from ${min.toFixed(1)} to ${max.toFixed(1)}`);
      done();
    }, 50);
  });
}

await draw("a null in the midst", [1, 2, null, 2, 1, 2]);
await draw("a NaN in the midst", [1, 2, NaN, 2, 1, 2]);
await draw("the same as Float64Array", Float64Array.of(1, 2, NaN, 2, 1, 2));
await draw("a null at first", [null, 2, 1, 2, 1, 2]);
await draw("a NaN at first", [NaN, 2, 1, 2, 1, 2]);
process.exit();
PROGRAM
node program.mjs >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
a null in the midst: gaps 1, values from 0.9 to 2.1
a NaN in the midst: gaps 0, values from 0.9 to 2.1
the same as Float64Array: gaps 0, values from 0.9 to 2.1
a null at first: gaps 0, values from 0.9 to 2.1
a NaN at first: gaps 0, values from NaN to NaN
EXPECTED
echo "as stated"

#!/usr/bin/env bash
# lightweight-charts throws at a time that goes back or repeats, but not in what users get.
#
# Its package has two builds, of which bundlers take one by whether they serve or build.
# The one for development asserts that times ascend. The one for production, which is also the
# default, has no such check: a run that went on from a checkpoint, with times that go back,
# is taken without a word. `data()` still has all three points, but the places on the axis do
# not: of two points of one time the first cannot be had by its place, and neither can the
# point that goes back. One would bet on the same refusal in both, or on neither.
#
# Seen with lightweight-charts 5.2.1 in happy-dom 21.0.4, with @napi-rs/canvas 1.1.1 to draw on,
# on Node.js 20.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit \
    lightweight-charts@5.2.1 happy-dom@21.0.4 @napi-rs/canvas@1.1.1

cat >program.mjs <<'PROGRAM'
import { createCanvas, Path2D } from "@napi-rs/canvas";
import { Window } from "happy-dom";

const window = new Window();
const { document, location, navigator, HTMLElement, Node, Event, MouseEvent } = window;
const nothing = () => undefined;
window.matchMedia = () => ({ addListener: nothing, removeListener: nothing });
const colors = { backgroundColor: "rgb(0, 0, 0)", color: "rgb(0, 0, 0)" };
window.getComputedStyle = () => colors;
Object.assign(globalThis, { window, document, location, HTMLElement, Node, Event, MouseEvent });
Object.assign(globalThis, { Path2D, requestAnimationFrame: nothing });
Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true });
window.HTMLCanvasElement.prototype.getContext = function () {
  this.context ??= createCanvas(400, 200).getContext("2d");
  return this.context;
};
const { createChart, LineSeries } = await import("lightweight-charts");

function show(...times) {
  const element = document.createElement("div");
  document.body.append(element);
  const layout = { background: { type: "solid", color: "rgb(0, 0, 0)" }, textColor: "rgb(0, 0, 0)" };
  const series = createChart(element, { width: 400, height: 200, layout }).addSeries(LineSeries);
  try {
    series.setData(times.map((time, at) => ({ time, value: 10 * (at + 1) })));
  } catch (error) {
    return console.log(`  times ${times}: ${error.message.split(",")[0]}`);
  }
  const all = series.data().map(({ value }) => value);
  const placed = times.map((_, at) => series.dataByIndex(at)?.value ?? "nothing");
  console.log(`  times ${times}: values ${all}; by place ${placed}`);
}

show(1, 2, 3);
show(1, 1, 2);
show(1, 3, 2);
process.exit();
PROGRAM
for build in development production; do
    echo "$build"
    node --conditions $build program.mjs
done >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
development
  times 1,2,3: values 10,20,30; by place 10,20,30
  times 1,1,2: Assertion failed: data must be asc ordered by time
  times 1,3,2: Assertion failed: data must be asc ordered by time
production
  times 1,2,3: values 10,20,30; by place 10,20,30
  times 1,1,2: values 10,20,30; by place 10,30,nothing
  times 1,3,2: values 10,20,30; by place 10,nothing,20
EXPECTED
echo "as stated"

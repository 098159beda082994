#!/usr/bin/env bash
# Recharts draws neither line nor axis when one value on a logarithmic axis is 0.
#
# A learning rate that is 0 at the first step, as with each warm-up, empties the whole chart: no
# line, no labels, no error, no word in the console, and so on until the last 0 has left the data.
# A domain of one's own that is above 0 does not help unless the axis has `allowDataOverflow` too;
# without any domain even a curve of values above 0 is not drawn, as the domain then begins at 0. A
# null is a gap, as anywhere. One would bet on a gap for the 0 as well, as ECharts and Observable
# Plot draw it.
#
# Seen with recharts 3.11.1, React 19.3.1 and happy-dom 21.0.4 on Node.js 20. What helps: null in
# place of what is not above 0, and `domain={["auto", "auto"]}`.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm init --yes >/dev/null
npm install --silent --no-fund --no-audit \
    recharts@3.11.1 react@19.3.1 react-dom@19.3.1 react-is@19.3.1 happy-dom@21.0.4

cat >program.mjs <<'PROGRAM'
import { Window } from "happy-dom";

const window = new Window({ url: "http://localhost/" });
const { document, HTMLElement, SVGElement, Element, Node, Event, ResizeObserver } = window;
const requestAnimationFrame = window.requestAnimationFrame.bind(window);
const cancelAnimationFrame = window.cancelAnimationFrame.bind(window);
const getComputedStyle = window.getComputedStyle.bind(window);
Object.assign(globalThis, { window, document, HTMLElement, SVGElement, Element, Node, Event });
Object.assign(globalThis, { ResizeObserver, requestAnimationFrame, cancelAnimationFrame, getComputedStyle });
Object.defineProperty(globalThis, "navigator", { value: window.navigator, configurable: true });

for (const kind of ["error", "warn"]) console[kind] = () => console.log(`    a console.${kind}`);
const { createElement } = await import("react");
const { createRoot } = await import("react-dom/client");
const { flushSync } = await import("react-dom");
const { LineChart, Line, XAxis, YAxis } = await import("recharts");

async function draw(title, rates, axis) {
  const element = document.createElement("div");
  document.body.append(element);
  const data = rates.map((rate, step) => ({ rate, step }));
  const chart = createElement(
    LineChart,
    { width: 400, height: 200, data },
    createElement(XAxis, { dataKey: "step", type: "number" }),
    createElement(YAxis, { scale: "log", ...axis }),
    createElement(Line, { dataKey: "rate", isAnimationActive: false }),
  );
  const root = createRoot(element);
  flushSync(() => root.render(chart));
  await new Promise((rendered) => setTimeout(rendered, 300));
  const line = element.querySelector(".recharts-line-curve") ? "a line" : "no line";
  const labels = element.querySelectorAll(".recharts-yAxis text, .recharts-yAxis-tick-labels text");
  console.log(`  ${title}: ${line}, ${labels.length > 0 ? "labels" : "no labels"}`);
  root.unmount();
}

for (const rates of [[1e-4, 1e-3, 1e-2], [0, 1e-3, 1e-2], [null, 1e-3, 1e-2]]) {
  console.log(`learning rates ${rates.map(String).join(" ")}`);
  await draw("no domain", rates, {});
  await draw("auto", rates, { domain: ["auto", "auto"] });
  await draw("from 0.00001", rates, { domain: [1e-5, 1] });
  await draw("from 0.00001, allowDataOverflow", rates, { domain: [1e-5, 1], allowDataOverflow: true });
}
process.exit();
PROGRAM
node program.mjs >seen 2>errors || { cat seen errors; exit 1; }
cat seen

diff - seen >difference <<'EXPECTED' || { cat difference; echo "CHANGED"; exit 1; }
learning rates 0.0001 0.001 0.01
  no domain: no line, no labels
  auto: a line, labels
  from 0.00001: a line, labels
  from 0.00001, allowDataOverflow: a line, labels
learning rates 0 0.001 0.01
  no domain: no line, no labels
  auto: no line, no labels
  from 0.00001: no line, no labels
  from 0.00001, allowDataOverflow: a line, labels
learning rates null 0.001 0.01
  no domain: no line, no labels
  auto: a line, labels
  from 0.00001: a line, labels
  from 0.00001, allowDataOverflow: a line, labels
EXPECTED
echo "as stated"

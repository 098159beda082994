// What a row of the list says of its session, in figures.

import type { SessionInfo } from "tailcast";
import { figure } from "./figures.js";

/** How far it is: `12 400/50 000`, or without the end where that is not known. */
export function progress({ lastStep, totalSteps }: SessionInfo): string {
  if (lastStep === null) return totalSteps === null ? "–" : `–/${figure(totalSteps)}`;
  return totalSteps === null ? figure(lastStep) : `${figure(lastStep)}/${figure(totalSteps)}`;
}

/** How many records it writes: `9.8/s`, `3/m`, `2/h`; `–` unless it goes on. */
export function perSecond({ rate, status }: SessionInfo): string {
  if (rate === null || rate === 0 || status !== "running") return "–";
  const [times, unit] = rate >= 0.1 ? [1, "s"] : rate >= 1 / 600 ? [60, "m"] : [3_600, "h"];
  return `${figure(Number((rate * times).toPrecision(2)))}/${unit}`;
}

/** The points of a line through values in a box; a new line begins behind each gap. */
export function sparkPath(
  values: readonly (number | null)[],
  width: number,
  height: number,
): string {
  const finite = values.filter((value) => value !== null);
  const low = Math.min(...finite);
  // Halves, since the span of huge values is infinite.
  const halfSpan = Math.max(...finite) / 2 - low / 2;
  const step = width / Math.max(1, values.length - 1);
  let isDown = false;
  let path = "";
  for (const [at, value] of values.entries()) {
    if (value === null) {
      isDown = false;
      continue;
    }
    const share = halfSpan === 0 ? 0.5 : (value / 2 - low / 2) / halfSpan;
    const y = height * (1 - share);
    path += `${isDown ? "L" : "M"}${(at * step).toFixed(1)} ${y.toFixed(1)}`;
    // A value between two gaps is a dot.
    if (!isDown && (values[at + 1] ?? null) === null) path += "h2";
    isDown = true;
  }
  return path;
}

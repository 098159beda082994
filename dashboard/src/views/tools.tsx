// How charts are drawn: along what, logarithmic, smoothed, as tables. By buttons and keys.

import { AXES, type Axis, type View, WHOLE } from "../core/address.js";
import { type Extent, moved } from "../core/spans.js";
import { go, showSpan } from "../feed/place.js";
import { useKeys } from "./keys.js";

/** How much the keys `[` and `]` smooth, step by step. */
const WEIGHTS = [0, 0.6, 0.9, 0.97, 0.99];

export function ChartTools({ shown }: { shown: View }) {
  return (
    <>
      <select
        aria-label="Axis"
        value={shown.x}
        onChange={(event) => goAlong(event.currentTarget.value as Axis)}
      >
        {AXES.map((axis) => (
          <option key={axis} value={axis}>
            {axis}
          </option>
        ))}
      </select>
      <button
        type="button"
        aria-pressed={shown.log}
        onClick={() => go({ log: !shown.log }, { replace: true })}
      >
        log
      </button>
      <select
        aria-label="Smoothing"
        value={String(shown.smooth)}
        onChange={(event) =>
          go({ smooth: Number(event.currentTarget.value) }, { replace: true })
        }
      >
        {[...new Set([...WEIGHTS, shown.smooth])].map((weight) => (
          <option key={weight} value={String(weight)}>
            {weight === 0 ? "not smoothed" : `smooth ${weight}`}
          </option>
        ))}
      </select>
      <button
        type="button"
        aria-pressed={shown.table}
        onClick={() => go({ table: !shown.table }, { replace: true })}
      >
        table
      </button>
    </>
  );
}

/** The keys that are valid wherever charts are; `wholeNow` says how far they reach. */
export function useChartKeys(shown: View, wholeNow: () => Extent | null): void {
  const window = (scale: number, shift: number) => {
    const whole = wholeNow();
    if (whole === null) return;
    const span = { low: shown.from ?? whole.low, high: shown.to ?? whole.high };
    showSpan(moved(span, whole, scale, shift), { replace: true });
  };
  const smoother = (by: number) => {
    const at = WEIGHTS.findLastIndex((weight) => weight <= shown.smooth);
    const smooth = WEIGHTS[Math.min(WEIGHTS.length - 1, Math.max(0, at + by))]!;
    go({ smooth }, { replace: true });
  };
  const isPart = shown.from !== null || shown.to !== null;
  useKeys("Charts", [
    ...AXES.map((x, at) => ({
      keys: [String(at + 1)],
      does: `Along the ${x}`,
      run: () => goAlong(x),
    })),
    {
      keys: ["l"],
      does: "Logarithmic axis",
      run: () => go({ log: !shown.log }, { replace: true }),
    },
    { keys: ["["], does: "Less smooth", run: () => smoother(-1) },
    { keys: ["]"], does: "Smoother", run: () => smoother(1) },
    {
      keys: ["t"],
      does: "Charts as tables, and back",
      run: () => go({ table: !shown.table }, { replace: true }),
    },
    { keys: ["+", "="], does: "Closer", run: () => window(0.5, 0) },
    { keys: ["-"], does: "Wider", run: () => window(2, 0) },
    { keys: ["ArrowLeft"], does: "Earlier", run: () => window(1, -0.25) },
    { keys: ["ArrowRight"], does: "Later", run: () => window(1, 0.25) },
    ...(isPart
      ? [
          {
            keys: ["Escape", "0"],
            does: "The whole run",
            run: () => go(WHOLE),
          },
        ]
      : []),
  ]);
}

/** Places on another axis are others. */
function goAlong(x: Axis): void {
  go({ ...WHOLE, x, at: null, paused: null, place: null }, { replace: true });
}

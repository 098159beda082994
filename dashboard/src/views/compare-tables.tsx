// How runs differ, in figures: what they were started with, and how they stand at one place
// of the axis.

import { useMemo } from "react";
import type { Axis } from "../core/address.js";
import { type Curve, rowAt } from "../core/curve.js";
import { differences } from "../core/differences.js";
import { figure } from "../core/figures.js";
import type { Look } from "../core/hues.js";
import type { Extent } from "../core/spans.js";
import type { Listing } from "../feed/listed-runs.js";
import { go } from "../feed/place.js";
import type { Feeds } from "./runs.js";
import { Swatch } from "./swatch.js";

/** A run among others, and how it is drawn there. */
export interface Looked extends Feeds {
  readonly look: Look;
}

/** What they were started with: the keys that differ alone. */
export function Configs({ runs, listing }: { runs: readonly Looked[]; listing: Listing }) {
  const { rows, same, leftOut } = useMemo(
    () => differences(runs.map(({ name }) => listing.get(name)?.config ?? {})),
    [runs, listing],
  );
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keys
    <section className="compared-table" aria-label="Config" tabIndex={0}>
      <table>
        <caption>
          Config: {rows.length === 0 ? "no differences" : "differences only"}
          {same > 0 && ` · ${figure(same)} the same`}
          {leftOut > 0 && ` · ${figure(leftOut)} keys not compared`}
        </caption>
        {rows.length > 0 && <Names runs={runs} />}
        <tbody>
          {rows.map(({ key, values }) => (
            <tr key={key}>
              <th scope="row">
                <bdi>{key}</bdi>
              </th>
              {values.map((value, at) => (
                <td key={runs[at]!.name} title={value ?? ""}>
                  <bdi>{value ?? "–"}</bdi>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Names({ runs }: { runs: readonly Looked[] }) {
  return (
    <thead>
      <tr>
        <td />
        {runs.map(({ name, look }) => (
          <th scope="col" key={name}>
            <Swatch look={look} /> <bdi>{name}</bdi>
          </th>
        ))}
      </tr>
    </thead>
  );
}

/** The values at one place, and how far they are from those of the first run. */
export function Standing({
  runs,
  metrics,
  axis,
  extents,
  place,
}: {
  runs: readonly Looked[];
  metrics: readonly string[];
  axis: Axis;
  extents: readonly Extent[];
  /** Where; null for the last place that all have. */
  place: number | null;
}) {
  // The last place that all have reached.
  const last = extents.length > 0 ? Math.min(...extents.map(({ high }) => high)) : null;
  const at = place ?? last;
  const [base, ...others] = runs;
  const bases = metrics.map((metric) => valueAt(base, metric, at));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keys
    <section className="compared-table" aria-label="Values at one place" tabIndex={0}>
      <table>
        <caption>
          At {axis}{" "}
          {axis === "time" ? (
            at !== null && new Date(at).toLocaleString()
          ) : (
            <input
              type="number"
              aria-label={`The ${axis} at which they are compared`}
              value={at === null ? "" : String(at)}
              onInput={(event) => {
                const { value } = event.currentTarget;
                go({ place: value === "" ? null : Number(value) }, { replace: true });
              }}
            />
          )}
          {place === null && " · the last that all have"}
        </caption>
        <thead>
          <tr>
            <td />
            {metrics.map((metric) => (
              <th scope="col" key={metric}>
                <bdi>{metric}</bdi>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {base && <Stands run={base} values={bases} bases={[]} />}
          {others.map((run) => (
            <Stands
              key={run.name}
              run={run}
              values={metrics.map((metric) => valueAt(run, metric, at))}
              bases={bases}
            />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Stands({
  run,
  values,
  bases,
}: {
  run: Looked;
  values: readonly (number | undefined)[];
  bases: readonly (number | undefined)[];
}) {
  return (
    <tr>
      <th scope="row">
        <Swatch look={run.look} /> <bdi>{run.name}</bdi>
      </th>
      {values.map((value, at) => (
        <td key={at}>
          <Stand value={value} base={bases[at]} />
        </td>
      ))}
    </tr>
  );
}

function Stand({ value, base }: { value: number | undefined; base: number | undefined }) {
  if (value === undefined) return <>–</>;
  if (Number.isNaN(value)) return <>NaN ▲</>;
  const apart = base === undefined ? NaN : value - base;
  return (
    <>
      {figure(value)}
      {Number.isFinite(apart) && (
        <span className="compared-quiet">
          {" "}
          Δ {apart > 0 && "+"}
          {figure(apart)}
        </span>
      )}
    </>
  );
}

/** The value that was the latest at a place; undefined before the first one. */
function valueAt(run: Looked | undefined, metric: string, at: number | null) {
  const curve = run?.curves.whole?.curves.get(metric);
  return curve === undefined || at === null ? undefined : lastBefore(curve, at);
}

function lastBefore(curve: Curve, at: number): number | undefined {
  const row = rowAt(curve, at);
  const x = row < 0 ? Number.NEGATIVE_INFINITY : curve.x[row]!;
  const odd = curve.odd.findLast((one) => one.x <= at && one.x >= x);
  return odd ? Number(odd.kind) : curve.mean[row];
}

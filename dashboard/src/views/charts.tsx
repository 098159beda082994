// The charts of what is chosen, side by side.

import type { RefObject } from "react";
import type { Axis, View } from "../core/address.js";
import { figure } from "../core/figures.js";
import type { Span } from "../core/spans.js";
import { MAX_METRICS } from "../feed/curves.js";
import { showSpan } from "../feed/place.js";
import { Chart } from "./chart.js";
import type { Source } from "./source.js";

interface Props {
  readonly chosen: readonly string[];
  readonly sources: readonly Source[];
  readonly axis: Axis;
  readonly span: Span;
  /** As in `Chart`. */
  readonly until: number | null;
  readonly shown: View;
  readonly grid?: RefObject<HTMLDivElement | null>;
}

export function Charts({ chosen, sources, axis, span, until, shown, grid }: Props) {
  return (
    <div className="charts" ref={grid}>
      {chosen.slice(0, MAX_METRICS).map((metric) => (
        <Chart
          key={metric}
          metric={metric}
          sources={sources}
          axis={axis}
          span={span}
          until={until}
          mark={axis === shown.x ? shown.mark : null}
          isLog={shown.log}
          smooth={shown.smooth}
          isTable={shown.table}
          onSpan={showSpan}
        />
      ))}
    </div>
  );
}

/** Says how many of what is chosen are not drawn. */
export function BeyondCharts({ chosen }: { chosen: readonly string[] }) {
  const more = chosen.length - MAX_METRICS;
  if (more <= 0) return null;
  return (
    <p className="run-note">
      {MAX_METRICS} charts are drawn at once; {figure(more)} more are chosen.
    </p>
  );
}

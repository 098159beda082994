// Several runs: their curves in the same charts, what they were started with, and how they
// stand at one place of the axis.

import { useEffect, useMemo, useState } from "react";
import type { SessionInfo } from "tailcast";
import { type Axis, WHOLE } from "../core/address.js";
import { figure } from "../core/figures.js";
import { LOOKS, looksOf } from "../core/hues.js";
import { flipped } from "../core/sets.js";
import { type Extent, union } from "../core/spans.js";
import { ListedRuns } from "../feed/listed-runs.js";
import { go, view } from "../feed/place.js";
import { client } from "../feed/server.js";
import { useValue } from "../feed/value.js";
import { BeyondCharts, Charts } from "./charts.js";
import { Configs, type Looked, Standing } from "./compare-tables.js";
import { isEnough, MOST, useDrawn } from "./drawn.js";
import { Back, Link } from "./link.js";
import { Metrics } from "./metrics.js";
import { useMetrics, useRuns } from "./runs.js";
import { Swatch } from "./swatch.js";
import { useTick } from "./tick.js";
import { ChartTools, useChartKeys } from "./tools.js";
import "./run.css";
import "./compare.css";

/** How many runs are drawn at once: as many as can be told apart. */
const MAX_RUNS = LOOKS;

/** The runs that are compared, the first of which is what the others are compared to. */
export function Compare({ sessions }: { sessions: readonly string[] }) {
  const shown = useValue(view);
  const names = sessions.slice(0, MAX_RUNS);
  const beyond = sessions.length - names.length;
  const feeds = useRuns(names);
  const runs = useMemo<readonly Looked[]>(() => {
    const looks = looksOf(feeds.map(({ name }) => name));
    return feeds.map((run) => ({ ...run, look: looks.get(run.name)! }));
  }, [feeds]);
  const listed = useListed(names);
  const known = useMetrics(feeds);
  const hidden = useMemo(() => new Set(shown.hide), [shown.hide]);
  const span = useMemo(() => ({ from: shown.from, to: shown.to }), [shown.from, shown.to]);
  useTick(
    useMemo(
      () => [listed.latest, ...runs.flatMap(({ curves }) => [curves.version, curves.state])],
      [runs, listed],
    ),
  );
  const { chosen, toggle, charts } = useDrawn(shown, known);
  // All along the same: the records' numbers where the axis does not fit one of them.
  const misfits = runs.flatMap(({ name, curves }) => {
    const { misfit } = curves.state.get();
    return misfit === null ? [] : [`${name}: ${misfit}`];
  });
  const [isMisfit, setMisfit] = useState(false);
  useEffect(() => {
    if (misfits.length > 0) setMisfit(true);
  }, [misfits.length]);
  useEffect(() => setMisfit(false), [shown.x, names.length]);
  const axis: Axis = isMisfit ? "record" : shown.x;
  const isKnown = isEnough(known);
  const drawnKey = JSON.stringify(chosen);
  useEffect(() => {
    const metrics: readonly string[] = JSON.parse(drawnKey);
    // Of runs without a metric the first record is waited for.
    if (metrics.length === 0 && !isKnown) return;
    for (const { curves } of runs) curves.show(metrics, axis, span);
  }, [runs, drawnKey, axis, span, isKnown]);

  const sources = useMemo(
    () =>
      runs
        .filter(({ name }) => !hidden.has(name))
        .map(({ name, curves, look }) => ({ name, curves, look })),
    [runs, hidden],
  );
  const extentsNow = () => runs.flatMap(({ curves }) => curves.whole?.extent ?? []);
  const extents = extentsNow();
  useChartKeys(shown, () => extentsNow().reduce<Extent | null>(union, null));
  const latest = (metric: string): unknown => runs[0]?.curves.whole?.curves.get(metric)?.last;
  const hide = (name: string) => go({ hide: [...flipped(hidden, name)] }, { replace: true });
  const part = (name: string) => {
    const [session, ...compare] = sessions.filter((one) => one !== name);
    go({ session: session ?? null, compare });
  };
  return (
    <div className="run compare">
      <header className="run-head">
        <Back />
        <h1>{figure(sessions.length)} runs</h1>
        <span>{chosen.length} metrics drawn</span>
        <div className="run-tools">
          {(shown.from !== null || shown.to !== null) && (
            <button type="button" onClick={() => go(WHOLE)}>
              whole runs
            </button>
          )}
          <ChartTools shown={shown} />
        </div>
      </header>
      {beyond > 0 && (
        <p className="run-note">
          {MAX_RUNS} runs are drawn at once; {figure(beyond)} more {beyond === 1 ? "is" : "are"}{" "}
          chosen.
        </p>
      )}
      {isMisfit && (
        <p className="run-note">Along the records' numbers, since {misfits.join("; ")}.</p>
      )}
      <BeyondCharts chosen={chosen} />
      <ul className="compared" aria-label="Runs">
        {runs.map((run) => (
          <Compared
            key={run.name}
            run={run}
            row={listed.latest.get().get(run.name)}
            isHidden={hidden.has(run.name)}
            toggle={() => hide(run.name)}
            part={() => part(run.name)}
          />
        ))}
      </ul>
      <div className="run-body">
        <Metrics known={known} chosen={chosen} toggle={toggle} latest={latest} />
        <Charts
          chosen={chosen}
          sources={sources}
          axis={axis}
          span={span}
          until={null}
          shown={shown}
          grid={charts}
        />
      </div>
      <div className="compared-tables">
        <Configs runs={runs} listing={listed.latest.get()} />
        <Standing
          runs={runs}
          metrics={chosen.slice(0, MOST)}
          axis={axis}
          extents={extents}
          place={shown.place}
        />
      </div>
    </div>
  );
}

/** How the runs are now. */
function useListed(names: readonly string[]): ListedRuns {
  const [listed] = useState(() => new ListedRuns(client));
  const key = JSON.stringify(names);
  useEffect(() => listed.see(JSON.parse(key)), [listed, key]);
  useEffect(() => () => listed.close(), [listed]);
  return listed;
}

/** Drawn anew with all the others: what many runs tell comes at many moments. */
function Compared({
  run,
  row,
  isHidden,
  toggle,
  part,
}: {
  run: Looked;
  row: SessionInfo | undefined;
  isHidden: boolean;
  toggle: () => void;
  part: () => void;
}) {
  const { isWaiting, problem } = run.curves.state.get();
  const { name, look } = run;
  return (
    <li className="compared-run" data-session={name}>
      <Swatch look={look} />
      <Link to={{ session: name, compare: [] }}>
        <bdi>{row?.name ?? name}</bdi>
      </Link>
      {row && <span className={`status-${row.status}`}>{row.status}</span>}
      {row?.lastStep != null && <span>{figure(row.lastStep)}</span>}
      {isWaiting && <span className="compared-quiet">waiting for its first record</span>}
      {problem !== null && <span className="compared-quiet">{problem}</span>}
      <button
        type="button"
        aria-label={`${isHidden ? "show" : "hide"} ${name}`}
        onClick={toggle}
      >
        {isHidden ? "show" : "hide"}
      </button>
      <button type="button" aria-label={`Take ${name} out`} onClick={part}>
        ×
      </button>
    </li>
  );
}

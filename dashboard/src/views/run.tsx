// One run: how far it is, its metrics, their charts, what it was started with.

import { type ReactNode, useCallback, useEffect, useMemo, useRef } from "react";
import { type View, WHOLE } from "../core/address.js";
import { around } from "../core/curve.js";
import { duration, figure } from "../core/figures.js";
import { lookOf } from "../core/hues.js";
import type { Curves, Paused } from "../feed/curves.js";
import { go, showSpan, view } from "../feed/place.js";
import { type Snapshot, Snapshots } from "../feed/snapshot.js";
import { useValue } from "../feed/value.js";
import { placeText } from "./chart.js";
import { BeyondCharts, Charts } from "./charts.js";
import { Details } from "./details.js";
import { isEnough, useDrawn } from "./drawn.js";
import { useKeys } from "./keys.js";
import { Back } from "./link.js";
import { Metrics } from "./metrics.js";
import { ReplayBar, useReplay } from "./replay.js";
import { useMetrics, useRuns } from "./runs.js";
import type { Source } from "./source.js";
import { amount, Strip } from "./strip.js";
import { useTick } from "./tick.js";
import { ChartTools, useChartKeys } from "./tools.js";
import "./run.css";

export function Run({ session }: { session: string }) {
  const shown = useValue(view);
  const runs = useRuns([session]);
  const feeds = runs[0]!;
  const known = useMetrics(runs);
  const snapshots = useSnapshots(session);
  const snapshot = useValue(snapshots.latest);
  const state = useValue(feeds.curves.state);
  const span = useMemo(() => ({ from: shown.from, to: shown.to }), [shown.from, shown.to]);
  const { chosen, toggle, charts } = useDrawn(shown, known, snapshot?.spark?.metric);
  const isKnown = isEnough(known);
  const drawnKey = JSON.stringify(chosen);
  useEffect(() => {
    const metrics: readonly string[] = JSON.parse(drawnKey);
    if (metrics.length > 0 || isKnown) feeds.curves.show(metrics, shown.x, span);
  }, [feeds, drawnKey, shown.x, span, isKnown]);
  useSurroundings(feeds.curves, shown);

  const sources = useMemo<Source[]>(
    () => [{ name: session, curves: feeds.curves, look: { ...lookOf(session), dash: [] } }],
    [session, feeds],
  );
  const onSeen = useCallback((names: readonly string[]) => snapshots.see(names), [snapshots]);
  useTick(useMemo(() => [feeds.curves.version], [feeds]));
  const paused = usePaused(feeds.curves, shown.paused);
  const replay = useReplay(feeds.curves, snapshot, state.axis, shown.at);
  const pause = () => {
    if (replay.at !== null) replay.toggle();
    else {
      // Without a record there is nothing that could stand still.
      const x = feeds.curves.whole?.x ?? null;
      go({ paused: paused === null ? x : null }, { replace: true });
    }
  };
  const follow = () => {
    go({ paused: null }, { replace: true });
    if (replay.at !== null) replay.end();
    if (shown.to !== null) showSpan({ from: shown.from, to: null });
  };
  const whole = feeds.curves.whole?.extent ?? null;
  useRunKeys({ pause, follow, replay: replay.toggle });
  useChartKeys(shown, () => feeds.curves.shown?.extent ?? null);

  const latest = (metric: string): unknown =>
    feeds.curves.whole?.curves.get(metric)?.last ?? snapshot?.metrics?.[metric]?.last;
  return (
    <div className="run">
      <Head
        session={session}
        snapshot={snapshot}
        shown={shown}
        paused={
          paused && (
            <span className="run-paused">
              paused at {paused.x === null ? "the beginning" : placeText(paused.x, state.axis)}{" "}
              · {figure(feeds.curves.received - paused.since)} new
              <button type="button" onClick={follow}>
                follow
              </button>
            </span>
          )
        }
        pause={pause}
      />
      {state.misfit !== null && (
        <p className="run-note">Along the records' numbers, since {state.misfit}.</p>
      )}
      {state.isWaiting && <p className="run-note">Waiting for its first record.</p>}
      {(state.problem ?? known.problem) !== null && (
        <p className="run-note">{state.problem ?? known.problem}</p>
      )}
      {state.isBehind && (
        <p className="run-note">Records that were stored meanwhile are still coming.</p>
      )}
      <BeyondCharts chosen={chosen} />
      {state.unknown.length > 0 && (
        <p className="run-note">There is no metric {state.unknown.join(", ")}.</p>
      )}
      <div className="run-body">
        <Metrics
          known={known}
          chosen={chosen}
          toggle={toggle}
          latest={latest}
          onSeen={onSeen}
        />
        <Charts
          chosen={chosen}
          sources={sources}
          axis={state.axis}
          span={span}
          until={replay.at}
          shown={shown}
          grid={charts}
        />
        <Details session={session} snapshot={snapshot} onSaid={snapshots.take} />
      </div>
      <footer className="strip">
        <span className="strip-label">whole run</span>
        <Strip
          source={sources[0]!}
          metric={chosen[0]}
          span={span}
          until={replay.at}
          onSpan={showSpan}
        />
        <span className="run-tools">
          {(span.from !== null || span.to !== null) && (
            <button type="button" onClick={() => go(WHOLE)}>
              whole run
            </button>
          )}
          <ReplayBar replay={replay} axis={state.axis} whole={whole} />
        </span>
        <span className="strip-count">
          {chosen.length} of {figure(known.of)} drawn
          {snapshot?.records != null && ` · ${amount(snapshot.records)} records`}
        </span>
      </footer>
    </div>
  );
}

/** Stand still where the address says so, once there is something. */
function usePaused(curves: Curves, at: number | null): Paused | null {
  const paused = useValue(curves.paused);
  useEffect(() => {
    if (at === null) curves.follow();
    else if (paused === null) curves.pause(at);
  });
  return paused;
}

/** How the run is now. */
function useSnapshots(session: string): Snapshots {
  const snapshots = useMemo(() => new Snapshots(session), [session]);
  useEffect(() => () => snapshots.close(), [snapshots]);
  return snapshots;
}

/** Show what is around a marked place, once it is known how close the records are there. */
function useSurroundings(curves: Curves, { mark, from, to, x }: View): void {
  // The place around which all of the run is shown.
  const short = useRef<number | null>(null);
  useEffect(() => {
    if (mark === null || from !== null || to !== null || mark === short.current) return;
    const { whole } = curves;
    if (whole?.axis !== x || whole.extent === null) return;
    const all = [...whole.curves.values()];
    const closest = all.reduce((one, other) => (other.values > one.values ? other : one));
    const span = around(closest, mark);
    if (span.from === null && span.to === null) short.current = mark;
    else go(span, { replace: true });
  });
}

interface Doing {
  readonly pause: () => void;
  readonly follow: () => void;
  readonly replay: () => void;
}

function useRunKeys(doing: Doing): void {
  useKeys("Run", [
    { keys: [" "], does: "Pause, and go on", run: doing.pause },
    { keys: ["f"], does: "Follow what comes", run: doing.follow },
    { keys: ["r"], does: "Replay", run: doing.replay },
  ]);
}

function Head({
  session,
  snapshot,
  shown,
  paused,
  pause,
}: {
  session: string;
  snapshot: Snapshot | null;
  shown: View;
  /** Where it stands still, in the place of how far the run is: nothing moves. */
  paused: ReactNode;
  pause: () => void;
}) {
  const status = snapshot?.status ?? null;
  const step = snapshot?.steps?.last ?? null;
  const total = snapshot?.totalSteps ?? null;
  return (
    <header className="run-head">
      <Back />
      <h1 title={session} dir="auto">
        {snapshot?.name ?? session}
      </h1>
      {status !== null && (
        <span className={`status-${status}`}>
          {status === "running" ? "●" : status === "stalled" ? "◐" : "○"} {status}
        </span>
      )}
      {paused ?? (
        <>
          {step !== null && (
            <span>
              {figure(step)}
              {total !== null && ` / ${figure(total)}`}
            </span>
          )}
          {step !== null && total !== null && (
            <progress value={step} max={total} aria-label="Progress" />
          )}
          {status === "running" && snapshot?.etaMs != null && (
            <span>eta {duration(snapshot.etaMs)}</span>
          )}
        </>
      )}
      <div className="run-tools">
        <button
          type="button"
          aria-pressed={paused !== null}
          title="Pause (space)"
          onClick={pause}
        >
          pause
        </button>
        <ChartTools shown={shown} />
      </div>
    </header>
  );
}

// The metrics of a run: all of them, found by name, chosen for drawing, with a star for
// those that one always wants to see.

import { useEffect, useMemo, useRef, useState } from "react";
import { type Metric, type Row, rowsOf } from "../core/choice.js";
import { figure } from "../core/figures.js";
import { flipped } from "../core/sets.js";
import type { Known } from "../feed/catalogue.js";
import { Remembered, texts } from "../feed/remembered.js";
import { useValue } from "../feed/value.js";
import { useKeys } from "./keys.js";
import { useSeen } from "./seen.js";

const ROW = 24;
/** With more metrics groups are closed at first. */
const MANY = 200;
const byNumber = new Intl.Collator(undefined, { numeric: true }).compare;
const MAX_STARS = 200;

/** Kept for all runs: the same metric tells the same in each. */
const stars = new Remembered<readonly string[]>("stars", texts(MAX_STARS));

interface Props {
  readonly known: Known;
  readonly chosen: readonly string[];
  readonly toggle: (metric: string) => void;
  readonly latest: (metric: string) => unknown;
  /** Which rows are to be seen. */
  readonly onSeen?: (metrics: readonly string[]) => void;
}

export function Metrics({ known, chosen, toggle, latest, onSeen }: Props) {
  const [filter, setFilter] = useState("");
  const [turned, setTurned] = useState<ReadonlySet<string>>(new Set());
  const kept = useValue(stars);
  const starred = useMemo(() => new Set(kept), [kept]);
  const list = useRef<HTMLUListElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const focused = useRef<string | null>(null);
  const names = useMemo(() => known.metrics.map(({ name }) => name).sort(byNumber), [known]);
  const byName = useMemo(() => new Map(known.metrics.map((one) => [one.name, one])), [known]);
  const rows = useMemo(() => {
    const isClosed = (group: string) => turned.has(group) !== names.length > MANY;
    return rowsOf(names, { filter, stars: starred, isClosed });
  }, [names, filter, starred, turned]);
  const drawn = useSeen(list, rows.length, ROW);
  const seen = drawn.flatMap((at) => {
    const row = rows[at];
    return row && "metric" in row ? [row.metric] : [];
  });
  const seenKey = JSON.stringify(seen);
  useEffect(() => onSeen?.(JSON.parse(seenKey)), [seenKey, onSeen]);
  useKeys("Metrics", [
    { keys: ["/"], does: "Find a metric", run: () => input.current?.focus() },
    {
      keys: ["s"],
      does: "Star the metric that has the focus",
      run: () => focused.current !== null && star(focused.current),
    },
  ]);
  return (
    <nav className="metrics" aria-label="Metrics">
      <input
        ref={input}
        className="metrics-filter"
        type="search"
        placeholder="/ filter"
        aria-label="Filter metrics"
        value={filter}
        onInput={(event) => setFilter(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          event.preventDefault();
          if (filter === "") event.currentTarget.blur();
          else setFilter("");
        }}
      />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keys */}
      <div className="metrics-scroll" tabIndex={0}>
        <ul ref={list} style={{ height: rows.length * ROW }}>
          {drawn.map((at) => {
            const row = rows[at];
            if (!row) return null;
            const key = "metric" in row ? `m ${row.metric}` : `g ${row.group}`;
            return (
              <li key={key} style={{ transform: `translateY(${at * ROW}px)`, height: ROW }}>
                {"metric" in row ? (
                  <MetricRow
                    metric={byName.get(row.metric)}
                    name={row.metric}
                    isStarred={starred.has(row.metric)}
                    isChosen={chosen.includes(row.metric)}
                    value={latest(row.metric)}
                    toggle={toggle}
                    onFocus={() => {
                      focused.current = row.metric;
                    }}
                  />
                ) : (
                  <GroupRow row={row} toggle={() => setTurned(flipped(turned, row.group))} />
                )}
              </li>
            );
          })}
        </ul>
      </div>
      <p className="metrics-foot">
        {figure(known.of)} in all
        {known.of > names.length &&
          known.isWhole &&
          ` · the first ${figure(names.length)} listed`}
        {known.leftOut > 0 && ` · ${figure(known.leftOut)} without statistics`}
      </p>
    </nav>
  );
}

function MetricRow({
  metric,
  name,
  isStarred,
  isChosen,
  value,
  toggle,
  onFocus,
}: {
  metric: Metric | undefined;
  name: string;
  isStarred: boolean;
  isChosen: boolean;
  value: unknown;
  toggle: (metric: string) => void;
  onFocus: () => void;
}) {
  return (
    <>
      <button
        type="button"
        className="metric-star"
        aria-pressed={isStarred}
        aria-label={`Star ${name}`}
        onClick={() => star(name)}
      >
        {isStarred ? "★" : "☆"}
      </button>
      <button
        type="button"
        className="metric"
        aria-pressed={isChosen}
        title={name}
        onClick={() => toggle(name)}
        onFocus={onFocus}
      >
        <span className="metric-name" dir="auto">
          {name}
        </span>
        <span className="figure">{figure(value ?? metric?.last)}</span>
      </button>
    </>
  );
}

function GroupRow({
  row,
  toggle,
}: {
  row: Extract<Row, { group: string }>;
  toggle: () => void;
}) {
  return (
    <button type="button" className="metric-group" aria-expanded={row.isOpen} onClick={toggle}>
      {row.isOpen ? "▾" : "▸"}{" "}
      <span className="metric-name" dir="auto">
        {row.group}/
      </span>{" "}
      ({row.of})
    </button>
  );
}

function star(name: string): void {
  stars.set([...flipped(new Set(stars.get()), name)].slice(-MAX_STARS));
}

// The lines of the list of sessions, of which those are drawn that are seen; and their keys.

import { useLayoutEffect, useMemo, useRef, useState } from "react";
import type { SessionInfo } from "tailcast";
import { leadTo } from "../core/address.js";
import type { Column, Line, Order } from "../core/order.js";
import { emergencies, muted, unseen } from "../feed/emergencies.js";
import { go, view } from "../feed/place.js";
import { sessionList } from "../feed/sessions.js";
import { useValue } from "../feed/value.js";
import { chosen, compareChosen, current, toggle } from "./choosing.js";
import { useKeys } from "./keys.js";
import { useMedia } from "./media.js";
import { useSeen } from "./seen.js";
import { Fold, Row } from "./session-row.js";

const ROW_PX = 28;
const CARD_PX = 52;
/** What lies above the rows while they scroll. */
const HEADER_PX = 32;

const HEADS: readonly (readonly [name: string, column: Column | null])[] = [
  ["name", "name"],
  ["status", "run"],
  ["step", "step"],
  ["rate", "rate"],
  ["metric", null],
  ["value", "value"],
  ["age", "age"],
  ["group", "group"],
  ["tags", null],
];

function Heads({ sort }: { sort: Order }) {
  const choose = (column: Column) => {
    const isReversed = sort.column === column && !sort.isReversed;
    go({ sort: { column, isReversed } }, { replace: true });
  };
  return (
    <div className="row heads" role="row" aria-rowindex={1}>
      {HEADS.map(([name, column]) => {
        const isSorted = column === sort.column;
        const direction = sort.isReversed ? "descending" : "ascending";
        return (
          <div
            key={name}
            className={`cell cell-${name}`}
            role="columnheader"
            aria-sort={isSorted ? direction : undefined}
          >
            {column === null ? (
              name
            ) : (
              <button type="button" onClick={() => choose(column)}>
                {name}
                {isSorted && <span aria-hidden="true">{sort.isReversed ? " ↑" : " ↓"}</span>}
              </button>
            )}
          </div>
        );
      })}
    </div>
  );
}

const keyOf = (line: Line) => (line.kind === "fold" ? `\n${line.title}` : line.name);

interface RowsProps {
  lines: readonly Line[];
  sessions: ReadonlyMap<string, SessionInfo>;
  sort: Order;
  /** Open what lies folded behind a title, or fold it. */
  turn: (title: string) => void;
  search: { readonly current: HTMLInputElement | null };
  again: () => void;
}

export function Rows({ lines, sessions, sort, turn, search, again }: RowsProps) {
  const isNarrow = useMedia("(max-width: 720px)");
  const rowPx = isNarrow ? CARD_PX : ROW_PX;
  const list = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => {
    const { offsetTop = 0 } = list.current ?? {};
    if (offsetTop !== top) setTop(offsetTop);
  });
  useAnchor(lines, top, rowPx);
  const drawn = useSeen(list, lines.length, rowPx);
  // As many as were drawn at once. A row that goes out of sight becomes one that comes, which
  // is half of the work of a new one.
  const rows = useRef(0);
  rows.current = Math.max(rows.current, drawn.length);
  const seen = drawn.flatMap((at) => lines[at] ?? []);
  sessionList.show(seen.flatMap((line) => (line.kind === "session" ? [line.name] : [])));

  const key = useValue(current);
  const at = useMemo(() => lines.findIndex((line) => keyOf(line) === key), [lines, key]);
  const move = (by: number) => {
    if (lines.length === 0) return;
    const next = at === -1 ? 0 : Math.max(0, Math.min(lines.length - 1, at + by));
    current.set(keyOf(lines[next]!));
    bringIntoSight(next * rowPx, rowPx);
  };
  const bringIntoSight = (from: number, height: number) => {
    const y = (list.current?.getBoundingClientRect().top ?? 0) + from;
    const above = y - HEADER_PX;
    const below = y + height - (innerHeight - 2 * ROW_PX);
    if (above < 0) scrollBy(0, above);
    else if (below > 0) scrollBy(0, below);
  };
  const line = lines[at] ?? lines[0];
  const here = line?.kind === "session" ? line.name : null;
  const enter = () => {
    if (here !== null) go(leadTo(here));
    else if (line?.kind === "fold") turn(line.title);
  };
  useKeys("Sessions", [
    { keys: ["j", "ArrowDown"], does: "Next session", run: () => move(1) },
    { keys: ["k", "ArrowUp"], does: "Session before", run: () => move(-1) },
    { keys: ["Enter"], does: "Open the session", run: enter },
    {
      keys: ["x"],
      does: "Choose the session, or not",
      run: () => here !== null && toggle(chosen, here),
    },
    { keys: ["c"], does: "Compare those that are chosen", run: () => compareChosen(here) },
    { keys: ["r"], does: "Sort the list anew", run: again },
    { keys: ["/"], does: "Search", run: () => search.current?.focus() },
    { keys: ["Escape"], does: "Choose none, search for nothing", run: clear },
  ]);
  const selected = useValue(chosen);
  const open = useUnseen();
  return (
    <div
      className={isNarrow ? "grid cards" : "grid"}
      role="grid"
      aria-label="Sessions"
      aria-rowcount={lines.length + 1}
      aria-multiselectable="true"
      aria-activedescendant={at === -1 ? undefined : `row-${at}`}
      tabIndex={0}
    >
      <Heads sort={sort} />
      <div
        ref={list}
        role="rowgroup"
        className="lines"
        style={{ height: lines.length * rowPx }}
      >
        {drawn.map((index) => {
          const each = lines[index];
          if (!each) return null;
          const place = { at: index, y: index * rowPx, isCurrent: index === at };
          if (each.kind === "fold") {
            const open = () => turn(each.title);
            return <Fold key={keyOf(each)} line={each} turn={open} {...place} />;
          }
          const session = sessions.get(each.name)!;
          return (
            <Row
              key={index % rows.current}
              session={session}
              isChosen={selected.has(each.name)}
              unseen={open.get(each.name) ?? 0}
              {...place}
            />
          );
        })}
      </div>
    </div>
  );
}

/** What is seen stays where it is when lines come above it. */
function useAnchor(lines: readonly Line[], top: number, rowPx: number): void {
  const before = useRef(lines);
  useLayoutEffect(() => {
    const was = before.current;
    before.current = lines;
    const first = Math.floor((scrollY - top) / rowPx);
    const anchor = was[first];
    if (was === lines || first <= 0 || !anchor) return;
    const now = lines.findIndex((line) => keyOf(line) === keyOf(anchor));
    if (now !== -1 && now !== first) scrollBy(0, (now - first) * rowPx);
  }, [lines, top, rowPx]);
}

/** How many emergencies of each session nobody has seen. */
function useUnseen(): ReadonlyMap<string, number> {
  const { all } = useValue(emergencies.held);
  const rules = useValue(muted);
  return useMemo(() => {
    const counts = new Map<string, number>();
    for (const { session } of unseen(all, rules)) {
      if (session !== null) counts.set(session, (counts.get(session) ?? 0) + 1);
    }
    return counts;
  }, [all, rules]);
}

function clear(): void {
  chosen.set(new Set());
  if (view.get().q !== "") go({ q: "" }, { replace: true });
}

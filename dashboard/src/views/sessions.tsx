// The list of sessions.

import { useEffect, useMemo, useRef, useState } from "react";
import type { SessionInfo } from "tailcast";
import type { View } from "../core/address.js";
import { figure } from "../core/figures.js";
import {
  DEFAULT,
  folded,
  isAsBefore,
  kept,
  type Line,
  matches,
  moved,
  sorted,
} from "../core/order.js";
import { go, view } from "../feed/place.js";
import { serverNow } from "../feed/server.js";
import { followSessions, listed } from "../feed/sessions.js";
import { useValue, Value } from "../feed/value.js";
import { Chosen, toggle } from "./choosing.js";
import { later } from "./later.js";
import { Chips, Search, SortChoice } from "./session-bar.js";
import { Rows } from "./session-rows.js";
import "./sessions.css";

const Empty = later(async () => (await import("./empty.js")).Empty);

/** The titles of earlier days that are open though they would be folded, or folded. */
const toggled = new Value<ReadonlySet<string>>(new Set());

export function Sessions() {
  const { sessions, isWhole } = useValue(listed);
  useEffect(followSessions, []);
  if (isWhole && sessions.size === 0) return <Empty />;
  return <List sessions={sessions} isWhole={isWhole} />;
}

type Known = ReadonlyMap<string, SessionInfo>;

function List({ sessions, isWhole }: { sessions: Known; isWhole: boolean }) {
  const { q, status, sort } = useValue(view);
  const { lines, count, away, again } = useLines(sessions, { q, status, sort });
  const search = useRef<HTMLInputElement>(null);
  return (
    <section className="sessions" aria-label="Sessions">
      <div className="bar">
        <Search q={q} input={search} />
        <Chips sessions={sessions} status={status} />
        <SortChoice sort={sort} />
        {away > 0 && (
          <button type="button" className="moved" onClick={again}>
            {figure(away)} moved · sort
          </button>
        )}
        {q !== "" && count > 0 && <span className="quiet">{figure(count)} found</span>}
        {!isWhole && <span className="quiet">{figure(sessions.size)} so far …</span>}
      </div>
      <Rows
        lines={lines}
        sessions={sessions}
        sort={sort}
        turn={(title) => toggle(toggled, title)}
        search={search}
        again={again}
      />
      {count === 0 && (
        <p className="nothing">
          No session
          {status.length > 0 && ` that is ${status.join(" or ")}`}
          {q !== "" && (
            <>
              {" "}
              has “<bdi>{q}</bdi>” in its name, group, tags or notes
            </>
          )}
          {isWhole ? "." : " so far."}{" "}
          <button type="button" onClick={() => go({ q: "", status: [] })}>
            show all
          </button>
        </p>
      )}
      <Chosen />
    </section>
  );
}

/** The lines of the list. They stay where they are, whatever changes, until `again`. */
function useLines(sessions: Known, { q, status, sort }: Pick<View, "q" | "status" | "sort">) {
  const others = useValue(toggled);
  const asked = `${status}|${sort.column}|${sort.isReversed}|${q}`;
  const shown = useRef<Listing>({ asked: "", sessions: new Map(), names: [], away: 0 });
  const [turn, setTurn] = useState(0);
  const { names, away } = useMemo(() => {
    const before = shown.current;
    const wanted = { q, statuses: status };
    const isSame = before.asked === asked;
    if (isSame && isAsBefore(before.sessions, sessions, wanted, sort)) {
      shown.current = { ...before, sessions };
      return before;
    }
    const fresh = sorted(
      [...sessions.values()].filter((one) => matches(one, wanted)),
      sort,
    );
    const names = isSame ? kept(before.names, fresh) : fresh;
    const away = isSame ? moved(names, fresh) : 0;
    shown.current = { asked, sessions, names, away };
    return shown.current;
  }, [sessions, asked, turn]);
  const isFolding = sort.column === DEFAULT.column && !sort.isReversed && q === "";
  const lines = useMemo(
    () =>
      isFolding
        ? folded(names, sessions, others, serverNow())
        : names.map((name): Line => ({ kind: "session", name })),
    // What folds them is in the order that they have.
    [names, others, isFolding],
  );
  const again = () => {
    shown.current = { ...shown.current, asked: "" };
    setTurn(turn + 1);
  };
  return { lines, count: names.length, away, again };
}

/** The sessions as they are listed, and by what was asked for. */
interface Listing {
  readonly asked: string;
  readonly sessions: Known;
  readonly names: readonly string[];
  /** How many of them would have another place if they were sorted now. */
  readonly away: number;
}

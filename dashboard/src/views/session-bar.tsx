// What stands above the list of sessions: the search, their statuses, and what they are
// sorted by.

import { useEffect, useRef, useState } from "react";
import type { SessionInfo } from "tailcast";
import { figure } from "../core/figures.js";
import { type Column, counted, type Order, STATUSES, type Status } from "../core/order.js";
import { go } from "../feed/place.js";
import { sessionList } from "../feed/sessions.js";
import { current } from "./choosing.js";

const TYPING_MS = 150;

export function Search({
  q,
  input,
}: {
  q: string;
  input: { current: HTMLInputElement | null };
}) {
  const [text, setText] = useState(q);
  // What the address has from here: it does not undo what is typed meanwhile.
  const said = useRef(q);
  useEffect(() => {
    if (q !== said.current) setText(q);
    said.current = q;
  }, [q]);
  useEffect(() => {
    if (text === q) return;
    const timer = setTimeout(() => {
      said.current = text;
      go({ q: text }, { replace: true });
    }, TYPING_MS);
    return () => clearTimeout(timer);
  }, [text, q]);
  useEffect(() => void sessionList.search(q).catch(() => {}), [q]);
  return (
    <input
      type="search"
      ref={input}
      value={text}
      placeholder="search…"
      aria-label="Search sessions"
      spellCheck={false}
      onInput={(event) => setText(event.currentTarget.value)}
      onKeyDown={({ key, currentTarget }) => {
        if (key === "Escape") setText("");
        if (!["Escape", "Enter", "ArrowDown"].includes(key)) return;
        current.set(null);
        currentTarget.blur();
      }}
    />
  );
}

interface ChipsProps {
  readonly sessions: ReadonlyMap<string, SessionInfo>;
  readonly status: readonly Status[];
}

export function Chips({ sessions, status }: ChipsProps) {
  const counts = counted(sessions);
  const choose = (one: Status) => {
    const isChosen = status.includes(one);
    const others = status.filter((other) => other !== one);
    const next = STATUSES.filter(
      (each) => others.includes(each) || (each === one && !isChosen),
    );
    go({ status: next }, { replace: true });
  };
  return (
    <span className="chips">
      {STATUSES.map((one) => (
        <button
          type="button"
          key={one}
          className={`chip status-${one}`}
          aria-pressed={status.includes(one)}
          onClick={() => choose(one)}
        >
          {one} {figure(counts[one])}
        </button>
      ))}
    </span>
  );
}

const TITLES: Readonly<Record<Column, string>> = {
  run: "status",
  name: "name",
  step: "step",
  rate: "rate",
  value: "latest value",
  age: "age",
  group: "group",
};

/** What small screens have in the place of the columns' heads. */
export function SortChoice({ sort }: { sort: Order }) {
  return (
    <select
      className="sort-choice"
      aria-label="Sort by"
      value={sort.column}
      onChange={(event) => {
        const column = event.currentTarget.value as Column;
        go({ sort: { column, isReversed: false } }, { replace: true });
      }}
    >
      {Object.entries(TITLES).map(([column, title]) => (
        <option key={column} value={column}>
          by {title}
        </option>
      ))}
    </select>
  );
}

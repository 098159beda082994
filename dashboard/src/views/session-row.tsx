// One line of the list of sessions: a session, or the title of those that lie folded.

import { memo, useLayoutEffect, useRef } from "react";
import type { SessionInfo } from "tailcast";
import { leadTo } from "../core/address.js";
import { duration, figure } from "../core/figures.js";
import { lookOf } from "../core/hues.js";
import { type Line, lastValue, type Status } from "../core/order.js";
import { perSecond, progress } from "../core/rows.js";
import { go } from "../feed/place.js";
import { second, serverNow } from "../feed/server.js";
import { useValue } from "../feed/value.js";
import { chosen, current, toggle } from "./choosing.js";
import { Link } from "./link.js";
import { Spark } from "./spark.js";

interface PlaceProps {
  at: number;
  y: number;
  isCurrent: boolean;
}

const placed = ({ at, y, isCurrent }: PlaceProps) => ({
  id: `row-${at}`,
  "aria-rowindex": at + 2,
  "data-current": isCurrent || undefined,
  style: { transform: `translateY(${y}px)` },
});

interface FoldProps extends PlaceProps {
  line: Line & { kind: "fold" };
  turn: () => void;
}

export function Fold({ line, turn, ...place }: FoldProps) {
  const { title, count, isOpen } = line;
  return (
    <div className="row fold" role="row" {...placed(place)}>
      <div role="gridcell" className="cell">
        <button type="button" tabIndex={-1} aria-expanded={isOpen} onClick={turn}>
          <span aria-hidden="true">{isOpen ? "▾" : "▸"}</span> {title} ({figure(count)})
        </button>
      </div>
    </div>
  );
}

interface RowProps extends PlaceProps {
  session: SessionInfo;
  isChosen: boolean;
  unseen: number;
}

const MARKS: Readonly<Record<Status, string>> = { running: "●", stalled: "◐", ended: "○" };

export const Row = memo(function Row({ session, isChosen, unseen, ...place }: RowProps) {
  const { sessionId, status, name, group, tags = [], pinned, spark } = session;
  const value = lastValue(session);
  const row = useRef<HTMLDivElement>(null);
  // A row that was clicked on, and becomes another session's, does not hear keys as that one.
  useLayoutEffect(
    () => () => void row.current?.querySelector<HTMLElement>(":focus")?.blur(),
    [sessionId],
  );
  return (
    <div
      ref={row}
      className="row"
      role="row"
      {...placed(place)}
      aria-selected={isChosen}
      data-session={sessionId}
      data-status={status}
    >
      <Cell of="name">
        <input
          type="checkbox"
          tabIndex={-1}
          aria-label={`Choose ${sessionId}`}
          checked={isChosen}
          onChange={() => toggle(chosen, sessionId)}
        />
        <Link
          className="name"
          tabIndex={-1}
          to={leadTo(sessionId)}
          title={sessionId}
          onClick={() => current.set(sessionId)}
        >
          {pinned && <span title="pinned">★ </span>}
          <bdi>{sessionId}</bdi>
          {name != null && name !== sessionId && <bdi className="quiet"> {name}</bdi>}
        </Link>
        <Emergencies count={session.emergencies} unseen={unseen} />
      </Cell>
      <Cell of="status">
        <span className={`status-${status}`}>
          <span aria-hidden="true">{MARKS[status]}</span> <span className="word">{status}</span>
        </span>
        <Trouble session={session} />
      </Cell>
      <Cell of="step">{progress(session)}</Cell>
      <Cell of="rate">{perSecond(session)}</Cell>
      <Cell of="metric">
        {spark && (
          <>
            <Spark values={spark.values} hue={lookOf(sessionId).hue} />
            <bdi className="quiet" title={spark.metric}>
              {spark.metric}
            </bdi>
          </>
        )}
      </Cell>
      <Cell of="value">
        <span className={typeof value === "number" ? undefined : "odd"}>{figure(value)}</span>
      </Cell>
      <Cell of="age">
        <Age since={session.lastActivity} />
      </Cell>
      <Cell of="group">{group != null && <Word text={group} />}</Cell>
      <Cell of="tags">
        {tags.map((tag) => (
          <Word key={tag} text={tag} />
        ))}
      </Cell>
    </div>
  );
});

function Cell({ of, children }: { of: string; children?: unknown }) {
  return (
    <div role="gridcell" className={`cell cell-${of}`}>
      {children as never}
    </div>
  );
}

/** A word that the list can be searched for by a click. */
function Word({ text }: { text: string }) {
  return (
    <button
      type="button"
      className="tag"
      tabIndex={-1}
      title={text}
      onClick={() => go({ q: text })}
    >
      <bdi>{text}</bdi>
    </button>
  );
}

function Emergencies({ count, unseen }: { count: number; unseen: number }) {
  if (count === 0 && unseen === 0) return null;
  const said =
    unseen > 0 ? `${unseen} emergencies that nobody has seen` : `${count} emergencies`;
  return (
    <span className={unseen > 0 ? "alarmed" : "quiet"} title={said}>
      <span aria-hidden="true">⚠ {unseen || count}</span>
      <span className="unseen">{said}</span>
    </span>
  );
}

/** What is wrong with a session's file. */
function Trouble({ session: { absentSince, contested } }: { session: SessionInfo }) {
  if (contested) return <span className="trouble">contested</span>;
  return absentSince == null ? null : <span className="trouble">no file</span>;
}

function Age({ since }: { since: number }) {
  useValue(second);
  // To write the first time takes a browser as long as ten rows: only who points at it waits.
  const sayWhen = ({ currentTarget }: { currentTarget: HTMLElement }) => {
    const when = new Date(since);
    // A clock that is far off may have said a time that is none.
    currentTarget.title = Number.isNaN(when.getTime()) ? "" : when.toLocaleString();
  };
  return <span onPointerEnter={sayWhen}>{duration(serverNow() - since)}</span>;
}

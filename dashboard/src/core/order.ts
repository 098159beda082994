// In which order sessions are listed, which of them are, and what lies folded.

import type { SessionInfo } from "tailcast";

/** By what the list may be sorted; `run` is how runs are: what goes on first. */
export const COLUMNS = ["run", "name", "step", "rate", "value", "age", "group"] as const;
export type Column = (typeof COLUMNS)[number];

export interface Order {
  readonly column: Column;
  /** Whether it is the other way round than the column begins. */
  readonly isReversed: boolean;
}

export const DEFAULT: Order = { column: "run", isReversed: false };

export type Status = SessionInfo["status"];
export const STATUSES: readonly Status[] = ["running", "stalled", "ended"];

/** Which sessions are meant. */
export interface Wanted {
  /** Words that all must stand in what is said of the session, as the server has it. */
  readonly q: string;
  /** None for any. */
  readonly statuses: readonly Status[];
}

export function matches(session: SessionInfo, { q, statuses }: Wanted): boolean {
  if (statuses.length > 0 && !statuses.includes(session.status)) return false;
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const { sessionId, name, project, group, notes, tags = [] } = session;
  const texts = [sessionId, name, project, group, notes, ...tags].join("\n").toLowerCase();
  return words.every((word) => texts.includes(word));
}

/** The latest value of the main metric; as text if it is not finite. */
export function lastValue(session: SessionInfo): number | string | null {
  return session.spark?.last ?? null;
}

type Key = number | string;

/**
 * By what a session stands in a column: the lowest first, what has no value (null) last.
 * How late a running one was written changes all the time: such ones stand by their start.
 */
function keyOf(session: SessionInfo, column: Column): readonly (Key | null)[] {
  const { sessionId, status, lastActivity, firstTime, lastStep, rate, group } = session;
  switch (column) {
    case "run": {
      const since = status === "running" ? (firstTime ?? 0) : lastActivity;
      return [session.pinned ? 0 : 1, STATUSES.indexOf(status), -since];
    }
    case "name":
      return [sessionId.toLowerCase()];
    case "step":
      return [lastStep === null ? null : -lastStep];
    case "rate":
      return [status === "ended" || rate === null ? null : -rate];
    case "value": {
      const value = lastValue(session);
      return [typeof value === "number" ? value : null];
    }
    case "age":
      return [-lastActivity];
    case "group":
      return [group?.toLowerCase() ?? null, STATUSES.indexOf(status), -lastActivity];
  }
}

function compare(one: Key | null, other: Key | null): number {
  if (one === other) return 0;
  return one! < other! ? -1 : 1;
}

interface Row {
  readonly name: string;
  readonly key: readonly (Key | null)[];
}

const rowOf = (one: SessionInfo, { column }: Order): Row => ({
  name: one.sessionId,
  key: keyOf(one, column),
});

function compareRows(one: Row, other: Row, sign: number): number {
  for (let at = 0; at < one.key.length; at++) {
    const a = one.key[at]!;
    const b = other.key[at]!;
    if (a === b) continue;
    if (a === null) return 1;
    if (b === null) return -1;
    return sign * compare(a, b);
  }
  return compare(one.name, other.name);
}

/** The names of sessions in an order. */
export function sorted(sessions: Iterable<SessionInfo>, order: Order): string[] {
  const sign = order.isReversed ? -1 : 1;
  const rows = [...sessions].map((one) => rowOf(one, order));
  return rows.sort((one, other) => compareRows(one, other, sign)).map(({ name }) => name);
}

/** The one that runs, or went on last: the first in the order of runs. */
export function foremost(sessions: Iterable<SessionInfo>): string | undefined {
  let first: Row | undefined;
  for (const one of sessions) {
    const row = rowOf(one, DEFAULT);
    if (first === undefined || compareRows(row, first, 1) < 0) first = row;
  }
  return first?.name;
}

/** Whether the same sessions are listed in the same order, whatever else is said of them. */
export function isAsBefore(
  before: ReadonlyMap<string, SessionInfo>,
  now: ReadonlyMap<string, SessionInfo>,
  wanted: Wanted,
  order: Order,
): boolean {
  if (before.size !== now.size) return false;
  for (const [name, one] of now) {
    const was = before.get(name);
    if (was === one) continue;
    if (was === undefined || matches(was, wanted) !== matches(one, wanted)) return false;
    const key = keyOf(one, order.column);
    if (keyOf(was, order.column).some((part, at) => part !== key[at])) return false;
  }
  return true;
}

/** How many sessions there are of each status. */
export function counted(sessions: ReadonlyMap<string, SessionInfo>): Record<Status, number> {
  const counts = { running: 0, stalled: 0, ended: 0 };
  for (const { status } of sessions.values()) counts[status] += 1;
  return counts;
}

/**
 * The order in which sessions are shown when others come and some go: those that are there
 * stay in the order that they have, and a new one comes behind the one that it follows.
 */
export function kept(shown: readonly string[], fresh: readonly string[]): string[] {
  const stay = new Set(fresh);
  const known = new Set(shown);
  // New ones by what they follow; "" for the beginning, which no session is called.
  const behind = new Map<string, string[]>();
  let leader = "";
  for (const name of fresh) {
    const followers = behind.get(leader);
    if (known.has(name)) leader = name;
    else if (followers) followers.push(name);
    else behind.set(leader, [name]);
  }
  const order = [...(behind.get("") ?? [])];
  for (const name of shown) {
    if (!stay.has(name)) continue;
    order.push(name);
    for (const follower of behind.get(name) ?? []) order.push(follower);
  }
  return order;
}

/** How many have to move so that the one order becomes the other, of the same names. */
export function moved(shown: readonly string[], fresh: readonly string[]): number {
  const place = new Map(fresh.map((name, at) => [name, at]));
  // The longest run of those that are in order may stay: `ends` has the lowest last place
  // of a run of each length.
  const ends: number[] = [];
  for (const name of shown) {
    const at = place.get(name)!;
    let low = 0;
    let high = ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (ends[middle]! < at) low = middle + 1;
      else high = middle;
    }
    ends[low] = at;
  }
  return shown.length - ends.length;
}

/** A line of the list: a session, or the title of those that lie folded behind it. */
export type Line =
  | { readonly kind: "session"; readonly name: string }
  | {
      readonly kind: "fold";
      readonly title: string;
      readonly count: number;
      readonly isOpen: boolean;
    };

const DAY_MS = 86_400_000;
/** Fewer than this are never folded. */
const FEW = 8;

/** Of what time a session is, if that is a title. Days are those of who looks. */
function ageTitle(session: SessionInfo, midnight: number): string | null {
  if (session.status !== "ended" || session.pinned) return null;
  const days = Math.ceil((midnight - session.lastActivity) / DAY_MS);
  if (days <= 0) return null;
  if (days === 1) return "yesterday";
  if (days <= 7) return "in the last 7 days";
  return days <= 30 ? "in the last 30 days" : "before";
}

/**
 * The lines of a list in the order of runs. Those of earlier days lie folded, unless there
 * are none before them, or few in all; `toggled` are the titles of which it is otherwise.
 */
export function folded(
  names: readonly string[],
  sessions: ReadonlyMap<string, SessionInfo>,
  toggled: ReadonlySet<string>,
  nowMs: number,
): Line[] {
  const groups = new Map<string | null, Line[]>();
  const midnight = new Date(nowMs).setHours(0, 0, 0, 0);
  for (const name of names) {
    const title = names.length < FEW ? null : ageTitle(sessions.get(name)!, midnight);
    const members = groups.get(title) ?? [];
    groups.set(title, members);
    members.push({ kind: "session", name });
  }
  return [...groups].flatMap(([title, members], at) => {
    if (title === null) return members;
    const isOpen = (at === 0) !== toggled.has(title);
    const head: Line = { kind: "fold", title, count: members.length, isOpen };
    return isOpen ? [head, ...members] : [head];
  });
}

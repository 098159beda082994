import type { SessionInfo } from "tailcast";
import { describe, expect, test } from "vitest";
import {
  COLUMNS,
  type Column,
  counted,
  folded,
  foremost,
  isAsBefore,
  kept,
  matches,
  moved,
  sorted,
} from "../src/core/order.js";

const NOON = new Date(2026, 10, 29, 12).getTime();
const HOUR = 3_600_000;

function session(sessionId: string, more: Partial<SessionInfo> = {}): SessionInfo {
  return {
    sessionId,
    status: "ended",
    lastActivity: NOON,
    firstTime: null,
    lastStep: null,
    totalSteps: null,
    rate: null,
    spark: null,
    ...more,
  } as SessionInfo;
}
const spark = (last: number | "NaN") => ({ metric: "loss", values: [], last });
const by = (column: Column, isReversed = false) => ({ column, isReversed });

describe("the order of sessions", () => {
  test("has what is pinned first, then what goes on, then the latest", () => {
    const all = [
      session("old", { lastActivity: NOON - 9 * HOUR }),
      session("new"),
      session("stalled", { status: "stalled", lastActivity: NOON - HOUR }),
      session("first", { status: "running", firstTime: 1, lastActivity: NOON + 2 }),
      session("second", { status: "running", firstTime: 2, lastActivity: NOON + 1 }),
      session("pinned", { pinned: true, lastActivity: 0 }),
    ];
    const order = ["pinned", "second", "first", "stalled", "new", "old"];
    expect(sorted(all, by("run"))).toEqual(order);
    expect(sorted(all.reverse(), by("run"))).toEqual(order);
    expect(foremost(all)).toBe("pinned");
    expect(foremost(all.filter(({ pinned }) => !pinned))).toBe("second");
    expect(foremost([])).toBeUndefined();
  });

  test("has a running session before 257 that have stalled", () => {
    const stalled = Array.from({ length: 257 }, (_, at) =>
      session(`s${at}`, { status: "stalled", lastActivity: NOON + at }),
    );
    const all = [...stalled, session("runs", { status: "running", lastActivity: 0 })];
    expect(sorted(all, by("run"))[0]).toBe("runs");
  });

  test("has what is without a value last, both ways round", () => {
    const all = [
      session("nan", { spark: spark("NaN"), group: "g", status: "running", rate: 0 }),
      session("low", { spark: spark(1), lastStep: 5, status: "running", rate: 3 }),
      session("high", { spark: spark(2), lastStep: 9, lastActivity: NOON + 1 }),
    ];
    expect(sorted(all, by("value"))).toEqual(["low", "high", "nan"]);
    expect(sorted(all, by("value", true))).toEqual(["high", "low", "nan"]);
    expect(sorted(all, by("step"))).toEqual(["high", "low", "nan"]);
    expect(sorted(all, by("rate"))).toEqual(["low", "nan", "high"]);
    expect(sorted(all, by("group"))[0]).toBe("nan");
    expect(sorted(all, by("age"))[0]).toBe("high");
    expect(sorted(all, by("name"))).toEqual(["high", "low", "nan"]);
    for (const column of COLUMNS) expect(sorted(all, by(column))).toHaveLength(3);
  });
});

describe("a list that is seen", () => {
  test("stays as it is; who is new comes behind whom it follows, who is gone goes", () => {
    expect(kept(["a", "b", "c"], ["c", "x", "y", "a"])).toEqual(["a", "c", "x", "y"]);
    expect(kept([], ["b", "a"])).toEqual(["b", "a"]);
    expect(kept(["a"], ["x", "a"])).toEqual(["x", "a"]);
  });

  test("says how many rows would move", () => {
    expect(moved(["a", "b", "c"], ["a", "b", "c"])).toBe(0);
    expect(moved(["a", "b", "c", "d"], ["d", "a", "b", "c"])).toBe(1);
    expect(moved(["a", "b", "c", "d"], ["d", "c", "b", "a"])).toBe(3);
  });
});

describe("a list of which something else is said", () => {
  const mapOf = (...all: SessionInfo[]) => new Map(all.map((one) => [one.sessionId, one]));
  const before = mapOf(session("a", { lastStep: 1 }), session("b"));
  const any = { q: "", statuses: [] };
  const is = (now: Map<string, SessionInfo>, column: Column = "run", q = "") =>
    isAsBefore(before, now, { ...any, q }, by(column));

  test("is as before if nothing has changed by which it is sorted, or found", () => {
    const stepped = mapOf(session("a", { lastStep: 2 }), session("b"));
    expect([is(before), is(stepped), is(stepped, "step")]).toEqual([true, true, false]);
    const noted = mapOf(session("a", { lastStep: 1, notes: "x" }), session("b"));
    expect([is(noted), is(noted, "step"), is(noted, "run", "x")]).toEqual([true, true, false]);
  });

  test("is another with others in it, or when one has stalled", () => {
    const other = mapOf(session("a", { lastStep: 1 }), session("c"));
    const more = new Map([...before, ...other]);
    const stalled = mapOf(session("a", { status: "stalled", lastStep: 1 }), session("b"));
    expect([is(other), is(more), is(stalled)]).toEqual([false, false, false]);
    expect(counted(stalled)).toEqual({ running: 0, stalled: 1, ended: 1 });
  });
});

describe("what is searched for", () => {
  const one = session("runs/A", { name: "Base", tags: ["best"], notes: "lower LR" });
  test.each([
    ["", [], true],
    ["a base", [], true],
    ["BEST lr", ["ended", "running"], true],
    ["base", ["running"], false],
    ["worst", [], false],
  ] as const)("%s %s: %s", (q, statuses, found) =>
    expect(matches(one, { q, statuses })).toBe(found),
  );
});

describe("sessions of earlier days", () => {
  const ages = [0, 1, 30, 60, 24 * 5, 24 * 20, 24 * 90, 24 * 91];
  const all = ages.map((hours) => session(`h${hours}`, { lastActivity: NOON - hours * HOUR }));
  const known = new Map(all.map((one) => [one.sessionId, one]));
  const names = [...known.keys()];
  const shown = (list: readonly string[], ...toggled: string[]) =>
    folded(list, known, new Set(toggled), NOON).map((line) =>
      line.kind === "fold" ? `${line.title} ${line.count}` : line.name,
    );

  test("lie folded behind their titles, and open when asked for", () => {
    const closed = ["h0", "h1", "yesterday 1", "in the last 7 days 2"];
    expect(shown(names)).toEqual([...closed, "in the last 30 days 1", "before 2"]);
    expect(shown(names, "yesterday")).toEqual([
      ...["h0", "h1", "yesterday 1", "h30", "in the last 7 days 2"],
      ...["in the last 30 days 1", "before 2"],
    ]);
  });

  test("are not folded if they are few, or the first that there are, or go on", () => {
    expect(shown(names.slice(5))).toEqual(["h480", "h2160", "h2184"]);
    const old = Array.from({ length: 9 }, (_, at) =>
      session(`o${at}`, { lastActivity: NOON - 900 * HOUR }),
    );
    const olds = new Map(old.map((one) => [one.sessionId, one]));
    const lines = (toggled: string[]) =>
      folded([...olds.keys()], olds, new Set(toggled), NOON).length;
    expect([lines([]), lines(["before"])]).toEqual([10, 1]);
    olds.set("o0", { ...old[0]!, status: "stalled" }).set("o1", { ...old[1]!, pinned: true });
    expect(lines([])).toBe(3);
  });
});

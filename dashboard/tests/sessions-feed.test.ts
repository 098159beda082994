import type { SessionInfo, TelemetryClient } from "tailcast";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { SessionList } from "../src/feed/sessions.js";
import { when } from "../src/feed/value.js";

interface Asked {
  limit?: number;
  after?: string;
  q?: string;
  sessionId?: string[];
}

const session = (sessionId: string, more: object = {}) =>
  ({ sessionId, status: "running", lastActivity: 0, ...more }) as SessionInfo;
const names = (count: number, prefix = "s") =>
  Array.from({ length: count }, (_, at) => `${prefix}${at}`);

/** A server that has these, the latest first, and what it was asked. */
function server(all: SessionInfo[]) {
  const asked: Asked[] = [];
  let refuses = 0;
  const get = async (_: string, query: Asked) => {
    asked.push(query);
    if (refuses-- > 0) throw new Error("away");
    if (query.sessionId) {
      return { sessions: all.filter((one) => query.sessionId?.includes(one.sessionId)) };
    }
    const found = all.filter((one) => one.sessionId.includes(query.q ?? ""));
    const begin = Number(query.after ?? 0);
    const end = begin + (query.limit ?? 1_000);
    const page = found.slice(begin, end);
    return { sessions: page, cursor: String(end), more: end < found.length };
  };
  const list = new SessionList({ get } as unknown as TelemetryClient);
  return { all, asked, list, refuse: (times: number) => (refuses = times) };
}

const round = () => vi.advanceTimersByTimeAsync(2_000);
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("a few come first, the rest in pages, each asked for while the one before is drawn", async () => {
  const { list, asked } = server(names(1_250).map((name) => session(name)));
  const end = list.follow();
  // How many are known, and how many pages were asked for by then.
  const steps: (readonly [number, number])[] = [];
  list.listed.listen(() => steps.push([list.listed.get().sessions.size, asked.length]));
  await vi.advanceTimersByTimeAsync(0);
  expect(list.listed.get().isWhole).toBe(true);
  expect(asked).toEqual([
    { limit: 60 },
    { limit: 1_000, after: "60" },
    { limit: 1_000, after: "1060" },
  ]);
  expect(steps).toEqual([
    [60, 2],
    [1_060, 3],
    [1_250, 3],
  ]);
  await list.load();
  expect(asked.length).toBe(3);
  end();
});

test("what else is asked for waits for the first, and for nobody who does not answer", async () => {
  const { list } = server([session("a")]);
  let begun = 0;
  const stop = when(list.hasBegun, () => {
    begun += 1;
    return () => (begun -= 1);
  });
  expect(begun).toBe(0);
  list.follow();
  await vi.advanceTimersByTimeAsync(0);
  expect(begun).toBe(1);
  stop();
  expect(begun).toBe(0);
  const silent = new SessionList({
    get: () => new Promise(() => {}),
  } as unknown as TelemetryClient);
  silent.follow();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(silent.hasBegun.get()).toBe(true);
});

test("after an error the rest goes on where it was", async () => {
  const { list, asked, refuse } = server(names(250).map((name) => session(name)));
  const end = list.follow();
  // The first is asked for already.
  refuse(1);
  await vi.advanceTimersByTimeAsync(0);
  expect(list.listed.get().sessions.size).toBe(60);
  await round();
  expect(list.listed.get().sessions.size).toBe(250);
  expect(asked.map(({ after }) => after)).toEqual([undefined, "60", "60"]);
  end();
});

test("what moved last is asked for, page by page as far as it moved", async () => {
  const { all, asked, list } = server(
    names(200).map((name) => session(name, { status: "ended" })),
  );
  const end = list.follow();
  await vi.advanceTimersByTimeAsync(0);
  asked.length = 0;
  all.splice(0, 50, ...all.slice(0, 50).map((one) => ({ ...one, lastActivity: 5 })));
  await round();
  expect(asked).toEqual([{ limit: 40 }, { limit: 40, after: "40" }]);
  expect(list.listed.get().sessions.get("s49")?.lastActivity).toBe(5);
  asked.length = 0;
  await round();
  expect(asked).toEqual([{ limit: 40 }]);
  end();
  asked.length = 0;
  await round();
  expect(asked).toEqual([]);
});

test("what is seen is asked for each time, what else goes on in turns, never all", async () => {
  const all = [...names(40, "new"), ...names(300)].map((name) => session(name));
  const { asked, list } = server(all);
  const end = list.follow();
  await vi.advanceTimersByTimeAsync(0);
  list.show(["s200", "s201"]);
  const seen = new Set<string>();
  for (let rounds = 0; rounds < 8; rounds++) {
    asked.length = 0;
    await round();
    const named = asked.flatMap(({ sessionId }) => sessionId ?? []);
    expect(named.slice(0, 2)).toEqual(["s200", "s201"]);
    expect(named.length).toBeLessThanOrEqual(60);
    for (const name of named) seen.add(name);
  }
  expect(seen.size).toBe(300);
  end();
});

test("names are asked for as far as an address may be long, one at least", async () => {
  const long = names(60).map((name) => name + "ö".repeat(600));
  const { asked, list } = server(long.map((name) => session(name)));
  const end = list.follow();
  await vi.advanceTimersByTimeAsync(0);
  asked.length = 0;
  list.show(long.slice(50));
  await round();
  expect(asked.at(-1)?.sessionId).toEqual([long[50]]);
  end();
});

test("what is not there any more goes", async () => {
  const { all, list } = server(names(60).map((name) => session(name)));
  const end = list.follow();
  await vi.advanceTimersByTimeAsync(0);
  list.show(["s50"]);
  all.splice(50, 1);
  await round();
  expect(list.listed.get().sessions.has("s50")).toBe(false);
  expect(list.listed.get().sessions.size).toBe(59);
  end();
});

const told = { type: "session", head: null, lastActivity: 7 } as const;
const heard = () => vi.advanceTimersByTimeAsync(250);

test("what is told of a session counts; an unknown one is asked for", async () => {
  const { all, asked, list } = server([session("a", { tags: ["t"] })]);
  await list.load();
  list.take({ ...told, sessionId: "a", event: "stalled", status: "stalled" });
  await heard();
  expect(list.listed.get().sessions.get("a")).toMatchObject({
    status: "stalled",
    lastActivity: 7,
    tags: ["t"],
  });
  const edits = { tags: ["new"], notes: "n", pinned: true };
  list.take({ ...told, sessionId: "a", event: "edited", status: "stalled", ...edits });
  list.take({ ...told, sessionId: "a", event: "ended", status: "ended" });
  await heard();
  const now = { ...edits, status: "ended" };
  expect(list.listed.get().sessions.get("a")).toMatchObject(now);
  all.push(session("b"));
  list.take({ ...told, sessionId: "b", event: "started", status: "running" });
  await heard();
  expect(asked.at(-1)).toEqual({ sessionId: ["b"] });
  expect(list.listed.get().sessions.has("b")).toBe(true);
});

test("thousands that are told of are one change, and some questions", async () => {
  const known = names(1_000).map((name) => session(name));
  const { all, asked, list, refuse } = server(known);
  await list.load();
  asked.length = 0;
  let changes = 0;
  list.listed.listen(() => (changes += 1));
  for (const name of names(1_000)) {
    list.take({ ...told, sessionId: name, event: "stalled", status: "stalled" });
  }
  await heard();
  expect([changes, asked.length]).toEqual([1, 0]);
  const more = names(150, "new");
  all.push(...more.map((name) => session(name)));
  refuse(1);
  for (const sessionId of more) {
    list.take({ ...told, sessionId, event: "started", status: "running" });
  }
  await heard();
  expect(asked.map(({ sessionId }) => sessionId?.length)).toEqual([60]);
  list.take({ ...told, sessionId: "new0", event: "stalled", status: "stalled" });
  await heard();
  expect(asked.map(({ sessionId }) => sessionId?.length)).toEqual([60, 60, 60, 30]);
  expect(list.listed.get().sessions.size).toBe(1_150);
});

test("who is told of while the rest comes is asked for if it did not come", async () => {
  const { all, asked, list } = server(names(200).map((name) => session(name)));
  const loaded = list.load();
  list.take({ ...told, sessionId: "s150", event: "started", status: "running" });
  list.take({ ...told, sessionId: "late", event: "started", status: "running" });
  await loaded;
  all.push(session("late"));
  await heard();
  expect(asked.at(-1)).toEqual({ sessionId: ["late"] });
  expect(list.listed.get().sessions.has("late")).toBe(true);
});

test("the server is searched only while not all are known", async () => {
  const { asked, list } = server([session("a"), session("b")]);
  await list.search("b");
  expect(asked).toEqual([{ q: "b", limit: 200 }]);
  expect([...list.listed.get().sessions.keys()]).toEqual(["b"]);
  await list.search(" ");
  await list.load();
  asked.length = 0;
  await list.search("a");
  expect(asked).toEqual([]);
});

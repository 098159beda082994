import type { SessionInfo, TelemetryClient } from "tailcast";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ListedRuns } from "../src/feed/listed-runs.js";

interface Asked {
  path: string;
  names: string[];
}

/** A server that has these sessions and long configurations, and what it was asked. */
function server(rows: object[], configs: Record<string, object> = {}) {
  const asked: Asked[] = [];
  const get = async (path: string, { sessionId }: { sessionId: string[] }) => {
    asked.push({ path, names: sessionId });
    if (path === "/api/snapshot") return { config: configs[sessionId[0]!] };
    const all = rows as SessionInfo[];
    return { sessions: all.filter((one) => sessionId.includes(one.sessionId)) };
  };
  const runs = new ListedRuns({ get } as unknown as TelemetryClient);
  return { asked, runs };
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("one question has all of them, every two seconds until it is closed", async () => {
  const names = Array.from({ length: 24 }, (_, at) => `run_${at}`);
  const { runs, asked } = server(names.slice(1).map((sessionId) => ({ sessionId })));
  runs.see(names);
  await pass(0);
  expect([...runs.latest.get().keys()]).toEqual(names.slice(1));
  await pass(4_000);
  expect(asked).toEqual(Array(3).fill({ path: "/api/sessions", names }));
  runs.close();
  await pass(10_000);
  expect(asked.length).toBe(3);
});

test("names that are too long for one address are asked for in several", async () => {
  const names = ["a", "b", "c"].map((letter) => letter.repeat(2_000));
  const { runs, asked } = server(names.map((sessionId) => ({ sessionId })));
  runs.see(names);
  await pass(0);
  expect(asked.map((one) => one.names)).toEqual(names.map((name) => [name]));
  expect(runs.latest.get().size).toBe(3);
  runs.close();
});

test("a long configuration is asked for once, and again when it is another one", async () => {
  const a: { sessionId: string; configBytes?: number } = { sessionId: "a", configBytes: 5_000 };
  const configs = { a: { lr: 1 } };
  const { runs, asked } = server([a, { sessionId: "b", config: { lr: 2 } }], configs);
  runs.see(["a", "b"]);
  await pass(4_000);
  const configOf = (name: string) => runs.latest.get().get(name)?.config;
  expect([configOf("a"), configOf("b")]).toEqual([{ lr: 1 }, { lr: 2 }]);
  const snapshots = () => asked.filter(({ path }) => path === "/api/snapshot").length;
  expect(snapshots()).toBe(1);
  a.configBytes = 6_000;
  configs.a = { lr: 3 };
  await pass(2_000);
  expect([configOf("a"), snapshots()]).toEqual([{ lr: 3 }, 2]);
  delete a.configBytes;
  await pass(2_000);
  expect(configOf("a")).toBeUndefined();
  runs.close();
});

test("who comes while an answer is awaited is asked for right after it", async () => {
  const { runs, asked } = server([{ sessionId: "a" }, { sessionId: "b" }]);
  runs.see(["a"]);
  runs.see(["a", "b"]);
  await pass(0);
  expect([...runs.latest.get().keys()]).toEqual(["a", "b"]);
  expect(asked.map(({ names }) => names)).toEqual([["a"], ["a", "b"]]);
  runs.close();
});

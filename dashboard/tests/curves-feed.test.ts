// The curves of a session against a server that is a script of the test.

import { type Series, TailcastError } from "tailcast";
import { beforeEach, expect, test, vi } from "vitest";
import { Curves } from "../src/feed/curves.js";
import { waitFor } from "./patience.js";

type Asked = {
  query: Record<string, unknown>;
  answer: (
    of: number,
    place?: (number: number) => number,
    cursor?: string,
    each?: number,
  ) => void;
  fail: (e: unknown) => void;
};

const server = vi.hoisted(() => ({
  asked: [] as Asked[],
  subscriptions: [] as FakeSubscription[],
  records: [] as Record<string, unknown>[],
}));

class FakeSubscription {
  readonly handlers = new Map<string, (message: never) => void>();
  isClosed = false;
  readonly options: Record<string, unknown>;
  constructor(options: Record<string, unknown>) {
    this.options = options;
    server.subscriptions.push(this);
  }
  on(type: string, handler: (message: never) => void): () => void {
    this.handlers.set(type, handler);
    return () => {};
  }
  close(): void {
    this.isClosed = true;
  }
  say(type: string, message: object): void {
    this.handlers.get(type)?.(message as never);
  }
  /** Records of these numbers, each of ten bytes. */
  tell(from: number, to: number, steps?: (number | null)[]): void {
    const numbers = Array.from({ length: to - from }, (_, at) => from + at);
    this.say("telemetry", {
      prev: cursorAt(from),
      cursor: cursorAt(to),
      data: numbers.map((loss) => ({ loss })),
      steps: steps ?? numbers,
      times: numbers.map(() => null),
    });
  }
}

vi.mock("../src/feed/server.js", () => ({
  client: {
    series: (_: string, query: Record<string, unknown>) =>
      new Promise((resolve, reject) => {
        const answer = (
          of: number,
          place = (number: number) => number,
          cursor = cursorAt(of),
          each = 1,
        ) => resolve({ ...seriesOf(of, query, place, each), cursor });
        server.asked.push({ query, answer, fail: reject });
      }),
    get: async () => ({ data: server.records }),
    subscribe: (_: string, options: Record<string, unknown>) => new FakeSubscription(options),
  },
}));

const cursorAt = (records: number) => `1-${records * 10}-00000000`;

/**
 * What a server draws of a run that has so many records, whose loss is their number; rows
 * stand for so many records each.
 */
function seriesOf(
  of: number,
  query: Record<string, unknown>,
  place: (number: number) => number,
  each: number,
): Series {
  const { from = 0, to = Infinity, x: axis } = query as { from: number; to: number; x: "step" };
  const all = Array.from({ length: of }, (_, at) => place(at));
  const x = all.filter((at) => at >= from && at <= to);
  const loss = { x, min: x, max: x, mean: x, count: x.map(() => each), nonfinite: [] };
  return {
    sessionId: "run",
    x: axis,
    of: x.length,
    bucket: 1,
    indexedTo: null,
    cursor: "",
    gaps: [],
    rewinds: [],
    series: { loss },
  };
}

const settle = () => waitFor(() => Promise.resolve());
const steps = (curves: Curves) => {
  const x = curves.picture?.curves.get("loss")?.x;
  return x && [...x];
};
const upTo = (end: number, from = 0) =>
  Array.from({ length: end - from }, (_, at) => from + at);
const subscription = () => server.subscriptions.at(-1)!;

/** A run of ten records, drawn and followed. */
async function opened(): Promise<Curves> {
  const curves = new Curves("run");
  curves.show(["loss"], "step");
  server.asked.shift()!.answer(10);
  await waitFor(() => expect(server.subscriptions).toHaveLength(1));
  return curves;
}

beforeEach(() => {
  server.asked.length = 0;
  server.subscriptions.length = 0;
  server.records = [];
  vi.useFakeTimers({ shouldAdvanceTime: true });
  return () => vi.useRealTimers();
});

test("history and what comes are one curve", async () => {
  const curves = await opened();
  expect(subscription().options).toMatchObject({
    from: { cursor: cursorAt(10) },
    metrics: ["loss"],
    index: true,
  });
  subscription().tell(10, 15);
  expect(steps(curves)).toEqual(upTo(15));
  expect(curves.received).toBe(5);
});

test("the last value is that of a record, though the last row is of several", async () => {
  server.records = [{ loss: 7 }, { loss: 8.5 }, { lr: 1 }];
  const curves = new Curves("run");
  curves.show(["loss"], "step");
  server.asked.shift()!.answer(10, undefined, undefined, 2);
  await waitFor(() => expect(server.subscriptions).toHaveLength(1));
  const loss = curves.picture!.curves.get("loss")!;
  expect(loss.mean.at(-1)).toBe(9);
  expect(loss.last).toBe(8.5);
});

test("with another metric one subscription takes the place of the other, where it is drawn to", async () => {
  const curves = await opened();
  const [first] = server.subscriptions;
  curves.show(["loss", "lr"], "step");
  first!.tell(10, 12);
  server.asked.shift()!.answer(11);
  await waitFor(() => expect(server.subscriptions).toHaveLength(2));
  expect(first!.isClosed).toBe(true);
  first!.tell(12, 13);
  subscription().tell(11, 14);
  expect(steps(curves)).toEqual(upTo(14));
});

test("a window is refined, and goes on with what comes", async () => {
  const curves = await opened();
  curves.show(["loss"], "step", { from: 5, to: null });
  expect(server.asked[0]!.query).toMatchObject({ from: 5 });
  // Until it is there the whole is shown.
  expect(steps(curves)).toEqual(upTo(10));
  subscription().tell(10, 12);
  subscription().tell(12, 14);
  // The answer was made between the two.
  server.asked.shift()!.answer(12);
  await waitFor(() => expect(steps(curves)).toEqual(upTo(14, 5)));
  subscription().tell(14, 15);
  expect(steps(curves)).toEqual(upTo(15, 5));
  // And back, where nothing need be asked for.
  curves.show(["loss"], "step");
  expect(steps(curves)).toEqual(upTo(15));
  expect(server.asked).toEqual([]);
});

test("an answer that ends in the midst of a message is asked for again", async () => {
  const curves = await opened();
  curves.show(["loss"], "step", { from: 5, to: null });
  subscription().tell(10, 14);
  server.asked.shift()!.answer(12);
  await waitFor(() => expect(server.asked).toHaveLength(1));
  server.asked.shift()!.answer(14);
  await waitFor(() => expect(steps(curves)).toEqual(upTo(14, 5)));
});

test("of two windows the first, whose answer comes late, is nothing", async () => {
  const curves = await opened();
  curves.show(["loss"], "step", { from: 1, to: 3 });
  curves.show(["loss"], "step", { from: 5, to: 7 });
  const [early, late] = server.asked;
  late!.answer(10);
  await waitFor(() => expect(steps(curves)).toEqual([5, 6, 7]));
  early!.answer(10);
  await settle();
  expect(steps(curves)).toEqual([5, 6, 7]);
  // What comes is beyond it.
  subscription().tell(10, 12);
  expect(steps(curves)).toEqual([5, 6, 7]);
});

test("what is not in the file any more is not drawn", async () => {
  const curves = await opened();
  const rewind = { cursor: "2-0-00000000", generation: "2", reason: "truncated", step: 0 };
  subscription().say("rewind", rewind);
  expect(steps(curves)).toEqual([]);
  expect(curves.picture!.marks).toEqual([
    { kind: "rewind", x: null, text: "began anew at step 0" },
  ]);
  subscription().say("telemetry", {
    prev: "2-0-00000000",
    cursor: "2-10-00000000",
    data: [{ loss: NaN }],
    steps: [0],
    times: [null],
  });
  expect(curves.picture!.of).toBe(1);
  expect(curves.picture!.curves.get("loss")!.odd).toEqual([{ x: 0, kind: "NaN", count: 1 }]);
});

test("of a file that was cut off what is before the cut stays", async () => {
  const curves = await opened();
  const rewind = { cursor: "2-40-00000000", generation: "2", reason: "truncated", step: null };
  subscription().say("rewind", rewind);
  await vi.advanceTimersByTimeAsync(1_000);
  server.asked.shift()!.answer(4, undefined, "2-40-00000000");
  await waitFor(() => expect(steps(curves)).toEqual(upTo(4)));
  expect(curves.picture!.marks).toEqual([{ kind: "rewind", x: null, text: "began anew" }]);
  expect(server.subscriptions).toHaveLength(1);
});

test("where a step fell the server is asked what it means, once it has judged", async () => {
  const curves = await opened();
  subscription().tell(10, 12, [10, 4]);
  expect(server.asked).toEqual([]);
  await vi.advanceTimersByTimeAsync(3_000);
  expect(server.asked).toHaveLength(1);
  // What comes meanwhile is in the answer, or follows it.
  subscription().tell(12, 13);
  server.asked.shift()!.answer(12);
  await waitFor(() => expect(steps(curves)).toEqual(upTo(13)));
  expect(server.subscriptions).toHaveLength(1);
});

test("a gap breaks the lines", async () => {
  const curves = await opened();
  subscription().say("gap", { from: cursorAt(10), to: cursorAt(20), reason: "trimmed" });
  subscription().tell(20, 21);
  expect(curves.picture!.curves.get("loss")!.breaks).toEqual([10]);
  expect(curves.picture!.marks[0]).toMatchObject({ kind: "gap", x: 9 });
});

test("while it is paused it stands still, and has all once it follows", async () => {
  const curves = await opened();
  curves.pause();
  subscription().tell(10, 15);
  expect(steps(curves)).toEqual(upTo(10));
  expect(curves.paused.get()).toEqual({ x: 9, since: 0 });
  expect(curves.received).toBe(5);
  // A window ends where it stands.
  curves.show(["loss"], "step", { from: 8, to: 12 });
  expect(server.asked[0]!.query).toMatchObject({ from: 8, to: 9 });
  server.asked.shift()!.answer(15);
  await waitFor(() => expect(steps(curves)).toEqual([8, 9]));
  curves.follow();
  server.asked.shift()!.answer(15);
  await waitFor(() => expect(steps(curves)).toEqual(upTo(13, 8)));
  curves.show(["loss"], "step");
  expect(steps(curves)).toEqual(upTo(15));
});

test("it stands still at a place that is named, through whatever is asked for", async () => {
  const curves = await opened();
  curves.pause(6);
  expect(steps(curves)).toEqual(upTo(7));
  expect(curves.shown!.extent).toEqual({ low: 0, high: 6 });
  expect(curves.paused.get()).toEqual({ x: 6, since: -3 });
  subscription().tell(10, 12);
  expect(curves.received - curves.paused.get()!.since).toBe(5);
  curves.show(["loss", "lr"], "step");
  server.asked.shift()!.answer(12);
  await waitFor(() => expect(curves.whole!.curves.has("lr")).toBe(true));
  expect(steps(curves)).toEqual(upTo(7));
  curves.follow();
  expect(steps(curves)).toEqual(upTo(12));
});

test("a session that is not there yet is waited for, and drawn from its first record on", async () => {
  const curves = new Curves("run");
  curves.show(["loss"], "step");
  server.asked.shift()!.fail(new TailcastError(404, { code: "not_found" }, null));
  await waitFor(() => expect(curves.state.get().isWaiting).toBe(true));
  expect(subscription().options).toMatchObject({ from: "start" });
  subscription().tell(0, 3);
  expect(curves.state.get().isWaiting).toBe(false);
  expect(steps(curves)).toEqual([0, 1, 2]);
});

test("what goes wrong is said, and tried again when the server says", async () => {
  const curves = new Curves("run");
  curves.show(["loss"], "step");
  const body = { code: "unavailable", message: "the broker: away", retryAfterMs: 5_000 };
  server.asked.shift()!.fail(new TailcastError(503, body, null));
  await waitFor(() => expect(curves.state.get().problem).toBe("the broker: away"));
  await vi.advanceTimersByTimeAsync(5_000);
  server.asked.shift()!.answer(10);
  await waitFor(() => expect(steps(curves)).toEqual(upTo(10)));
  expect(curves.state.get().problem).toBeNull();
});

test("an emergency on a line is a record like others; one that was announced is none", async () => {
  const curves = await opened();
  const data = { loss: 10, emergency: { reason: "x" } };
  subscription().say("emergency", { data, early: true });
  subscription().say("emergency", { data, prev: cursorAt(10), cursor: cursorAt(11) });
  expect(curves.picture!.of).toBe(11);
  expect(curves.picture!.curves.get("loss")!.mean.at(-1)).toBe(10);
});

test("names are asked for where records have them", async () => {
  server.records = [{ data: { loss: 1 } }];
  await opened();
  expect(subscription().options).toMatchObject({ metrics: ["loss", "data.loss"] });
});

test("an axis that does not fit is said, and the number of the record taken", async () => {
  const curves = new Curves("run");
  curves.show(["loss"], "step");
  const { answer } = server.asked.shift()!;
  answer(10, () => 7);
  await waitFor(() => expect(server.asked).toHaveLength(1));
  expect(server.asked[0]!.query).toMatchObject({ x: "record" });
  server.asked.shift()!.answer(10);
  await waitFor(() => expect(steps(curves)).toEqual(upTo(10)));
  const { axis, misfit } = curves.state.get();
  expect([axis, misfit]).toEqual(["record", "all records have the same step"]);
  // Of what comes the number counts too, whatever its step.
  subscription().tell(10, 12, [7, 7]);
  expect(steps(curves)).toEqual(upTo(12));
});

test("closed, it hears nothing", async () => {
  const curves = await opened();
  curves.close();
  expect(subscription().isClosed).toBe(true);
  subscription().tell(10, 12);
  expect(steps(curves)).toEqual(upTo(10));
});

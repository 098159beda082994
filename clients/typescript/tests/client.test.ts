import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Message, sharedClient, TelemetryClient } from "../src/index.js";
import { MAX_BUFFERED_CHARS } from "../src/subscription.js";
import { frame, freshServer, last, Socket, sockets } from "./server.js";

const url = "http://localhost:5000";
let client: TelemetryClient;

beforeEach(() => {
  freshServer();
  client = new TelemetryClient({ url, WebSocket: Socket });
});
afterEach(() => {
  client.close();
  vi.useRealTimers();
});

/** What a subscription is told from now on. */
function heard(subscription: { on: any }, ...types: string[]): Message[] {
  const all: Message[] = [];
  subscription.on("message", (message: Message) => {
    if (types.length === 0 || types.includes(message.type)) all.push(message);
  });
  return all;
}

function records(messages: Message[]): unknown[] {
  return messages.flatMap((message) => (message.type === "telemetry" ? message.data : []));
}

describe("addresses", () => {
  test.each([
    ["http://host:5000", "http://host:5000/ws/telemetry"],
    ["https://host/prefix/", "https://host/prefix/ws/telemetry"],
    ["ws://host/ws/telemetry?clientId=me", "ws://host/ws/telemetry?clientId=me"],
  ])("%s is %s", (given, full) => {
    expect(new TelemetryClient({ url: given }).url).toBe(full);
  });

  test("without a page it has to be said", () => {
    expect(() => new TelemetryClient()).toThrow("Say where the server is");
  });

  test("one client for a URL and a token", () => {
    const token = () => "secret";
    expect(sharedClient(url)).toBe(sharedClient(`${url}/`));
    expect(sharedClient(url, token)).toBe(sharedClient(url, token));
    expect(sharedClient(url)).not.toBe(sharedClient(url, "other"));
  });
});

describe("subscribing", () => {
  test("what is asked for, in the words of the protocol", () => {
    const where = { metric: "phi", op: "lt", value: 0.5 } as const;
    client.subscribe("a", { from: { last: 5 }, metrics: ["phi"], where, maxRate: 5 });
    last().open();
    expect(last().sent.slice(0, 2)).toEqual([
      { type: "heartbeat", everyMs: 1_000 },
      {
        type: "subscribe",
        sessionId: "a",
        from: { last: 5 },
        metrics: ["phi"],
        where,
        maxRate: 5,
        id: expect.any(Number),
      },
    ]);
    expect(last().url).toBe("ws://localhost:5000/ws/telemetry");
  });

  test("subscriptions to different sessions share one connection", () => {
    client.subscribe("a");
    client.subscribe("b", { from: "start" });
    client.subscribe(["c*"], { metrics: ["x"] });
    last().open();
    expect(sockets()).toHaveLength(1);
    expect(
      last()
        .subscribes()
        .map(({ add }) => add ?? false),
    ).toEqual([false, true, true]);
  });

  test("two of the same are one for the server", () => {
    const one = heard(client.subscribe("a"), "telemetry");
    last().welcome();
    const other = heard(client.subscribe("a"), "telemetry");
    expect(last().subscribes()).toEqual([]);
    last().say(frame("a", 0, { step: 1 }));
    expect(records(one)).toEqual([{ step: 1 }]);
    expect(records(other)).toEqual([{ step: 1 }]);
  });

  test("who joins is told what the others were", async () => {
    client.subscribe("a");
    last().welcome();
    const told = heard(client.subscribe("a"), "subscribed");
    await Promise.resolve();
    expect(told).toHaveLength(1);
  });

  test("one session beside all, in one form: each message goes to whom it concerns", () => {
    const all = heard(client.subscribe(null), "telemetry");
    last().welcome();
    const one = heard(client.subscribe("a"), "telemetry");
    // What the server delivers already goes on where it is.
    expect(last().subscribes()[0]).not.toHaveProperty("from");
    last().confirm();
    last().say(frame("a", 0, { step: 1 }), frame("b", 0, { step: 2 }));
    expect(records(all)).toEqual([{ step: 1 }, { step: 2 }]);
    expect(records(one)).toEqual([{ step: 1 }]);
    expect(sockets()).toHaveLength(1);
  });

  test("the same session in another form, or from another place, has its own connection", () => {
    client.subscribe("a");
    client.subscribe("a", { metrics: ["phi"] });
    client.subscribe("a", { from: "start" });
    expect(sockets()).toHaveLength(3);
  });

  describe("beside a subscription without records", () => {
    const quiet = { records: false, emergencies: 5 };
    const told = (id: string) => ({
      type: "emergency",
      id,
      sessionId: "a",
      data: {},
      cursor: "1-90-00000000",
    });

    test("those of a session come over the same connection, to whom they concern", () => {
      const all = heard(client.subscribe(null, quiet), "telemetry", "emergency");
      last().welcome();
      const one = client.subscribe("a", { from: { cursor: "1-10-00000000" }, metrics: ["x"] });
      const of = heard(one, "telemetry", "emergency");
      expect(sockets()).toHaveLength(1);
      expect(last().subscribes()).toMatchObject([
        { sessionId: "a", metrics: ["x"], from: { cursor: "1-10-00000000" }, add: true },
      ]);
      last().confirm("1-10-00000000");
      last().say(frame("a", 1, { x: 1 }), told("e"));
      expect(of.map(({ type }) => type)).toEqual(["telemetry", "emergency"]);
      expect(all.map(({ type }) => type)).toEqual(["emergency"]);
    });

    test("what is missing before a frame is asked for by whom it concerns", () => {
      client.subscribe(null, quiet);
      last().welcome();
      client.subscribe("a", { from: { cursor: "1-10-00000000" } });
      last().confirm("1-10-00000000");
      last().say(frame("a", 5, { x: 1 }));
      expect(last().subscribes()).toMatchObject([{ sessionId: "a" }]);
    });

    test("a session whose records nobody wants any more is as all the others", () => {
      client.subscribe(null, quiet);
      client.subscribe("a", quiet);
      const one = client.subscribe("a", { from: "start" });
      last().welcome().sent.splice(0);
      one.close();
      const [asked, ...others] = last().sent.splice(0);
      expect(others).toEqual([]);
      expect(asked).toMatchObject({ sessionId: "a", emergencies: 5, add: true });
      expect(asked).toHaveProperty("where");
      expect(asked).not.toHaveProperty("records");
      expect(asked).not.toHaveProperty("from");
    });

    test("one session more or less says nothing to the server", () => {
      client.subscribe(null, quiet);
      const one = client.subscribe("a", quiet);
      last().welcome().sent.splice(0);
      one.close();
      expect(last().sent).toEqual([]);
    });

    test("names that are left over are forgotten before they are too many", () => {
      client.subscribe(null, quiet);
      last().welcome();
      for (let at = 0; at < 501; at++) client.subscribe(`s${at}`, { from: "start" }).close();
      const asked = last().subscribes();
      expect(asked.at(-1)).toMatchObject({ sessionIds: ["*"] });
      expect(asked.at(-1)).not.toHaveProperty("add");
    });

    test("after a lost connection it comes first, so that records come", () => {
      client.subscribe(null, quiet);
      client.subscribe("a", { from: "start" });
      last().welcome();
      last().end();
      vi.advanceTimersByTime(30_000);
      last().open();
      const asked = last().subscribes();
      expect(asked.map(({ sessionId }) => sessionId)).toEqual([undefined, "a"]);
      expect(asked[1]).not.toHaveProperty("where");
    });

    test("that comes later it has a connection of its own", () => {
      client.subscribe("a", { from: "start" });
      client.subscribe(null, quiet);
      client.subscribe(["b*"]);
      expect(sockets()).toHaveLength(2);
    });
  });

  test("ending one leaves what others have of it", () => {
    const all = client.subscribe(null);
    last().welcome();
    const one = client.subscribe("a");
    last().confirm();
    last().sent.splice(0);
    all.close();
    // `unsubscribe` would end the one too: what is left is said instead.
    expect(last().sent.map(({ type }) => type)).not.toContain("unsubscribe");
    expect(last().subscribes()).toEqual([expect.objectContaining({ sessionId: "a" })]);
    expect(last().subscribes()[0]).not.toHaveProperty("add");
    one.close();
    expect(last().sent.at(-1)).toEqual({ type: "unsubscribe", sessionId: "a" });
  });

  test("the connection is left a little after the last one", () => {
    client.subscribe("a").close();
    client.subscribe("a");
    expect(sockets()).toHaveLength(1);
    vi.advanceTimersByTime(5_000);
    expect(last().isClosed).toBe(false);
    client.close();
    client.subscribe("b").close();
    vi.advanceTimersByTime(5_000);
    expect(last().isClosed).toBe(true);
  });

  test("a refused subscription says why, and is over", async () => {
    const subscription = client.subscribe("a", { where: { metric: "x", op: "like" } as never });
    const loop = subscription[Symbol.asyncIterator]().next();
    last().open();
    const error = {
      type: "error",
      code: "invalid_filter",
      message: "Invalid filter: …",
      id: last().subscribes()[0]!.id,
    };
    last().say(error);
    await expect(loop).rejects.toMatchObject({ code: "invalid_filter" });
    expect(subscription.isClosed).toBe(true);
  });

  test.each(["unavailable", "rate_limited", "too_many_subscriptions"])(
    "one that is %s now is asked for again when the server says",
    (code) => {
      const told = heard(client.subscribe("a"));
      last().open();
      const { id } = last().subscribes()[0]!;
      last().sent.splice(0);
      last().say({ type: "error", code, message: "", retryAfterMs: 700, id });
      vi.advanceTimersByTime(699);
      expect(last().subscribes()).toEqual([]);
      vi.advanceTimersByTime(1);
      expect(last().subscribes()).toMatchObject([{ sessionId: "a" }]);
      expect(last().subscribes()[0]!.id).not.toBe(id);
      last().confirm();
      expect(told).toHaveLength(1);
    },
  );
});

describe("a session that cannot be read", () => {
  const unavailable = {
    type: "error",
    code: "session_unavailable",
    message: "",
    sessionId: "a",
  };

  test("is asked for again when the server says", () => {
    const told = heard(client.subscribe("a"));
    last().open();
    const { id } = last().subscribes()[0]!;
    last().sent.splice(0);
    last().say({ ...unavailable, retryAfterMs: 700, id });
    vi.advanceTimersByTime(700);
    expect(last().subscribes()).toEqual([expect.objectContaining({ sessionId: "a" })]);
    last().confirm();
    expect(told).toHaveLength(1);
  });

  test("ends no subscription of several", () => {
    const told = heard(client.subscribe(["a", "b"]), "telemetry");
    last().welcome();
    last().say({ ...unavailable, id: last().asked[0]!.id }, frame("b", 0, { step: 1 }));
    last().say(unavailable, frame("b", 1, { step: 2 }));
    expect(records(told)).toEqual([{ step: 1 }, { step: 2 }]);
  });
});

describe("each record once, in order", () => {
  test("a repetition is nothing, and what is beyond it goes on", () => {
    const told = heard(client.subscribe("a"), "telemetry");
    last().welcome();
    last().say(frame("a", 0, { step: 1 }, { step: 2 }), frame("a", 0, { step: 1 }));
    last().say(frame("a", 2, { step: 3 }));
    expect(records(told)).toEqual([{ step: 1 }, { step: 2 }, { step: 3 }]);
  });

  test("a subscription goes on at its cursor when it comes back", () => {
    const told = heard(client.subscribe("a", { from: "start" }), "telemetry");
    last()
      .welcome()
      .say(frame("a", 0, { step: 1 }));
    last().end();
    vi.advanceTimersByTime(1_000);
    last().open();
    const [again] = last().subscribes();
    expect(again).toMatchObject({ sessionId: "a", cursors: { a: "1-10-00000000" } });
    expect(again).not.toHaveProperty("from");
    last().confirm("1-10-00000000");
    last().say(frame("a", 0, { step: 1 }), frame("a", 1, { step: 2 }));
    expect(records(told)).toEqual([{ step: 1 }, { step: 2 }]);
  });

  test("of a session that had nothing, everything comes afterwards", () => {
    client.subscribe("a");
    last().open();
    last().confirm(null);
    last().end();
    vi.advanceTimersByTime(1_000);
    last().open();
    expect(last().subscribes()[0]).toMatchObject({ cursors: { a: null } });
  });

  test("a server that has lost the session does not make it forget its place", () => {
    const told = heard(client.subscribe("a"), "telemetry");
    last()
      .welcome()
      .say(frame("a", 0, { step: 1 }));
    for (let times = 0; times < 2; times += 1) {
      last().end();
      vi.advanceTimersByTime(2_000);
      last().open();
      expect(last().subscribes()[0]).toMatchObject({ cursors: { a: "1-10-00000000" } });
      last().confirm(null);
    }
    last().say(frame("a", 0, { step: 1 }));
    expect(records(told)).toEqual([{ step: 1 }]);
  });

  test("several go on with their cursors and `at`, in pieces that the server takes", () => {
    client.subscribe(null, { from: "start" });
    last().open();
    last().confirm();
    const id = last().asked.at(-1)!.id;
    const names = Array.from({ length: 2_000 }, (_, n) => `${"n".repeat(150)}${n}`);
    const cursors = Object.fromEntries(names.map((name) => [name, "1-10-00000000"]));
    last().say({ type: "positions", cursors, at: "at-2", more: false, id });
    last().end();
    vi.advanceTimersByTime(1_000);
    last().open();
    const all = last().subscribes();
    expect(all.length).toBeGreaterThan(5);
    expect(all.map(({ more }) => more ?? false)).toEqual([
      ...all.slice(1).map(() => true),
      false,
    ]);
    expect(all.at(-1)).toMatchObject({ sessionIds: ["*"], at: "at-2", from: "start" });
    expect(Math.max(...all.map((one) => JSON.stringify(one).length))).toBeLessThan(20_000);
    const sent = Object.assign({}, ...all.map((one) => one.cursors));
    expect(sent).toEqual({ "!emergencies": null, ...cursors });
  });

  test("a place that is not complete begins where it was asked to", () => {
    client.subscribe(null, { from: { last: 5 } });
    last().open();
    last().say({ type: "subscribed", message: "", id: 1 });
    last().say({
      type: "positions",
      cursors: { a: "1-5-00000000" },
      at: "x",
      more: true,
      id: 1,
    });
    last().end();
    vi.advanceTimersByTime(1_000);
    last().open();
    expect(last().subscribes()[0]).toMatchObject({ from: { last: 5 } });
    expect(last().subscribes()[0]).not.toHaveProperty("at");
  });

  test("what is missing before a frame is asked for again", () => {
    const told = heard(client.subscribe("a"), "telemetry");
    last()
      .welcome()
      .say(frame("a", 0, { step: 1 }));
    last().say(frame("a", 2, { step: 3 }));
    expect(last().subscribes()).toEqual([
      expect.objectContaining({
        add: true,
        cursors: { a: "1-10-00000000", "!emergencies": null },
      }),
    ]);
    last().confirm("1-10-00000000");
    last().say(frame("a", 1, { step: 2 }, { step: 3 }));
    expect(records(told)).toEqual([{ step: 1 }, { step: 2 }, { step: 3 }]);
  });

  test("gaps and rewinds are told, and delivery goes on after them", () => {
    const told = heard(client.subscribe("a"));
    last()
      .welcome()
      .say(frame("a", 0, { step: 1 }));
    told.splice(0);
    last().say(
      {
        type: "gap",
        sessionId: "a",
        from: "1-10-00000000",
        to: "1-90-00000000",
        reason: "trimmed",
      },
      {
        type: "rewind",
        sessionId: "a",
        cursor: "2-0-00000000",
        generation: "2",
        reason: "truncated",
        step: 0,
        complete: true,
      },
      {
        type: "telemetry",
        sessionId: "a",
        data: [{ step: 0 }],
        prev: "2-0-00000000",
        cursor: "2-9-00000000",
      },
    );
    expect(told.map(({ type }) => type)).toEqual(["gap", "rewind", "telemetry"]);
  });

  test("a heartbeat moves the place of a session whose records are held back", () => {
    const subscription = client.subscribe("a", { where: { metric: "x", op: "exists" } });
    last().welcome();
    last().say({
      type: "heartbeat",
      feed: "fresh",
      cursors: { a: "1-500-00000000", b: "1-9-00000000" },
    });
    expect(subscription.place.cursors).toEqual({ a: "1-500-00000000", "!emergencies": null });
  });

  test("the place of one subscription is where another begins", () => {
    const one = client.subscribe(null);
    last()
      .welcome()
      .say(frame("a", 0, { step: 1 }));
    const { place } = one;
    one.close();
    client.subscribe(null, { from: place });
    expect(last().subscribes().at(-1)).toMatchObject({
      cursors: { a: "1-10-00000000", "!emergencies": null },
      at: "at-1",
    });
    expect(last().subscribes().at(-1)).not.toHaveProperty("from");
  });

  test("numbers that JSON has no words for are numbers; a record that has none is untouched", () => {
    const told = heard(client.subscribe("a"), "telemetry");
    last()
      .welcome()
      .say(frame("a", 0, { loss: "NaN", grad: ["-Infinity"], name: "nan" }));
    expect(records(told)).toEqual([{ loss: NaN, grad: [-Infinity], name: "nan" }]);
  });
});

describe("emergencies", () => {
  const inline = { type: "emergency", sessionId: "a", data: { emergency: {} }, id: "a/1" };

  test("one that was announced does not come again in its place, and moves the cursor", () => {
    const subscription = client.subscribe("a");
    const told = heard(subscription, "emergency");
    last().welcome();
    last().say({ ...inline, early: true });
    last().say({ ...inline, prev: "1-0-00000000", cursor: "1-40-00000000" });
    expect(told).toHaveLength(1);
    expect(subscription.place.cursors.a).toBe("1-40-00000000");
  });

  test("those of before come once, and who joins later has them too", async () => {
    const told = heard(client.subscribe("a", { emergencies: 2 }), "emergency");
    last().open();
    expect(last().subscribes()[0]).toMatchObject({ emergencies: 2 });
    last().confirm();
    for (const id of ["1", "2", "3", "3"]) last().say({ ...inline, id, replayed: true });
    expect(told).toHaveLength(3);
    const joined = heard(client.subscribe("a", { emergencies: 2 }), "emergency");
    await Promise.resolve();
    expect(joined).toMatchObject([{ id: "2" }, { id: "3" }]);
  });

  test("who has seen one is told to whom it concerns, each time", () => {
    const a = heard(client.subscribe("a"), "acknowledged");
    const b = heard(client.subscribe("b"), "acknowledged");
    last().welcome();
    const seen = {
      type: "acknowledged",
      id: "x",
      acknowledged: { who: "ada", note: "", at: 1 },
    };
    last().say(seen, { ...seen, acknowledged: null }, { ...seen, sessionId: "b" });
    expect([a.length, b.length]).toEqual([2, 3]);
  });

  test("whole files come to whom they concern, and are not lost with the connection", () => {
    const a = heard(client.subscribe("a"), "emergency");
    const b = heard(client.subscribe("b"), "emergency");
    last().welcome();
    const file = { type: "emergency", data: {}, cursors: { "!emergencies": "1-7-00000000" } };
    last().say({ ...file, id: "gpu.json" }, { ...file, id: "b.json", sessionId: "b" });
    expect([a.length, b.length]).toEqual([1, 2]);
    last().end();
    vi.advanceTimersByTime(1_000);
    last().open();
    expect(last().subscribes()[0]!.cursors).toMatchObject({ "!emergencies": "1-7-00000000" });
    last().confirm();
    last().say({ ...file, id: "gpu.json" });
    expect(a).toHaveLength(1);
  });
});

describe("coming back", () => {
  test("waits longer each time, at random, until a message comes", () => {
    const chance = vi.spyOn(Math, "random").mockReturnValue(1);
    client.subscribe("a");
    for (const wait of [1_000, 2_000, 4_000]) {
      // An open socket proves nothing.
      last().open();
      last().end();
      const { length } = sockets();
      vi.advanceTimersByTime(wait - 1);
      expect(sockets()).toHaveLength(length);
      vi.advanceTimersByTime(1);
      expect(sockets()).toHaveLength(length + 1);
    }
    chance.mockReturnValue(0);
    last().welcome().end();
    vi.advanceTimersByTime(500);
    expect(sockets()).toHaveLength(5);
  });

  test("as long as the server says, the last word counting, and only once", () => {
    vi.spyOn(Math, "random").mockReturnValue(0);
    client.subscribe("a");
    last()
      .welcome()
      .say(
        { type: "draining", reconnectAfterMs: 60_000 },
        { type: "draining", reconnectAfterMs: 3_000 },
        { type: "heartbeat", feed: "fresh" },
        { type: "closing", cursors: { a: "1-70-00000000" }, more: false },
      );
    last().end(1012);
    expect(client.status).toMatchObject({
      feed: "down",
      connected: false,
      retryAt: Date.now() + 3_000,
    });
    // Waking up is no reason to come before.
    globalThis.window?.dispatchEvent?.(new Event("online"));
    vi.advanceTimersByTime(2_999);
    expect(sockets()).toHaveLength(1);
    vi.advanceTimersByTime(1);
    expect(sockets()).toHaveLength(2);
    last().end();
    vi.advanceTimersByTime(500);
    last().open();
    expect(last().subscribes()[0]!.cursors).toMatchObject({ a: "1-70-00000000" });
  });

  test("an error with `close` and a delay means: then", () => {
    client.subscribe("a");
    last().welcome();
    last().say({
      type: "error",
      code: "closed",
      message: "no pong",
      close: 4012,
      retryAfterMs: 150,
    });
    last().end(4012);
    vi.advanceTimersByTime(150);
    expect(sockets()).toHaveLength(2);
  });

  test.each([
    ["a code", () => last().end(4409)],
    [
      "words, whatever the code",
      () => {
        last().say({ type: "error", code: "closed", message: "taken over", close: 4409 });
        last().end(1005);
      },
    ],
  ])("not after %s that say so, until it is told to", (_, end) => {
    const subscription = client.subscribe("a");
    last().welcome();
    end();
    expect(client.status).toMatchObject({ feed: "down", stopped: true, retryAt: null });
    vi.advanceTimersByTime(600_000);
    client.subscribe("b");
    expect(sockets()).toHaveLength(1);
    client.reconnect();
    last().welcome();
    expect(sockets()).toHaveLength(2);
    expect(subscription.status.feed).toBe("fresh");
  });

  test("a token is asked for anew for each connection", async () => {
    const tokens = ["first", "second"];
    client = new TelemetryClient({
      url,
      WebSocket: Socket,
      token: async () => tokens.shift()!,
    });
    client.subscribe("a");
    await vi.advanceTimersByTimeAsync(0);
    last().open();
    expect(last().sent[0]).toEqual({ type: "auth", token: "first" });
    last().end(4001);
    await vi.advanceTimersByTimeAsync(1_000);
    last().open();
    expect(last().sent[0]).toEqual({ type: "auth", token: "second" });
  });

  test("a token that cannot be had is tried again, and said", async () => {
    const token = vi
      .fn()
      .mockRejectedValueOnce(new Error("no network"))
      .mockResolvedValue("it");
    client = new TelemetryClient({ url, WebSocket: Socket, token });
    client.subscribe("a");
    await vi.advanceTimersByTimeAsync(0);
    expect(client.status.reason).toContain("no network");
    await vi.advanceTimersByTimeAsync(1_000);
    expect(sockets()).toHaveLength(1);
  });
});

describe("a token that ends", () => {
  const expiring = (leftMs: number) => ({
    type: "expiring",
    expiresAt: Date.now() + leftMs,
  });
  const refused = {
    type: "error",
    code: "not_authenticated",
    message: "not authenticated: no valid token in time",
    close: 4401,
  };
  let token: ReturnType<typeof vi.fn<() => Promise<string | undefined>>>;
  let count: number;

  beforeEach(() => {
    count = 0;
    token = vi.fn(async () => `token ${++count}`);
    client = new TelemetryClient({ url, WebSocket: Socket, token });
  });

  /** Connected with the token that there is. */
  async function begun(): Promise<Message[]> {
    const told = heard(client.subscribe("a"));
    await vi.advanceTimersByTimeAsync(0);
    last().welcome();
    last().sent.splice(0);
    return told;
  }

  /** Time goes by, and each second the server says that all is well. */
  async function wait(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 1_000) {
      last().say({ type: "heartbeat", feed: "fresh" });
      await vi.advanceTimersByTimeAsync(Math.min(left, 1_000));
    }
  }

  test("is renewed over the connection that is there, at random before the end", async () => {
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    const told = await begun();
    last().say(expiring(60_000));
    await wait(14_999);
    expect(last().sent).toEqual([]);
    await wait(1);
    expect(last().sent).toEqual([{ type: "auth", token: "token 2" }]);
    last().say({ type: "authenticated" }, frame("a", 0, { step: 1 }));
    expect(sockets()).toHaveLength(1);
    expect(records(told)).toEqual([{ step: 1 }]);
  });

  test("is renewed at once by a clock that is ahead, and in time by one that is behind", async () => {
    vi.spyOn(Math, "random").mockReturnValue(1);
    await begun();
    last().say(expiring(-3_600_000));
    await vi.advanceTimersByTimeAsync(0);
    expect(last().sent).toEqual([{ type: "auth", token: "token 2" }]);
    last().say(expiring(3_600_000));
    await wait(30_000);
    expect(last().sent).toHaveLength(2);
  });

  test("of a connection that has gone is not renewed", async () => {
    await begun();
    last().say(expiring(60_000));
    client.close();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(token).toHaveBeenCalledTimes(1);
  });

  test("if there is no other one, goes on until the server ends it, and comes back with one", async () => {
    const told = await begun();
    token.mockRejectedValueOnce(new Error("no network"));
    last().say(expiring(10_000));
    await wait(5_000);
    expect(client.status.feed).toBe("fresh");
    last().say({
      type: "error",
      code: "token_expired",
      message: "token expired: …",
      close: 4001,
      retryAfterMs: 3_000,
    });
    last().end(4001);
    expect(client.status).toMatchObject({ code: "token_expired", stopped: false });
    await vi.advanceTimersByTimeAsync(2_999);
    expect(sockets()).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    last().open();
    expect(last().sent[0]).toEqual({ type: "auth", token: "token 2" });
    last().welcome();
    expect(client.status).toMatchObject({ feed: "fresh", code: null });
    last().say(frame("a", 0, { step: 1 }));
    expect(records(told)).toEqual([{ step: 1 }]);
  });

  test("and is not renewed is no end of anything, if the new one does not count", async () => {
    await begun();
    last().say(
      { type: "error", code: "not_authenticated", message: "Not authenticated: …" },
      { type: "error", code: "not_authorized", message: "Not authorized: …" },
    );
    expect(client.status.feed).toBe("fresh");
  });

  test("does not count: another one is asked for once, and then nobody comes back", async () => {
    const told = heard(client.subscribe("a"));
    for (const tries of [1, 2]) {
      await vi.advanceTimersByTimeAsync(1_000);
      expect(token).toHaveBeenCalledTimes(tries);
      last().open();
      last().say(refused);
      last().end(4401);
    }
    expect(client.status).toMatchObject({ stopped: true, code: "not_authenticated" });
    await vi.advanceTimersByTimeAsync(600_000);
    expect(sockets()).toHaveLength(2);
    // No subscription is over by that.
    client.reconnect();
    await vi.advanceTimersByTimeAsync(0);
    last()
      .welcome()
      .say(frame("a", 0, { step: 1 }));
    expect(records(told)).toEqual([{ step: 1 }]);
    // And after it was let in it may try again.
    last().say(refused);
    expect(client.status.stopped).toBe(false);
  });

  test("a server that wants one where there is none says so of each message", async () => {
    token.mockResolvedValue(undefined);
    const subscription = client.subscribe("a");
    const unknown = { type: "error", code: "not_authenticated", message: "Not authenticated" };
    for (const _ of [1, 2]) {
      await vi.advanceTimersByTimeAsync(1_000);
      last().open();
      const socket = last();
      for (const { id } of socket.sent) socket.say({ ...unknown, id });
      expect(socket.isClosed).toBe(true);
    }
    expect(subscription.status).toMatchObject({ stopped: true, code: "not_authenticated" });
    expect(subscription.isClosed).toBe(false);
  });

  test("may allow fewer sessions: that is told", async () => {
    const told = await begun();
    last().say({ type: "revoked", sessionId: "a" }, { type: "revoked", sessionId: "b" });
    expect(told.at(-1)).toEqual({ type: "revoked", sessionId: "a" });
  });
});

describe("what is so", () => {
  test("the server's word of its feed", () => {
    const subscription = client.subscribe("a");
    const told: string[] = [];
    subscription.on("status", ({ feed }) => told.push(feed));
    last().welcome();
    for (const feed of ["stale", "stale", "down", "fresh"])
      last().say({ type: "heartbeat", feed });
    expect(told).toEqual(["fresh", "stale", "down", "fresh"]);
    expect(client.lagMs).toBe(null);
  });

  test("a server that says nothing is stale after three seconds, and left after ten", () => {
    client.subscribe("a");
    last().welcome();
    vi.advanceTimersByTime(2_500);
    expect(client.status.feed).toBe("fresh");
    vi.advanceTimersByTime(500);
    expect(client.status).toMatchObject({
      feed: "stale",
      connected: false,
      reason: "The server does not answer.",
    });
    last().say({ type: "heartbeat", feed: "fresh" });
    expect(client.status.feed).toBe("fresh");
    vi.advanceTimersByTime(10_000);
    expect(last().isClosed).toBe(true);
    expect(client.status).toMatchObject({
      feed: "down",
      reason: "The server does not answer.",
    });
  });

  test("so is a connection that never opens", () => {
    client.subscribe("a");
    vi.advanceTimersByTime(10_000);
    expect(last().isClosed).toBe(true);
  });

  test("a connection that is needed no more counts no more, though it never opened", () => {
    const told: string[] = [];
    client.on("status", ({ feed }) => told.push(feed));
    client.subscribe("a");
    last().welcome();
    client.subscribe("a", { metrics: ["phi"] }).close();
    expect(sockets()).toHaveLength(2);
    expect(client.status.feed).toBe("down");
    vi.advanceTimersByTime(2_000);
    expect(client.status.feed).toBe("fresh");
    expect(told).toEqual(["down", "fresh", "down", "fresh"]);
  });

  test("what a socket that was left says late is nothing", () => {
    const told = heard(client.subscribe("a"));
    const left = last().welcome();
    vi.advanceTimersByTime(12_000);
    left.say(frame("a", 0, { step: 1 }));
    left.end();
    expect(records(told)).toEqual([]);
    expect(sockets()).toHaveLength(2);
  });
});

describe("loops", () => {
  test("each message in turn; leaving the loop ends the subscription", async () => {
    const subscription = client.subscribe<{ step: number }>("a");
    const steps: number[] = [];
    const loop = (async () => {
      for await (const message of subscription) {
        if (message.type !== "telemetry") continue;
        steps.push(...message.data.map(({ step }) => step));
        if (steps.length === 3) break;
      }
    })();
    last()
      .welcome()
      .say(frame("a", 0, { step: 1 }), frame("a", 1, { step: 2 }, { step: 3 }));
    await loop;
    expect(steps).toEqual([1, 2, 3]);
    expect(subscription.isClosed).toBe(true);
  });

  test("ends when the client does", async () => {
    const loop = client.subscribe("a")[Symbol.asyncIterator]().next();
    client.close();
    expect(await loop).toEqual({ done: true, value: undefined });
  });

  test("is one to a subscription", async () => {
    const subscription = client.subscribe("a");
    void subscription[Symbol.asyncIterator]().next();
    await expect(subscription[Symbol.asyncIterator]().next()).rejects.toThrow("one loop");
  });

  test("one that is slower than the records loses none, and holds a bounded number", async () => {
    const subscription = client.subscribe("a");
    const loop = subscription[Symbol.asyncIterator]();
    const first = loop.next();
    last().welcome();
    expect((await first).value).toMatchObject({ type: "subscribed" });
    const big = "x".repeat(MAX_BUFFERED_CHARS / 4);
    for (let n = 0; n < 8; n += 1) last().say(frame("a", n, { step: n, big }));
    expect(last().sent.at(-1)).toEqual({ type: "unsubscribe", sessionId: "a" });
    const steps: number[] = [];
    for (let n = 0; n < 4; n += 1) steps.push(((await loop.next()).value as any).data[0].step);
    const more = loop.next();
    await vi.advanceTimersByTimeAsync(0);
    expect(last().subscribes().at(-1)).toMatchObject({ cursors: { a: "1-40-00000000" } });
    last().confirm("1-40-00000000");
    expect((await more).value).toMatchObject({ type: "subscribed" });
    for (let n = 4; n < 7; n += 1) last().say(frame("a", n, { step: n }));
    for (let n = 4; n < 7; n += 1) steps.push(((await loop.next()).value as any).data[0].step);
    expect(steps).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(sockets()).toHaveLength(1);
  });

  test("a handler that fails is reported, and keeps nobody else", () => {
    const subscription = client.subscribe("a");
    const failing = vi.fn(() => {
      throw new Error("mine");
    });
    const report = vi.spyOn(globalThis, "queueMicrotask").mockImplementation(() => {});
    subscription.on("telemetry", failing);
    const told = heard(subscription, "telemetry");
    last()
      .welcome()
      .say(frame("a", 0, { step: 1 }));
    expect(records(told)).toHaveLength(1);
    expect(report).toHaveBeenCalledOnce();
    expect(report.mock.calls[0]![0]).toThrow("mine");
  });
});

describe("questions", () => {
  test("all sessions, in all their pieces, over the connection that is there", async () => {
    client.subscribe("a");
    last().welcome();
    const sessions = client.sessions();
    const { id } = last().sent.at(-1)!;
    last().say({ type: "sessions", sessions: [{ sessionId: "a" }], more: true, id });
    last().say({ type: "sessions", sessions: [{ sessionId: "b" }], more: false, id });
    expect((await sessions).map(({ sessionId }) => sessionId)).toEqual(["a", "b"]);
    expect(sockets()).toHaveLength(1);
  });

  test("are asked again over the next connection, and fail after ten seconds", async () => {
    const sessions = client.sessions();
    last().open();
    last().end();
    vi.advanceTimersByTime(1_000);
    last().open();
    expect(last().sent.map(({ type }) => type)).toContain("sessions");
    const failed = expect(sessions).rejects.toThrow("does not answer");
    vi.advanceTimersByTime(9_000);
    await failed;
    vi.advanceTimersByTime(1_000);
    expect(last().isClosed).toBe(true);
  });

  test("over HTTP: addresses, tokens, and what the server says of an error", async () => {
    const asked: [string, RequestInit | undefined][] = [];
    const answers = [
      new Response('{"series":{}}'),
      new Response('{"sessionId":"a"}\n{"sessionId":"b","code":"not_found","message":"-"}\n'),
      new Response('{"loss":"NaN"}'),
      new Response("{}"),
      new Response("{}"),
      new Response('{"code":"unavailable","message":"the broker is away"}', {
        status: 503,
        headers: { "Retry-After": "2" },
      }),
      new Response("<html>", { status: 502 }),
    ];
    client = new TelemetryClient({
      url: "https://host/prefix",
      token: "secret",
      fetch: async (input, init) => {
        asked.push([String(input), init]);
        return answers.shift()!;
      },
    });
    await client.series("a/b", { metrics: ["x,y"], points: 10 });
    expect(asked[0]![0]).toBe(
      "https://host/prefix/api/series?sessionId=a%2Fb&points=10&metrics=%5B%22x%2Cy%22%5D",
    );
    expect(new Headers(asked[0]![1]?.headers).get("Authorization")).toBe("Bearer secret");
    expect(await client.series(["a", "b"])).toHaveLength(2);
    expect(asked[1]![1]).toMatchObject({ method: "POST", body: '{"sessionIds":["a","b"]}' });
    const record = { truncated: true, url: "../api/record?sessionId=a&cursor=c", bytes: 9 };
    expect(await client.whole(record)).toEqual({ loss: NaN });
    expect(asked[2]![0]).toBe("https://host/prefix/api/record?sessionId=a&cursor=c");
    expect(await client.whole({ step: 1 })).toEqual({ step: 1 });
    await client.acknowledge("a/1", "ada", "looked");
    expect(asked.at(-1)![0]).toBe("https://host/prefix/api/emergencies/ack?id=a%2F1");
    expect(asked.at(-1)![1]).toMatchObject({
      method: "POST",
      body: '{"who":"ada","note":"looked"}',
    });
    expect(new Headers(asked.at(-1)![1]?.headers).get("Content-Type")).toBe("application/json");
    await client.acknowledge("a/1", null);
    expect(asked.at(-1)![1]).toMatchObject({ method: "DELETE" });
    await expect(client.emergencies()).rejects.toMatchObject({
      status: 503,
      code: "unavailable",
      retryAfterMs: 2_000,
      message: "the broker is away",
    });
    await expect(client.get("/api/status")).rejects.toMatchObject({
      status: 502,
      retryAfterMs: undefined,
    });
  });
});

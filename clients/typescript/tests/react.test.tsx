// @vitest-environment happy-dom
import { act, type ReactNode, StrictMode, useState } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { TelemetryDashboard } from "../../../examples/react-recharts/src/TelemetryDashboard.jsx";
import { sharedClient } from "../src/index.js";
import {
  type TelemetryStream,
  type UseTelemetryStreamOptions,
  useTelemetryStream,
} from "../src/react.js";
import { frame, freshServer, last, Socket, sockets } from "./server.js";

let root: Root;
let page: HTMLElement;

beforeEach(() => {
  freshServer();
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  vi.stubGlobal("WebSocket", Socket);
  page = document.createElement("div");
  root = createRoot(page);
});
afterEach(async () => {
  await act(async () => root.unmount());
  sharedClient().close();
  sharedClient("http://other:5000").close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** Whatever is to be drawn is drawn. */
async function draw(change: () => void = () => {}): Promise<void> {
  await act(async () => {
    change();
    await vi.advanceTimersByTimeAsync(300);
  });
}

const show = (component: ReactNode) => draw(() => root.render(component));

let stream: TelemetryStream;
let renderings = 0;

function Probe({ options }: { options?: string | null | UseTelemetryStreamOptions }) {
  stream = useTelemetryStream(options);
  renderings += 1;
  return null;
}

let again = () => {};

function Restless() {
  const [n, set] = useState(0);
  again = () => set(n + 1);
  return <Probe options={{ sessionId: "a", metrics: ["phi"] }} />;
}

/** A record as the original producers write them. */
function record(step: number, metrics: object = {}): object {
  return { step, telemetry: { phi: 0.5, kappa_eff: 64, regime: "geometric", ...metrics } };
}

const rewind = (step: number | null, cursor = "2-0-00000000") => ({
  type: "rewind",
  sessionId: "a",
  cursor,
  generation: "2",
  reason: "truncated",
  step,
  complete: true,
});

describe("the hook", () => {
  test("has what both hooks had", async () => {
    await show(<Probe options="a" />);
    expect(stream).toMatchObject({
      records: [],
      connected: false,
      emergency: null,
      latestRecord: null,
      error: null,
      isLoading: true,
      skipped: 0,
      sessionId: "a",
    });
    await draw(() => last().welcome());
    expect(stream).toMatchObject({ connected: true, isLoading: false, feed: "fresh" });
    await draw(() => last().say(frame("a", 0, record(1), record(2))));
    expect(stream.records.map(({ step }) => step)).toEqual([1, 2]);
    expect(stream.latestRecord).toMatchObject(record(2));
    expect(Object.isFrozen(stream.records) && Object.isFrozen(stream.records[0])).toBe(true);
  });

  test("a page in StrictMode opens one socket, and shows each record once", async () => {
    await show(
      <StrictMode>
        <Probe options="a" />
      </StrictMode>,
    );
    await draw(() => last().welcome());
    await draw(() => last().say(frame("a", 0, record(1))));
    expect(sockets()).toHaveLength(1);
    expect(stream.records).toHaveLength(1);
    await draw(() => void vi.advanceTimersByTime(5_000));
    expect(last().subscribes()).toEqual([]);
  });

  test("components share a socket, and a server of its own has another", async () => {
    await show(
      <>
        <Probe options="a" />
        <Probe options="a" />
        <Probe options={{ sessionId: "b", maxRecords: 5 }} />
        <Probe options={{ url: "http://other:5000" }} />
      </>,
    );
    expect(sockets().map(({ url }) => url)).toEqual([
      "ws://localhost:3000/ws/telemetry",
      "ws://other:5000/ws/telemetry",
    ]);
  });

  test("many messages are one rendering, and none is lost", async () => {
    await show(<Probe options="a" />);
    await draw(() => last().welcome());
    const before = renderings;
    await draw(() => {
      for (let n = 0; n < 100; n += 1) last().say(frame("a", n, record(n)));
    });
    expect(stream.records).toHaveLength(100);
    expect(renderings).toBe(before + 1);
  });

  test("nothing new is no rendering, and the same array", async () => {
    await show(<Probe options="a" />);
    await draw(() =>
      last()
        .welcome()
        .say(frame("a", 0, record(1))),
    );
    const { records } = stream;
    const before = renderings;
    await draw(() => last().say({ type: "heartbeat", feed: "fresh", lagMs: 9 }));
    expect(renderings).toBe(before);
    await draw(() => last().say({ type: "heartbeat", feed: "stale" }));
    expect(stream.records).toBe(records);
    expect(stream).toMatchObject({ connected: false, feed: "stale" });
    expect(stream.reason).toContain("broker");
  });

  test("keeps the newest records", async () => {
    await show(<Probe options={{ sessionId: "a", maxRecords: 3 }} />);
    await draw(() =>
      last()
        .welcome()
        .say(frame("a", 0, ...[1, 2, 3, 4, 5].map((n) => record(n)))),
    );
    expect(stream.records.map(({ step }) => step)).toEqual([3, 4, 5]);
  });

  test("records without metrics are counted, and not among the others", async () => {
    await show(<Probe options="a" />);
    await draw(() =>
      last()
        .welcome()
        .say(
          frame(
            "a",
            0,
            record(1),
            { step: 2, loss: 0.4 },
            { telemetry: [1] },
            { telemetry: null },
          ),
        ),
    );
    expect(stream.records).toHaveLength(1);
    expect(stream.skipped).toBe(3);
    await draw(() => stream.clearRecords());
    expect(stream).toMatchObject({ records: [], skipped: 0 });
  });

  test("a number that is not there is NaN, and the record is as it was written", async () => {
    await show(<Probe options="a" />);
    await draw(() =>
      last()
        .welcome()
        .say(frame("a", 0, record(1), { step: 2, telemetry: { phi: null, regime: "flat" } })),
    );
    const { telemetry } = stream.records[1]!;
    expect([telemetry.phi, telemetry.kappa_eff, telemetry.regime]).toEqual([NaN, NaN, "flat"]);
    expect(Object.keys(telemetry)).toEqual(["phi", "regime"]);
  });

  test("after a rewind, what the file has no more is gone", async () => {
    await show(<Probe options="a" />);
    const other = {
      type: "telemetry",
      sessionId: "a",
      cursor: "2-99-00000000",
      data: [record(2)],
    };
    await draw(() =>
      last()
        .welcome()
        .say(frame("a", 0, record(1), record(2), record(3)), rewind(2), other),
    );
    expect(stream.records.map(({ step }) => step)).toEqual([1, 2]);
    expect(stream.rewinds).toBe(1);
  });

  test("a file that is rotated takes nothing away; of one without steps, the place counts", async () => {
    await show(<Probe options="a" />);
    await draw(() =>
      last()
        .welcome()
        .say(frame("a", 0, record(1), record(2)), rewind(3)),
    );
    expect(stream.records).toHaveLength(2);
    const bare = [{ telemetry: { n: 1 } }, { telemetry: { n: 2 } }];
    await draw(() => {
      stream.clearRecords();
      last().say(
        { type: "telemetry", sessionId: "a", cursor: "2-10-00000000", data: [bare[0]] },
        { type: "telemetry", sessionId: "a", cursor: "2-20-00000000", data: [bare[1]] },
        rewind(null, "3-10-00000000"),
      );
    });
    expect(stream.records.map(({ telemetry }) => telemetry.n)).toEqual([1]);
  });

  test("the session of another rendering is another stream", async () => {
    await show(<Probe options="a" />);
    await draw(() =>
      last()
        .welcome()
        .say(frame("a", 0, record(1))),
    );
    await show(<Probe options="b" />);
    expect(stream).toMatchObject({ records: [], sessionId: "b" });
    expect(last().subscribes()).toEqual([expect.objectContaining({ sessionId: "b" })]);
    expect(sockets()).toHaveLength(1);
  });

  test("a component that is taken away leaves the socket, and one that comes back has its own", async () => {
    await show(<Probe options="a" />);
    await draw(() => last().welcome());
    await show(null);
    await draw(() => void vi.advanceTimersByTime(1_000));
    expect(last().isClosed).toBe(true);
    await show(<Probe options="a" />);
    expect(sockets()).toHaveLength(2);
  });

  test("subscribe, unsubscribe and refetch", async () => {
    await show(<Probe options={{ autoConnect: false, maxRecords: 7 }} />);
    expect(sockets()).toHaveLength(0);
    expect(stream.isLoading).toBe(false);
    await draw(() => stream.subscribe("a"));
    expect(last().url).toContain("/ws/telemetry");
    await draw(() =>
      last()
        .welcome()
        .say(frame("a", 0, record(1))),
    );
    await draw(() => stream.unsubscribe());
    expect(stream).toMatchObject({ connected: false, sessionId: "a" });
    expect(stream.records).toHaveLength(1);
    // Taken up again it goes on where it was.
    await draw(() => stream.subscribe());
    await draw(() => last().welcome());
    expect(stream.records).toHaveLength(1);
    await draw(() => stream.refetch());
    expect(stream).toMatchObject({ records: [], isLoading: true });
    expect(last().subscribes().at(-1)).toMatchObject({ sessionId: "a", from: { last: 7 } });
    await draw(() => {
      last().confirm();
      last().say({ type: "caught_up", sessionId: "a", cursor: "1-0-00000000" });
    });
    expect(stream.isLoading).toBe(false);
  });

  test("what the server refuses is said", async () => {
    await show(<Probe options={{ sessionId: "a", metrics: ["x"] }} />);
    await draw(() => {
      last().open();
      const { id } = last().subscribes().at(-1)!;
      last().say({ type: "error", code: "invalid_message", message: "not so", id });
    });
    expect(stream.error?.message).toBe("not so");
    expect(stream.isLoading).toBe(false);
  });

  test("so is that it should not come back", async () => {
    await show(<Probe options="a" />);
    await draw(() => last().welcome().end(4409));
    expect(stream.error).toBeInstanceOf(Error);
    expect(stream).toMatchObject({ connected: false, feed: "down" });
  });

  test("goes on while the page is hidden, where no frame comes", async () => {
    vi.stubGlobal("requestAnimationFrame", () => 0);
    await show(<Probe options="a" />);
    await draw(() =>
      last()
        .welcome()
        .say(frame("a", 0, record(1))),
    );
    expect(stream.records).toHaveLength(1);
  });

  test("an object of options that is new at each rendering is the same", async () => {
    await show(<Restless />);
    await draw(() =>
      last()
        .welcome()
        .say(frame("a", 0, record(1))),
    );
    await draw(() => again());
    expect(stream.records).toHaveLength(1);
    expect(last().sent.map(({ type }) => type)).not.toContain("subscribe");
  });
});

describe("waking up", () => {
  const wake = (event: string) =>
    (event === "visibilitychange" ? document : window).dispatchEvent(
      new Event(event, { bubbles: true }),
    );

  test.each(["online", "pageshow", "visibilitychange"])("%s ends the wait", async (event) => {
    vi.spyOn(Math, "random").mockReturnValue(1);
    await show(<Probe options="a" />);
    await draw(() => last().end());
    expect(sockets()).toHaveLength(1);
    wake(event);
    expect(sockets()).toHaveLength(2);
  });

  test("and asks a connection whether it lives: it has three seconds to say so", async () => {
    await show(<Probe options="a" />);
    await draw(() => last().welcome());
    const [first] = sockets();
    wake("pageshow");
    expect(first!.sent.at(-1)).toEqual({ type: "heartbeat" });
    await draw(() => void vi.advanceTimersByTime(3_500));
    expect(first!.isClosed).toBe(true);
  });

  test("but not before the time that the server said", async () => {
    await show(<Probe options="a" />);
    await draw(() => {
      last().welcome().say({ type: "draining", reconnectAfterMs: 9_000 });
      last().end(1012);
    });
    wake("online");
    expect(sockets()).toHaveLength(1);
  });
});

describe("the classic component", () => {
  const text = () => page.textContent ?? "";
  const dot = () => page.querySelector("span")!.style.color;
  const values = () => [...page.querySelectorAll("dd")].map((one) => one.textContent);

  test("draws what comes", async () => {
    await show(
      <StrictMode>
        <TelemetryDashboard sessionId="a" />
      </StrictMode>,
    );
    expect(dot()).toBe("red");
    await draw(() =>
      last()
        .welcome()
        .say(frame("a", 0, record(1), record(2, { phi: 0.71 }))),
    );
    expect(dot()).toBe("green");
    expect(values()).toEqual(["0.710", "64.00", "geometric"]);
    expect(page.querySelectorAll("path.recharts-line-curve")).toHaveLength(2);
  });

  test.each([
    ["NaN", record(3, { phi: "NaN", kappa_eff: "Infinity" }), ["NaN", "Infinity", "geometric"]],
    ["null", record(3, { phi: null }), ["NaN", "64.00", "geometric"]],
    ["a metric less", { step: 3, telemetry: { phi: 0.1 } }, ["0.100", "NaN", ""]],
    ["no telemetry", { step: 3, loss: 0.4 }, ["0.500", "64.00", "geometric"]],
    ["no step", { telemetry: { phi: 1, kappa_eff: 2, regime: null } }, ["1.000", "2.00", ""]],
    [
      "one too long for a message",
      { truncated: true, url: "../api/record", bytes: 9 },
      ["0.500", "64.00", "geometric"],
    ],
  ])("survives %s", async (_, odd, expected) => {
    await show(<TelemetryDashboard sessionId="a" />);
    await draw(() =>
      last()
        .welcome()
        .say(frame("a", 0, record(1), record(2))),
    );
    await draw(() => last().say(frame("a", 2, odd)));
    expect(values()).toEqual(expected);
  });

  test.each([
    [
      "as the original",
      { step: 4, emergency: { reason: "collapse", severity: "high" } },
      "collapse",
    ],
    ["a file with a reason", { reason: "overheated" }, "overheated"],
    ["a file with a message", { message: "out of memory" }, "out of memory"],
    ["nothing that is known", { gpu: 3 }, '{"gpu":3}'],
    ["a reason that is an object", { emergency: { reason: { code: 7 } } }, '{"code":7}'],
    ["no reason", { emergency: {} }, '{"emergency":{}}'],
    ["true", { reason: "so", emergency: true }, "so"],
  ])("shows an emergency of any shape: %s", async (_, data, reason) => {
    await show(<TelemetryDashboard sessionId="a" />);
    await draw(() =>
      last()
        .welcome()
        .say({ type: "emergency", sessionId: "a", data, id: "1", cursor: "1-9-00000000" }),
    );
    expect(page.querySelector("[role=alert]")!.textContent).toBe(`Emergency: ${reason}`);
  });

  test("survives a restart, and a rewind", async () => {
    await show(<TelemetryDashboard sessionId="a" />);
    await draw(() =>
      last()
        .welcome()
        .say(frame("a", 0, record(1), record(2))),
    );
    await draw(() => last().end(1006));
    expect(dot()).toBe("red");
    expect(values()[0]).toBe("0.500");
    await draw(() => void vi.advanceTimersByTime(1_000));
    await draw(() => {
      last()
        .welcome()
        .say(frame("a", 0, record(1), record(2)), frame("a", 2, record(3, { phi: 0.3 })));
    });
    expect([dot(), values()[0]]).toEqual(["green", "0.300"]);
    await draw(() => last().say(rewind(0)));
    expect(values()).toEqual([]);
    expect(text()).toContain("Training telemetry");
  });
});

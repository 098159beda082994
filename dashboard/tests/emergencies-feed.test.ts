import { TelemetryClient } from "tailcast";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { freshServer, last, Socket } from "../../clients/typescript/tests/server.js";
import { type Emergency, wordsOf } from "../src/core/emergencies.js";
import {
  Emergencies,
  mute,
  notifies,
  setNotifies,
  tellDesktop,
  unmute,
  unseen,
  whyNoNotifications,
} from "../src/feed/emergencies.js";
import { QUIETLY } from "../src/feed/everything.js";

const listed = (id: string, fields: object = {}) => ({
  id,
  cursor: "1-1-00000000",
  url: "../api/record",
  time: 1,
  step: 4,
  severity: null,
  data: { reason: id },
  ...fields,
});

let pages: object[] = [];
const asked: string[] = [];

function server(): { emergencies: Emergencies; appeared: Emergency[]; ids: () => string[] } {
  const client = new TelemetryClient({
    url: "http://server.test",
    WebSocket: Socket,
    fetch: async (url, init) => {
      asked.push(`${init?.method ?? "GET"} ${new URL(String(url)).search}`);
      const page = init?.method === "POST" ? {} : (pages.shift() ?? { data: [], more: false });
      return new Response(JSON.stringify(page));
    },
  });
  const emergencies = new Emergencies(client);
  const appeared: Emergency[] = [];
  emergencies.follow(client.subscribe(null, QUIETLY), (one) => appeared.push(one));
  last().welcome();
  const ids = () => {
    vi.advanceTimersByTime(100);
    return emergencies.held.get().all.map(({ id }) => id);
  };
  return { emergencies, appeared, ids };
}

const told = (id: string, fields: object = {}) => ({
  type: "emergency",
  id,
  sessionId: "run",
  data: { reason: id, timestamp: "2025-12-18T01:30:00Z", step: 1 },
  cursor: "1-50-00000000",
  ...fields,
});

beforeEach(() => {
  freshServer();
  pages = [];
  asked.length = 0;
});
afterEach(() => void vi.useRealTimers());

describe("emergencies", () => {
  test("are those of before, and those that come: each once", async () => {
    const { emergencies, appeared, ids } = server();
    pages = [{ data: [listed("old"), listed("older", { time: 0 })], more: false }];
    await emergencies.load();
    const { cursor: _, ...replayed } = told("old", { replayed: true, time: 1, step: 4 });
    last().say(replayed, told("new"));
    expect(ids()).toEqual(["new", "old", "older"]);
    expect(appeared.map(({ id }) => id)).toEqual(["new"]);
  });

  test("that nobody has seen are asked for, however many came since", async () => {
    const { emergencies, ids } = server();
    pages = [
      { data: [listed("seen", { acknowledged: { who: "ada", note: "", at: 1 } })], more: true },
      { data: [listed("open", { time: 0 })], more: false },
    ];
    await emergencies.load();
    expect(asked.at(-1)).toContain("acknowledged=false");
    expect(ids()).toEqual(["seen", "open"]);
    expect(emergencies.held.get().hasMore).toBe(true);
    expect(unseen(emergencies.held.get().all, []).map(({ id }) => id)).toEqual(["open"]);
    expect(unseen(emergencies.held.get().all, ["open"])).toEqual([]);
  });

  test("are acknowledged by what others say, and taken back", () => {
    const { emergencies, ids } = server();
    const acknowledged = { who: "ada", note: "looked", at: 5 };
    last().say(told("new"), {
      type: "acknowledged",
      id: "new",
      sessionId: "run",
      acknowledged,
    });
    ids();
    expect(emergencies.held.get().all[0]?.acknowledged).toEqual(acknowledged);
    last().say({ type: "acknowledged", id: "new", sessionId: "run", acknowledged: null });
    ids();
    expect(emergencies.held.get().all[0]?.acknowledged).toBeNull();
  });

  test("that are acknowledged here have who was the first", async () => {
    const { emergencies, ids } = server();
    last().say(told("new"));
    pages = [
      {
        data: [listed("new", { acknowledged: { who: "bob", note: "", at: 1 } })],
        more: false,
      },
    ];
    await emergencies.acknowledge(["new"], "ada");
    expect(asked).toEqual(["POST ?id=new", "GET ?limit=100"]);
    ids();
    expect(emergencies.held.get().all[0]?.acknowledged?.who).toBe("bob");
  });

  test("without a step get the one that an index finds", async () => {
    const { emergencies, ids } = server();
    last().say(told("new", { data: { reason: "x" } }));
    ids();
    expect(emergencies.held.get().all[0]?.step).toBeNull();
    pages = [{ data: [listed("new", { step: 12 })], more: false }];
    await vi.advanceTimersByTimeAsync(5_000);
    expect(emergencies.held.get().all[0]?.step).toBe(12);
  });

  test("that are long have their words once they were opened", async () => {
    const { emergencies, ids } = server();
    const record = { emergency: { reason: "x" }, blob: "x".repeat(9_000) };
    pages = [{ data: [listed("long", { data: null })], more: false }, record];
    await emergencies.load();
    ids();
    const [long] = emergencies.held.get().all;
    expect(await emergencies.open(long!)).toEqual(record);
    ids();
    expect(wordsOf(emergencies.held.get().all[0]!).reason).toBe("x");
    // Asked for again the list knows no more than before.
    pages = [{ data: [listed("long", { data: null })], more: false }];
    await emergencies.load();
    ids();
    expect(wordsOf(emergencies.held.get().all[0]!).reason).toBe("x");
  });

  test("are held up to a bound, and it is said that there are others", () => {
    const { emergencies, ids } = server();
    for (let at = 0; at < 510; at++) {
      last().say(told(`e${at}`, { cursor: `1-${at + 1}-00000000`, time: at }));
    }
    expect(ids()).toHaveLength(500);
    expect(ids()[0]).toBe("e509");
    expect(emergencies.held.get().hasMore).toBe(true);
  });
});

describe("the desktop", () => {
  const emergency = (reason: string): Emergency => ({
    id: "x",
    session: "run",
    path: null,
    time: 1,
    step: 4,
    severity: null,
    data: { reason },
    url: null,
    isRewound: false,
    acknowledged: null,
  });
  let told: string[] = [];
  let answer: NotificationPermission = "granted";

  class FakeNotification {
    static permission: NotificationPermission = "default";
    static async requestPermission(): Promise<NotificationPermission> {
      FakeNotification.permission = answer;
      return answer;
    }
    onclick: (() => void) | null = null;
    constructor(_: string, { body }: { body: string }) {
      told.push(body);
    }
  }

  beforeEach(() => {
    told = [];
    answer = "granted";
    FakeNotification.permission = "default";
    vi.stubGlobal("Notification", FakeNotification);
    vi.spyOn(document, "visibilityState", "get").mockReturnValue("hidden");
    notifies.set(false);
  });
  afterEach(() => void vi.unstubAllGlobals());

  test("is told when somebody asked for it, while nobody sees the page", async () => {
    tellDesktop(emergency("first"));
    await setNotifies(true);
    tellDesktop(emergency("second"));
    vi.spyOn(document, "visibilityState", "get").mockReturnValue("visible");
    tellDesktop(emergency("third"));
    expect(told).toEqual(["run · second · step 4"]);
  });

  test("is not told of what is muted", async () => {
    await setNotifies(true);
    mute("loss #");
    tellDesktop(emergency("loss 3"));
    expect(told).toEqual([]);
    unmute("loss #");
    tellDesktop(emergency("loss 3"));
    expect(told).toHaveLength(1);
  });

  test("is not told if the browser forbids it, and why is said", async () => {
    answer = "denied";
    await setNotifies(true);
    expect(notifies.get()).toBe(false);
    expect(whyNoNotifications()).toMatch(/not to allow/);
    vi.stubGlobal("Notification", undefined);
    expect(whyNoNotifications()).not.toBeNull();
    notifies.set(true);
    tellDesktop(emergency("first"));
    expect(told).toEqual([]);
  });
});

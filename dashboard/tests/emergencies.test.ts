import { describe, expect, test } from "vitest";
import {
  brief,
  byTime,
  type Emergency,
  line,
  MAX_CHARS,
  merge,
  ofListed,
  ofMessage,
  ruleOf,
  spread,
  wordsOf,
} from "../src/core/emergencies.js";

const CLASSIC = {
  timestamp: "2025-12-18T01:30:00.000Z",
  step: 42,
  emergency: {
    reason: "consciousness_collapse",
    severity: "high",
    metric: "phi",
    value: 0.45,
    threshold: 0.5,
  },
};

function emergency(data: unknown, fields: Partial<Emergency> = {}): Emergency {
  return {
    id: "run/1-1-0",
    session: "run",
    path: null,
    time: 0,
    step: null,
    severity: null,
    data,
    url: null,
    isRewound: false,
    acknowledged: null,
    ...fields,
  };
}

describe("the words of an emergency", () => {
  test("are its metric against the bound, its reason and severity", () => {
    expect(wordsOf(emergency(CLASSIC))).toEqual({
      measured: "phi 0.45 < 0.5",
      reason: "consciousness_collapse",
      severity: "high",
    });
  });

  test.each([
    [{ emergency: { metric: "loss", value: 9, threshold: 3 } }, "loss 9 > 3", ""],
    [{ emergency: { metric: "loss", value: NaN, threshold: 3 } }, "loss NaN · threshold 3", ""],
    [{ emergency: { metric: "loss", value: "NaN" } }, "loss NaN", ""],
    [{ emergency: { metric: "loss" } }, "loss", ""],
    [{ emergency: { value: 3 } }, "value 3", ""],
    [{ reason: "overheated" }, "", "overheated"],
    [{ message: "no space left" }, "", "no space left"],
    [{ emergency: "node lost" }, "", "node lost"],
    [{ emergency: { type: "oom" } }, "", "oom"],
    [{ emergency: { reason: { code: 7, at: Infinity } } }, "", '{"code":7,"at":"Infinity"}'],
    [{ emergency: { reason: "" } }, "", '{"reason":""}'],
    [{ anything: [1, null] }, "", '{"anything":[1,null]}'],
    [{}, "", "{}"],
    ["a text", "", "a text"],
    [null, "", "a long record"],
    [undefined, "", "undefined"],
  ])("are never none: %j", (data, measured, reason) => {
    expect(wordsOf(emergency(data))).toEqual({ measured, reason, severity: "" });
  });

  test("say how long a record is that was too long for a message", () => {
    const data = { truncated: true, url: "../api/record?x", bytes: 2_097_152 };
    expect(wordsOf(emergency(data, { url: data.url })).reason).toBe("a long record: 2.097 MB");
    // A producer may use these words too.
    expect(wordsOf(emergency(data)).reason).toBe(JSON.stringify(data));
  });

  test("have the severity that the server found, where that alone is known", () => {
    expect(wordsOf(emergency(null, { severity: "high" })).severity).toBe("high");
  });

  test.each([
    CLASSIC,
    { emergency: {}, beside: "x".repeat(9_000) },
    { emergency: "node lost", more: 1 },
    { reason: { code: [1, null], text: "x".repeat(9_000) } },
    { blob: "x".repeat(9_000) },
    { many: Array.from({ length: 9_000 }, (_, at) => at) },
    ["a", "list"],
    { emergency: { metric: { a: "x".repeat(9_000) }, value: NaN, threshold: "3", type: 7 } },
  ])("are the same of a record that was cut down to them", (record) => {
    const cut = brief(record);
    expect(wordsOf(emergency(cut))).toEqual(wordsOf(emergency(record)));
    expect(ruleOf(emergency(cut))).toBe(ruleOf(emergency(record)));
    expect(JSON.stringify(cut).length).toBeLessThan(1_000);
  });

  test("are cut where a producer writes a book", () => {
    const { reason } = wordsOf(emergency({ reason: "x".repeat(1e6) }));
    expect(reason).toHaveLength(MAX_CHARS + 1);
  });
});

test("one line has all of it", () => {
  expect(line(emergency(CLASSIC, { step: 12_380 }))).toBe(
    "run · phi 0.45 < 0.5 · consciousness_collapse · high · step 12\u202f380",
  );
  expect(line(emergency({ reason: "x" }, { session: null }))).toBe("no session · x");
  const file = { session: null, path: "emergency/gpu.json" };
  expect(line(emergency({ reason: "x" }, file))).toBe("emergency/gpu.json · x");
});

describe("a rule", () => {
  test("is the metric and the reason, whatever the figures", () => {
    const of = (reason: string) => ruleOf(emergency({ emergency: { metric: "loss", reason } }));
    expect(of("loss 3.5 at step 7")).toBe("loss · loss # at step #");
    expect(of("loss -2e-7 at step 12")).toBe(of("loss 3.5 at step 7"));
    expect(of("loss is NaN")).not.toBe(of("loss 3.5 at step 7"));
  });

  test("of an emergency that says nothing known is what it says", () => {
    expect(ruleOf(emergency({ a: 1 }))).toBe('{"a":#}');
    expect(ruleOf(emergency("x"))).toBe("x");
  });
});

describe("an emergency of a message", () => {
  const message = {
    type: "emergency" as const,
    id: "run/1-1-0",
    sessionId: "run",
    data: CLASSIC,
  };

  test("has the time and the step that it was written with", () => {
    const { time, step, session } = ofMessage(message, 7);
    expect({ time, step, session }).toEqual({
      time: Date.parse(CLASSIC.timestamp),
      step: 42,
      session: "run",
    });
  });

  test("has those that the server found, or that it came at", () => {
    expect(ofMessage({ ...message, time: 5, step: 6 }, 7)).toMatchObject({ time: 5, step: 6 });
    const bare = { type: "emergency" as const, id: "x", data: { timestamp: "soon" } };
    expect(ofMessage(bare, 7)).toMatchObject({ time: 7, step: null, session: null });
  });

  test("that is a file without a session is of that file", () => {
    const file = { type: "emergency" as const, id: "emergency/gpu.json/5e1f", data: {} };
    expect(ofMessage(file, 7).path).toBe("emergency/gpu.json");
    expect(ofMessage({ ...file, sessionId: "run" }, 7).path).toBeNull();
    expect(ofMessage(message, 7).path).toBeNull();
  });

  test("keeps what was known of it before", () => {
    const acknowledged = { who: "ada", note: "", at: 1 };
    const before = { ...ofMessage({ ...message, step: 6, acknowledged }, 7), isRewound: true };
    const now = merge(before, emergency(null, { url: "../api/record" }));
    expect(now).toMatchObject({ step: 6, data: CLASSIC, isRewound: true, acknowledged: null });
    expect(merge(undefined, before)).toBe(before);
    // What is known of a long one is more than where it is to be had.
    const link = { truncated: true, url: "../api/record", bytes: 9_000 };
    const again = merge(before, emergency(link, { url: link.url, severity: "high" }));
    expect(again).toMatchObject({ data: CLASSIC, severity: "high" });
  });
});

test("an emergency of a list has its address where it has no data", () => {
  const listed = {
    id: "x",
    cursor: "1-1-00000000",
    url: "../api/record?x",
    time: 3,
    step: null,
    severity: null,
    data: null,
  };
  expect(ofListed({ ...listed, path: "a.json" }).path).toBe("a.json");
  expect(ofListed(listed)).toMatchObject({
    session: null,
    path: null,
    url: listed.url,
    data: null,
  });
  expect(ofListed({ ...listed, data: {}, rewound: true })).toMatchObject({
    url: null,
    isRewound: true,
  });
});

test("a whole record is shown as it is, up to a bound", () => {
  expect(spread({ loss: NaN })).toEqual({ text: '{\n  "loss": "NaN"\n}', isAll: true });
  const { text, isAll } = spread({ blob: "x".repeat(1e6) });
  expect([text.length, isAll]).toEqual([20_000, false]);
});

test("the newest is the first", () => {
  const all = [
    emergency(1, { id: "a", time: 1 }),
    emergency(1, { id: "b", time: 3 }),
    emergency(1, { id: "c", time: 3 }),
  ];
  expect(byTime(all).map(({ id }) => id)).toEqual(["c", "b", "a"]);
});

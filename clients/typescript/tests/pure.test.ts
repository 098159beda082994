import { describe, expect, it, test } from "vitest";
import { isAfter } from "../src/cursors.js";
import { isFinal, pauseMs, Silence } from "../src/pauses.js";
import { overlap, select } from "../src/selectors.js";
import { mayHaveNonFinite, revive } from "../src/values.js";

describe("cursors", () => {
  it.each([
    ["1-10-aaaaaaaa", "1-9-ffffffff", true],
    ["2-0-00000000", "1-999999-00000000", true],
    ["1-10-aaaaaaaa", "1-10-bbbbbbbb", false],
    ["1-0-00000000", null, true],
    [null, "1-0-00000000", false],
    [null, null, false],
    ["1-9007199254740991-00000000", "1-9007199254740990-00000000", true],
  ])("%s is after %s: %s", (one, other, is) => {
    expect(isAfter(one, other)).toBe(is);
  });
});

describe("values", () => {
  test("the three strings become numbers, wherever they are", () => {
    const record = {
      a: "NaN",
      b: ["Infinity", { c: "-Infinity" }],
      d: "nan",
      e: null,
      f: "Inf",
    };
    expect(revive(record)).toEqual({
      a: NaN,
      b: [Infinity, { c: -Infinity }],
      d: "nan",
      e: null,
      f: "Inf",
    });
  });

  test("a field of any name stays a field of its own", () => {
    const record = JSON.parse('{"__proto__":"NaN","constructor":"Infinity"}');
    revive(record);
    expect(Object.getPrototypeOf(record)).toBe(Object.prototype);
    expect(Object.entries(record)).toEqual([
      ["__proto__", NaN],
      ["constructor", Infinity],
    ]);
  });

  test("a text without them is known at a look", () => {
    expect(mayHaveNonFinite('{"loss":0.5,"note":"NaN or Infinity"}')).toBe(false);
    expect(mayHaveNonFinite('{"loss":"-Infinity"}')).toBe(true);
  });
});

describe("pauses", () => {
  test("a wait is at random between half a second and a limit that doubles up to twenty", () => {
    const limits = [0, 1, 2, 3, 4, 5, 50].map((failures) => pauseMs(failures, 1));
    expect(limits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000]);
    expect(pauseMs(9, 0)).toBe(500);
  });

  test("only Tailcast's own three codes mean: stay away", () => {
    const all = [0, 1000, 1006, 1008, 1012, 1013, 4001, 4008, 4012, 4029, 4400, 4401, 4409];
    expect(all.filter(isFinal)).toEqual([4400, 4401, 4409]);
    expect(isFinal(undefined)).toBe(false);
  });

  test("silence is what was not received, in ticks that came in time", () => {
    const silence = new Silence(500, 0);
    expect(silence.tick(500)).toBe(500);
    expect(silence.tick(1_000)).toBe(1_000);
    silence.end();
    expect(silence.tick(1_500)).toBe(500);
    // A hidden page, or a machine that slept: what came meanwhile is read after this tick.
    expect(silence.tick(3_600_000)).toBe(1_500);
    silence.atLeast(7_000);
    expect(silence.tick(3_600_500)).toBe(7_500);
  });

  test("a clock that is set back makes no silence", () => {
    const silence = new Silence(500, 10_000);
    expect(silence.tick(5_000)).toBe(0);
    expect(silence.tick(5_500)).toBe(500);
  });
});

describe("selectors", () => {
  it.each([
    ["run_*", "run_a/b", true],
    ["run_?", "run_ä", true],
    ["run_?", "run_😀", true],
    ["run_?", "run_", false],
    ["\\*", "*", true],
    ["\\*", "a", false],
    ["a.c", "abc", false],
    ["(a|b)[c]{1}^$+/-\\", "(a|b)[c]{1}^$+/-\\", true],
    ["*\n*", "a\nb", true],
  ])("pattern %j, session %j: %s", (pattern, session, is) => {
    expect(select([pattern]).matches(session)).toBe(is);
  });

  test("a name alone is always literal", () => {
    expect(select("run_*").matches("run_a")).toBe(false);
    expect(select("run_*").matches("run_*")).toBe(true);
  });

  test("sessions of two subscriptions", () => {
    expect(overlap(select("a"), select("b"))).toBe(false);
    expect(overlap(select("a"), select("a"))).toBe(true);
    expect(overlap(select("a"), select(null))).toBe(true);
    expect(overlap(select(["a*"]), select("b"))).toBe(false);
    // Whether two patterns have a session in common is not asked.
    expect(overlap(select(["a*"]), select(["b*"]))).toBe(true);
  });
});

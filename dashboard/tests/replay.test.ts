import { expect, test } from "vitest";
import { paceOf, speedFor } from "../src/core/replay.js";

const WHOLE = { low: 0, high: 36_000 };
const course = {
  records: 72_000,
  firstStep: 0,
  lastStep: 36_000,
  firstTime: 0,
  lastTime: 3_600_000,
};

test("a replay goes as fast as the run did, and is over in a minute", () => {
  expect(paceOf("step", course, WHOLE)).toBe(10);
  expect(paceOf("record", course, WHOLE)).toBe(20);
  expect(paceOf("time", course, WHOLE)).toBe(1_000);
  // An hour in a minute.
  expect(speedFor(10, WHOLE)).toBe(100);
  expect(speedFor(600, WHOLE)).toBe(1);
  expect(speedFor(1e-9, WHOLE)).toBe(1_000_000);
});

test("of a run whose times are not known it takes a minute", () => {
  const unknown = { ...course, firstTime: null, lastTime: null };
  expect(paceOf("step", unknown, WHOLE)).toBe(600);
  expect(paceOf("step", { ...course, firstStep: null, lastStep: null }, WHOLE)).toBe(600);
});

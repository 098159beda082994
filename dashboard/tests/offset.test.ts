import { expect, test } from "vitest";
import { Offset } from "../src/core/offset.js";

test("the offset is that of the message that was the least late", () => {
  const offset = new Offset();
  expect(offset.take(Number.NaN, 0)).toBe(0);
  expect(offset.take(1_000_000, 400_300)).toBe(599_700);
  expect(offset.take(1_001_000, 401_005)).toBe(599_995);
  expect(offset.take(1_002_000, 402_900)).toBe(599_995);
});

test("a clock that was set is followed", () => {
  const offset = new Offset();
  offset.take(5_000, 0);
  let last = 0;
  for (let beat = 0; beat < 30; beat++) last = offset.take(beat, beat);
  expect(last).toBe(0);
});

import { expect, test } from "vitest";
import { freeAfter, pauseFor } from "../src/views/redraw.js";

test("the more lines are to be seen, the less often they are drawn", () => {
  const often = (lines: number) => Math.floor(1_000 / pauseFor(lines));
  expect(often(7)).toBe(30);
  expect(often(8)).toBe(10);
  expect(often(80)).toBe(10);
  expect(often(81)).toBe(4);
  expect(often(24 * 50)).toBe(4);
});

test("drawing has its share, whoever asked for it", () => {
  expect(freeAfter(-Infinity, 1_000, 15)).toBe(1_100);
  // Twice in a row, as a person asked: both count.
  expect(freeAfter(1_100, 1_020, 15)).toBe(1_200);
  // It has waited long enough.
  expect(freeAfter(1_200, 5_000, 15)).toBe(5_100);
});

test("a key that is held keeps what is new from being drawn for a second", () => {
  expect(freeAfter(9_000, 8_000, 100)).toBe(9_100);
});

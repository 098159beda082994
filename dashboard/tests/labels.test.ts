import { expect, test } from "vitest";
import { beside } from "../src/core/labels.js";

const WITHIN = { low: 0, high: 100 };
/** Marks that reach four pixels to each side. */
const at = (...places: number[]) => places.map((x) => ({ low: x - 4, high: x + 4 }));

test("a text stands right of a mark, or left of it where the chart ends", () => {
  const [one, last] = [at(50), at(95)];
  expect(beside(one, one, 20, 2, WITHIN)).toBe(56);
  expect(beside(last, last, 20, 2, WITHIN)).toBe(69);
});

test("a text is over no mark: of neighbours, the first with room has it", () => {
  const some = at(50, 60, 66);
  expect(beside(some, some, 20, 2, WITHIN)).toBe(24);
  const close = at(10, 20, 30, 34);
  expect(beside(close, close, 20, 2, WITHIN)).toBe(40);
});

test("a text stands beside marks that are meant, and is left out without room", () => {
  const [mine, all] = [at(70), [...at(10, 40), ...at(70)]];
  expect(beside(mine, all, 10, 2, WITHIN)).toBe(76);
  expect(beside(mine, [...all, ...at(60, 80)], 10, 2, WITHIN)).toBeNull();
  expect(beside([], [], 10, 2, WITHIN)).toBeNull();
});

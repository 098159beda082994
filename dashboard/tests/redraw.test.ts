import { expect, test } from "vitest";
import { pauseFor } from "../src/views/redraw.js";

test("the more lines are to be seen, the less often they are drawn", () => {
  const often = (lines: number) => Math.floor(1_000 / pauseFor(lines));
  expect(often(7)).toBe(30);
  expect(often(8)).toBe(10);
  expect(often(80)).toBe(10);
  expect(often(81)).toBe(4);
  expect(often(24 * 50)).toBe(4);
});

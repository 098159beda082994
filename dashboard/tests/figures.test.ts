import { expect, test } from "vitest";
import { duration, figure, grouped } from "../src/core/figures.js";

test.each([
  [0.412, "0.412"],
  [0.361, "0.361"],
  [1.08, "1.08"],
  [12_400, "12\u202f400"],
  [-0.71, "−0.71"],
  [3e-7, "3e-7"],
  [-3.14159e-7, "−3.142e-7"],
  [1_207.4, "1\u202f207"],
  [999.97, "1\u202f000"],
  [123_456.789, "123\u202f457"],
  [2.5e12, "2.5e+12"],
  [0, "0"],
  [NaN, "NaN"],
  [-Infinity, "−Infinity"],
  [null, "–"],
  ["warm", "warm"],
])("%s is written as %s", (value, text) => expect(figure(value)).toBe(text));

test("durations are in the largest unit that fits", () => {
  expect([0, 1_400, 59_000, 61_000, 7.3e6, 2e8].map(duration)).toEqual([
    "0 s",
    "1 s",
    "59 s",
    "1 m",
    "2 h",
    "2 d",
  ]);
  expect(grouped(-1_234_567)).toBe("−1\u202f234\u202f567");
});

import type { SessionInfo } from "tailcast";
import { expect, test } from "vitest";
import { perSecond, progress, sparkPath } from "../src/core/rows.js";

const session = (more: Partial<SessionInfo>) =>
  ({ lastStep: null, totalSteps: null, rate: null, status: "running", ...more }) as SessionInfo;

test.each([
  [{}, "–"],
  [{ totalSteps: 250 }, "–/250"],
  [{ lastStep: 5 }, "5"],
  [{ lastStep: 5, totalSteps: 250 }, "5/250"],
  [{ lastStep: 12_400, totalSteps: 50_000 }, "12\u202f400/50\u202f000"],
])("progress of %j is %s", (fields, text) => expect(progress(session(fields))).toBe(text));

test.each([
  [9.8123, "running", "9.8/s"],
  [0.1, "running", "0.1/s"],
  [0.05, "running", "3/m"],
  [0.0005, "running", "1.8/h"],
  [1234, "running", "1\u202f200/s"],
  [0, "running", "–"],
  [null, "running", "–"],
  [9.8, "stalled", "–"],
] as const)("a rate of %s of one that is %s is %s", (rate, status, text) =>
  expect(perSecond(session({ rate, status }))).toBe(text),
);

test("a spark begins anew behind a gap, has dots, and stays in its box", () => {
  expect(sparkPath([0, 1, null, 0.5], 30, 10)).toBe("M0.0 10.0L10.0 0.0M30.0 5.0h2");
  expect(sparkPath([2, 2], 30, 10)).toBe("M0.0 5.0L30.0 5.0");
  expect(sparkPath([-1.7e308, 1.7e308], 30, 10)).toBe("M0.0 10.0L30.0 0.0");
  expect(sparkPath([null], 30, 10)).toBe("");
});

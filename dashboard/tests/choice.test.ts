import { expect, test } from "vitest";
import { choose, groupOf, type Metric, merged, rowsOf } from "../src/core/choice.js";

function metric(name: string, more: Partial<Metric> = {}): Metric {
  return { name, count: 10, min: 0, max: 1, last: 1, ...more };
}

test("what tells most is drawn first, and what is no measurement never", () => {
  const metrics = [
    metric("epoch"),
    metric("pid", { min: 1, max: 9 }),
    metric("eval/loss"),
    metric("lr"),
    metric("constant", { min: 3, max: 3 }),
    metric("startedTime", { min: 1.7e9, max: 1.8e9 }),
    metric("grad_norm"),
    metric("train/accuracy"),
    metric("loss"),
    metric("always_nan", { count: 0, min: null, max: null }),
    metric("aux_loss"),
  ];
  expect(choose(metrics, 20)).toEqual([
    "loss",
    "aux_loss",
    "eval/loss",
    "train/accuracy",
    "grad_norm",
    "epoch",
    "lr",
    "constant",
  ]);
  expect(choose(metrics)).toHaveLength(6);
});

test("a list has stars, then what stands alone, then groups", () => {
  const names = ["a", "eval/x", "time/a", "time/b", "zoo/1", "zoo/2"];
  const open = { filter: "", stars: new Set<string>(), isClosed: () => false };
  expect(rowsOf(names, open)).toEqual([
    { metric: "a" },
    { metric: "eval/x" },
    { group: "time", of: 2, isOpen: true },
    { metric: "time/a" },
    { metric: "time/b" },
    { group: "zoo", of: 2, isOpen: true },
    { metric: "zoo/1" },
    { metric: "zoo/2" },
  ]);
  const isClosed = (group: string) => group === "time";
  expect(rowsOf(names, { ...open, stars: new Set(["zoo/1"]), isClosed })).toEqual([
    { metric: "zoo/1" },
    { metric: "a" },
    { metric: "eval/x" },
    { metric: "zoo/2" },
    { group: "time", of: 2, isOpen: false },
  ]);
  // What is sought is seen, closed or not.
  expect(rowsOf(names, { ...open, filter: " TIME/ ", isClosed })).toEqual([
    { group: "time", of: 2, isOpen: true },
    { metric: "time/a" },
    { metric: "time/b" },
  ]);
});

test.each([
  ["loss", ""],
  ["time/step", "time"],
  ["val.acc", "val"],
  ["a/b/c", "a"],
  ["/x", ""],
  ["x/", ""],
])("the group of %s", (name, group) => expect(groupOf(name)).toBe(group));

test("the metrics of several sessions are each there once, with all that they reached", () => {
  const one = [metric("loss", { min: 0, max: 2 }), metric("lr")];
  const other = [metric("loss", { count: 5, min: -1, max: null })];
  const none = metric("loss", { count: 0, min: null, max: null });
  expect(merged([one, other])).toEqual([
    metric("loss", { count: 15, min: -1, max: 2 }),
    metric("lr"),
  ]);
  expect(merged([[none], [none]])).toEqual([none]);
});

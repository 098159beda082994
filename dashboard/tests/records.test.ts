import { describe, expect, test } from "vitest";
import { namesFor, numberOf, valueIn } from "../src/core/records.js";

test.each<[unknown, number | undefined]>([
  [0.5, 0.5],
  [NaN, NaN],
  ["8.700", 8.7],
  ["3e-05", 3e-5],
  ["nan", NaN],
  ["-inf", -Infinity],
  [null, NaN],
  ["007", undefined],
  ["0.5 ms", undefined],
  [true, undefined],
  [[1], undefined],
])("%j as a metric", (value, number) => expect(numberOf(value)).toBe(number));

describe("a metric is found", () => {
  test.each<[string, Record<string, unknown>, number | undefined]>([
    ["loss", { loss: 1, telemetry: { loss: 2 } }, 1],
    ["phi", { telemetry: { phi: 0.7 } }, 0.7],
    ["val.acc", { val: { acc: 0.5 } }, 0.5],
    ["val.acc", { "val.acc": 1, val: { acc: 2 } }, 1],
    ["val.acc", { data: { val: { acc: 0.5 } } }, 0.5],
    ["data.loss", { loss: 1, data: { loss: 2 } }, 2],
    ["loss", { payload: { metrics: { loss: 3 } } }, 3],
    ["loss", { record: { extra: { loss: "4" } } }, 4],
    ["loss", { name: "loss", value: 5 }, 5],
    ["lr", { name: "loss", value: 5 }, undefined],
    ["loss", { name: "loss", value: "high" }, undefined],
    ["loss", { loss: null }, NaN],
    ["toString", {}, undefined],
    ["a.b", { a: 1 }, undefined],
  ])("%s in %j", (metric, record, value) => expect(valueIn(record, metric)).toBe(value));
});

test("a subscription names metrics where records like these have them", () => {
  expect(namesFor(["loss"], [{ loss: 1 }, { telemetry: { loss: 1 } }])).toEqual(["loss"]);
  expect(namesFor(["loss"], [{ data: { loss: 1 } }])).toEqual(["loss", "data.loss"]);
  expect(namesFor(["loss"], [{ name: "loss", value: 1, step: 2 }])).toEqual([
    "loss",
    "name",
    "value",
  ]);
  // More than a subscription takes, or none: whole records.
  const many = Array.from({ length: 60 }, (_, at) => `m${at}`);
  expect(namesFor(many, [{ data: {} }])).toBeUndefined();
  expect(namesFor([], [])).toBeUndefined();
  expect(namesFor(["loss", ""], [])).toBeUndefined();
});

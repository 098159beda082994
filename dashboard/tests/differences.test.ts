import { describe, expect, test } from "vitest";
import { differences, flatten } from "../src/core/differences.js";

describe("a configuration", () => {
  test("has one level, by the paths to its values", () => {
    const { values, leftOut } = flatten({
      lr: 3e-4,
      name: "base",
      model: { layers: 2, sizes: [1, 2], extra: {}, none: null },
    });
    expect([...values]).toEqual([
      ["lr", "0.0003"],
      ["name", "base"],
      ["model.layers", "2"],
      ["model.sizes", "[1,2]"],
      ["model.extra", "{}"],
      ["model.none", "null"],
    ]);
    expect(leftOut).toBe(0);
  });

  test("says how many keys it has beyond the bound, and is not followed without end", () => {
    const many = Object.fromEntries(Array.from({ length: 2_003 }, (_, at) => [`k${at}`, at]));
    expect(flatten(many).leftOut).toBe(3);
    let deep: object = { end: 1 };
    for (let at = 0; at < 20; at++) deep = { in: deep };
    const [[key, value]] = [...flatten(deep).values] as [[string, string]];
    expect(key.split(".")).toHaveLength(8);
    expect(value).toContain('"end":1');
  });

  test.each([null, 3, "text", [1], {}])("%j has no keys", (config) => {
    expect(flatten(config).values.size).toBe(0);
  });
});

test("what differs is told key by key, the rest is counted", () => {
  const { rows, same, leftOut } = differences([
    { lr: 1, bs: 256, model: { layers: 2 } },
    { lr: 2, bs: 256, model: { layers: 2 }, seed: 0 },
    null,
  ]);
  expect(rows).toEqual([
    { key: "bs", values: ["256", "256", null] },
    { key: "lr", values: ["1", "2", null] },
    { key: "model.layers", values: ["2", "2", null] },
    { key: "seed", values: [null, "0", null] },
  ]);
  expect(same).toBe(0);
  expect(leftOut).toBe(0);
  expect(differences([{ a: 1 }, { a: 1 }])).toEqual({ rows: [], same: 1, leftOut: 0 });
});

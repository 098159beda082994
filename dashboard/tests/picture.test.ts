import fc from "fast-check";
import type { Series } from "tailcast";
import { describe, expect, test } from "vitest";
import { misfit, Picture, type Point } from "../src/core/picture.js";

const WHOLE = { from: null, to: null };

function seriesOf(rows: Partial<Series["series"][string]>, more: Partial<Series> = {}): Series {
  const x = rows.x ?? [];
  return {
    sessionId: "run",
    x: "step",
    of: x.length,
    bucket: 1,
    indexedTo: null,
    cursor: "1-0-0",
    gaps: [],
    rewinds: [],
    series: {
      loss: {
        x,
        min: x.map(() => 0),
        max: x.map(() => 1),
        mean: x.map(() => 0.5),
        count: x.map(() => 1),
        nonfinite: [],
        ...rows,
      },
    },
    ...more,
  };
}

function point(step: number | null, loss: number, time: number | null = null): Point {
  return { step, time, values: new Map([["loss", loss]]) };
}

describe("a picture", () => {
  test("has what the server drew and what came, each record once, wherever they meet", () => {
    const count = fc.integer({ min: 0, max: 60 });
    fc.assert(
      fc.property(count, fc.array(fc.integer({ min: 1, max: 7 })), (stored, batches) => {
        const x = Array.from({ length: stored }, (_, at) => at);
        const picture = Picture.of(seriesOf({ x, mean: x, min: x, max: x }), ["loss"]);
        let next = stored;
        for (const size of batches) {
          const points = Array.from({ length: size }, (_, at) => point(next + at, next + at));
          expect(picture.add(points, next)).toBe(false);
          next += size;
        }
        const curve = picture.curves.get("loss")!;
        expect(picture.of).toBe(next);
        expect([...curve.x]).toEqual(Array.from({ length: next }, (_, at) => at));
        expect(curve.mean).toEqual(curve.x);
        expect(picture.extent).toEqual(next === 0 ? null : { low: 0, high: next - 1 });
      }),
    );
  });

  test("puts what comes into rows as wide as the server's, and the last value alone", () => {
    const x = [9, 19, 29, 39];
    const series = seriesOf({ x, count: [10, 10, 10, 10] }, { of: 40, bucket: 10 });
    const picture = Picture.of(series, ["loss"]);
    for (let step = 40; step < 60; step++) picture.add([point(step, step)], step);
    const curve = picture.curves.get("loss")!;
    expect(curve.values).toBe(60);
    expect(curve.x.length).toBeLessThan(10);
    expect([curve.mean.at(-1), curve.count.at(-1)]).toEqual([59, 1]);
  });

  test("is along the number of the record, which is the session's and not the window's", () => {
    const window = { from: 2, to: 3 };
    const picture = new Picture(["loss"], "record", window);
    picture.add(
      [1, 2, 3, 4].map((value) => point(null, value)),
      1,
    );
    expect([...picture.curves.get("loss")!.x]).toEqual([2, 3]);
    expect(picture.of).toBe(4);
  });

  test("holds a record without a step where the run is, and says where a step fell", () => {
    const picture = new Picture(["loss"], "step", WHOLE);
    expect(picture.add([point(null, 0), point(5, 1), point(null, 2)], 0)).toBe(false);
    expect(picture.add([point(3, 3)], 3)).toBe(true);
    const curve = picture.curves.get("loss")!;
    expect([[...curve.x], curve.unplaced, picture.x]).toEqual([[5, 5, 5], 1, 5]);
  });

  test("along times it takes times", () => {
    const picture = new Picture(["loss"], "time", WHOLE);
    picture.add([point(1, 1, 1_000)], 0);
    expect([...picture.curves.get("loss")!.x]).toEqual([1_000]);
  });

  test("has no more of a file that began anew, and says so", () => {
    const picture = Picture.of(seriesOf({ x: [1, 2, 3] }), ["loss"]);
    picture.clear("began anew");
    picture.add([point(1, 7)], 0);
    expect([...picture.curves.get("loss")!.mean]).toEqual([7]);
    expect([picture.of, picture.marks]).toEqual([
      1,
      [{ kind: "rewind", x: null, text: "began anew" }],
    ]);
  });

  test("breaks its lines at a gap, and marks the place", () => {
    const picture = Picture.of(seriesOf({ x: [1, 2] }), ["loss"]);
    picture.gap("trimmed");
    picture.add([point(3, 1)], 2);
    expect(picture.curves.get("loss")!.breaks).toEqual([2]);
    expect(picture.marks).toEqual([
      { kind: "gap", x: 2, text: "missing: trimmed from the broker" },
    ]);
  });

  test("has the marks and the odd values that the server told", () => {
    const series = seriesOf(
      {
        x: [null, 1],
        count: [2, 1],
        nonfinite: [
          [1, "NaN", 3],
          [null, "NaN", 1],
        ],
      },
      {
        gaps: [{ from: "1-0-0", to: "1-1-0", reason: "trimmed" }],
        gapsLeftOut: 4,
        rewinds: [{ x: 1, cursor: "1-1-0", step: 1, before: 9 }],
      },
    );
    const picture = Picture.of(series, ["loss", "lr"]);
    const curve = picture.curves.get("loss")!;
    expect([curve.unplaced, curve.odd]).toEqual([3, [{ x: 1, kind: "NaN", count: 3 }]]);
    expect(curve.last).toBe(0.5);
    expect(picture.curves.get("lr")!.values).toBe(0);
    expect(picture.marks).toEqual([
      { kind: "gap", x: null, text: "5 × missing: trimmed from the broker" },
      { kind: "rewind", x: 1, text: "went on at step 1 after 9" },
    ]);
  });

  test("has a gap where the server told of no finite value", () => {
    const nonfinite: [number | null, string, number][] = [
      [2, "NaN", 3],
      [4, "NaN", 1],
      [5, "NaN", 2],
    ];
    const picture = Picture.of(seriesOf({ x: [1, 2, 3, 6], nonfinite }), ["loss"]);
    const curve = picture.curves.get("loss")!;
    expect([curve.breaks, curve.odd.map(({ x }) => x)]).toEqual([[3], [2, 4, 5]]);
    picture.add([point(7, NaN), point(8, 1)], 4);
    expect(curve.breaks).toEqual([3, 4]);
  });

  test("ends with what is no finite number, if the run does", () => {
    const series = seriesOf({ x: [1, 2], nonfinite: [[3, "-Infinity", 1]] });
    expect(Picture.of(series, ["loss"]).curves.get("loss")!.last).toBe(-Infinity);
  });

  test("stands still as a copy", () => {
    const picture = Picture.of(seriesOf({ x: [1, 2] }), ["loss"]);
    const copy = picture.copy();
    picture.add([point(3, 1)], 2);
    expect([copy.of, copy.x, copy.curves.get("loss")!.values]).toEqual([2, 2, 2]);
  });
});

test.each<[string, Series, string | null]>([
  ["rises", seriesOf({ x: [1, 2, 3] }), null],
  ["nothing", seriesOf({ x: [] }), null],
  ["is nowhere", seriesOf({ x: [null, null] }), "no record has a step"],
  ["is one", seriesOf({ x: [5, 5, 5] }), "all records have the same step"],
  ["is one in one row", seriesOf({ x: [5], count: [3] }), "all records have the same step"],
  ["is one of two values", seriesOf({ x: [5, 5] }), null],
  ["goes on with what is no number", seriesOf({ x: [5], nonfinite: [[6, "NaN", 1]] }), null],
  ["falls", seriesOf({ x: [1, 9, 2, 9, 3, 9, 4] }), "steps go backwards 3 times"],
  [
    "falls where the server knows why",
    seriesOf(
      { x: [1, 9, 2, 9, 3, 9, 4] },
      { rewinds: [{ x: 2, cursor: "1-1-0", step: 2, before: 9 }] },
    ),
    null,
  ],
  ["is the record's number", seriesOf({ x: [0, 1] }, { x: "record" }), null],
  ["is a time", seriesOf({ x: [null] }, { x: "time" }), "no record has a time"],
])("an axis that %s", (_, series, why) => expect(misfit(series)).toBe(why));

import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { around, Curve, edges, rowAt, smooth, upright } from "../src/core/curve.js";

describe("a curve", () => {
  test("stands for each value once, with its extremes, however many there are", () => {
    const steps = fc.array(fc.nat(50), { minLength: 1, maxLength: 400 });
    fc.assert(
      fc.property(steps, fc.integer({ min: 8, max: 64 }), (gaps, most) => {
        const curve = new Curve(most);
        let x = 0;
        const values = gaps.map((gap, at) => {
          x += gap;
          const value = Math.sin(at * 7.3) * at;
          curve.add(x, value);
          return value;
        });
        expect(curve.x.length).toBeLessThanOrEqual(most);
        expect(curve.values).toBe(values.length);
        expect(Math.min(...curve.min)).toBe(Math.min(...values));
        expect(Math.max(...curve.max)).toBe(Math.max(...values));
        const sum = curve.mean.reduce((all, mean, at) => all + mean * curve.count[at]!, 0);
        expect(sum).toBeCloseTo(values.reduce((all, value) => all + value, 0));
        expect([...curve.x].sort((one, other) => one - other)).toEqual([...curve.x]);
        expect(curve.x.at(-1)).toBe(x);
        expect(curve.mean.at(-1)).toBe(curve.last);
      }),
    );
  });

  test("begins a new line where it is told to, and where its place falls", () => {
    const curve = new Curve();
    for (const x of [1, 2, 1, 2]) curve.add(x, x);
    curve.break();
    curve.add(3, 3);
    expect(curve.breaks).toEqual([2, 4]);
    // Not before the first one.
    const empty = new Curve();
    empty.break();
    empty.add(1, 1);
    expect(empty.breaks).toEqual([]);
  });

  test("never puts together what is before and behind the beginning of a line", () => {
    const curve = new Curve(20);
    for (let step = 0; step < 100; step++) curve.add(step, 1);
    for (let step = 50; step < 150; step++) curve.add(step, 100);
    const [start] = curve.breaks;
    expect(curve.breaks).toHaveLength(1);
    expect(Math.max(...curve.max.slice(0, start))).toBe(1);
    expect(Math.min(...curve.min.slice(start))).toBe(100);
  });

  test("has what is no finite number apart, and is bounded in that too", () => {
    const curve = new Curve();
    curve.add(1, NaN);
    curve.add(2, -Infinity);
    expect([...curve.x]).toEqual([]);
    expect(curve.odd).toEqual([
      { x: 1, kind: "NaN", count: 1 },
      { x: 2, kind: "-Infinity", count: 1 },
    ]);
    expect(curve.last).toBe(-Infinity);
    for (let step = 3; step <= 10_000; step++) curve.add(step, NaN);
    expect(curve.odd.length).toBeLessThanOrEqual(200);
    expect(curve.odd.reduce((all, { count }) => all + count, 0)).toBe(10_000);
  });

  test("has a gap where there is no finite value, and none where there is one", () => {
    const curve = new Curve();
    const values = [1, 2, NaN, NaN, 3, Infinity, 4, 5];
    for (const [step, value] of values.entries()) curve.add(step, value);
    expect([...curve.x]).toEqual([0, 1, 4, 6, 7]);
    expect(curve.breaks).toEqual([2, 3]);
    // At a place that has one besides there is no gap.
    const both = new Curve();
    for (const value of [1, NaN, 2]) both.add(7, value);
    expect(both.breaks).toEqual([]);
  });

  test("has no gap within rows that stand for many values", () => {
    const curve = new Curve();
    for (let row = 0; row < 10; row++) curve.addRow(row * 100, 1, 1, 1, 100);
    curve.widen();
    for (let step = 1_000; step < 2_000; step++) curve.add(step, step % 10 === 0 ? NaN : 1);
    expect(curve.breaks).toEqual([]);
    for (let step = 2_000; step < 2_500; step++) curve.add(step, NaN);
    curve.add(2_500, 1);
    expect(curve.breaks).toEqual([curve.x.length - 1]);
  });

  test("is bounded however often it falls back, or is no finite number", () => {
    const kinds = fc.array(fc.integer({ min: -20, max: 20 }), { maxLength: 2_000 });
    fc.assert(
      fc.property(kinds, fc.integer({ min: 8, max: 64 }), (steps, most) => {
        const curve = new Curve(most);
        for (const step of steps) curve.add(Math.abs(step), step < 0 ? NaN : step);
        expect(curve.x.length).toBeLessThanOrEqual(most);
        expect(curve.values).toBe(steps.filter((step) => step >= 0).length);
        expect(curve.breaks.every((at) => at > 0 && at < curve.x.length)).toBe(true);
      }),
    );
  });

  test("counts what comes before the first place on the axis", () => {
    const curve = new Curve();
    curve.add(null, 1);
    expect([curve.unplaced, curve.values]).toEqual([1, 0]);
  });

  test("is another one once it was copied", () => {
    const curve = new Curve();
    curve.add(1, 1);
    const copy = curve.copy(Infinity);
    curve.add(2, NaN);
    curve.add(1, 2);
    expect([[...copy.x], copy.odd, copy.breaks, copy.last]).toEqual([[1], [], [], 1]);
  });

  test("finds the row at a place, the latest of those that have it", () => {
    const curve = new Curve();
    for (const [x, value] of [
      [0, 1],
      [10, 2],
      [20, 3],
      [10, 4],
    ] as const) {
      curve.add(x, value);
    }
    expect([-1, 5, 10, 25].map((x) => rowAt(curve, x))).toEqual([-1, 0, 3, 2]);
  });

  test("knows its heights within a window, above zero where that is asked", () => {
    const curve = new Curve();
    curve.addRow(1, -5, 5, 0, 2);
    curve.addRow(2, 1, 2, 1.5, 2);
    curve.addRow(3, 50, 60, 55, 2);
    const window = { from: 0, to: 2 };
    expect(upright(curve, window, false)).toEqual({ low: -5, high: 5 });
    expect(upright(curve, window, true)).toEqual({ low: 1, high: 5 });
    expect(upright(curve, { from: 9, to: 10 }, false)).toBeNull();
  });
});

describe("what is around a place", () => {
  const curveOf = (...rows: [x: number, count: number][]) => {
    const curve = new Curve();
    for (const [x, count] of rows) curve.addRow(x, 0, 0, 0, count);
    return curve;
  };
  const every = (apart: number) =>
    curveOf(...Array.from({ length: 1_000 }, (_, at): [number, number] => [at * apart, 1]));

  test("is as many records on both sides, however far they are apart", () => {
    expect(around(every(1), 500)).toEqual({ from: 401, to: 600 });
    expect(around(every(50), 25_010)).toEqual({ from: 20_050, to: 30_000 });
  });

  test("is a part of rows that stand for many records", () => {
    const curve = curveOf([0, 1], [10_000, 1_000], [20_000, 1_000]);
    expect(around(curve, 15_000)).toEqual({ from: 14_500, to: 15_500 });
  });

  test("is open where the run begins or ends before", () => {
    expect(around(every(1), 30)).toEqual({ from: null, to: 130 });
    expect(around(every(1), 5_000)).toEqual({ from: 900, to: null });
    expect(around(curveOf([1, 1], [2, 1]), 1)).toEqual({ from: null, to: null });
    expect(around(curveOf(), 1)).toEqual({ from: null, to: null });
  });

  test("is of the line that the run took last", () => {
    const twice = curveOf(
      ...Array.from({ length: 300 }, (_, at): [number, number] => [at, 1]),
      ...Array.from({ length: 300 }, (_, at): [number, number] => [at + 250, 1]),
    );
    expect(around(twice, 260)).toEqual({ from: 162, to: 360 });
  });
});

test("smoothing begins anew with each line, and leaves what never changes", () => {
  expect([...smooth(new Float64Array([4, 4, 4]), [], 0.9)]).toEqual([4, 4, 4]);
  const smoothed = smooth(new Float64Array([0, 1, 100, 100]), [2], 0.5);
  expect(smoothed[1]).toBeCloseTo(2 / 3);
  expect([...smoothed.slice(2)]).toEqual([100, 100]);
});

describe("the line of a part of a run goes on to its edges", () => {
  const curveOf = (...values: (number | null)[]) => {
    const curve = new Curve();
    for (const [x, value] of values.entries()) if (value !== null) curve.add(x, value);
    return curve;
  };
  /** The values at the edges of that part. */
  const edgesOf = (whole: Curve, low: number, high: number, isLog = false) => {
    const curve = new Curve();
    for (const [at, x] of whole.x.entries()) {
      if (x >= low && x <= high) curve.add(x, whole.mean[at]!);
    }
    return edges(curve, whole, { low, high }, isLog);
  };

  test("on its way to the records next to it, if there are some", () => {
    const whole = curveOf(4, null, 8, 9, null, null, 12, 10);
    expect(edgesOf(whole, 1, 5)).toEqual([6, 11]);
    expect(edgesOf(whole, 0, 5)).toEqual([null, 11]);
    expect(edgesOf(whole, 0, 7)).toEqual([null, null]);
    expect(edgesOf(whole, 4, 5)).toEqual([]);
  });

  test("straight where the axis of values is logarithmic too", () => {
    expect(edgesOf(curveOf(1, null, 100, null, 1), 1, 3, true)).toEqual([10, 10]);
    expect(edgesOf(curveOf(0, null, 100, null, -1), 1, 3, true)).toEqual([null, null]);
  });

  test("not over what is no number, nor to what is told with others", () => {
    expect(edgesOf(curveOf(5, 6, Number.NaN, 7, Number.NaN, 8), 3, 3)).toEqual([null, null]);
    const odd = new Curve();
    odd.add(3, 7);
    odd.addOdd({ x: 4, kind: "NaN", count: 1 });
    const ends = edges(odd, curveOf(5, 6, 6, 7, 8, 9), { low: 3, high: 4 }, false);
    expect(ends).toEqual([7, null]);
    const rolled = new Curve();
    for (const x of [9, 19, 29]) rolled.addRow(x, 0, 2, 1, 10);
    expect(edgesOf(rolled, 10, 20)).toEqual([null, null]);
  });
});

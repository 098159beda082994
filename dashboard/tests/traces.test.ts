import fc from "fast-check";
import { expect, test } from "vitest";
import { bars, trace } from "../src/core/traces.js";

const same = (value: number) => value;
const down = (value: number) => 100 - value;
/** Places that never fall, some of them in one column of pixels, and values. */
const line = fc
  .array(
    fc.tuple(fc.double({ min: 0, max: 3, noNaN: true }), fc.integer({ min: 0, max: 99 })),
    {
      minLength: 1,
      maxLength: 80,
    },
  )
  .map((rows) => {
    let x = 0;
    return rows.map(([gap, y]) => {
      x += gap;
      return { x, y };
    });
  });
const traced = (rows: readonly { x: number; y: number }[]) =>
  trace(
    rows.map(({ x }) => x),
    rows.map(({ y }) => y),
    [0, rows.length],
    same,
    down,
  );

/** The values in each column of pixels. */
function byColumn(places: readonly { x: number; y: number }[]): Map<number, number[]> {
  const columns = new Map<number, number[]>();
  for (const { x, y } of places) {
    const column = Math.floor(x);
    columns.set(column, [...(columns.get(column) ?? []), y]);
  }
  return columns;
}

test("a line has the lowest and the highest of each column, and no more", () => {
  fc.assert(
    fc.property(line, (rows) => {
      const { points } = traced(rows);
      const seen = byColumn(
        points.filter((_, at) => at % 2 === 0).map((x, at) => ({ x, y: points[2 * at + 1]! })),
      );
      const meant = byColumn(rows.map(({ x, y }) => ({ x, y: down(y) })));
      expect([...seen.keys()]).toEqual([...meant.keys()]);
      for (const [column, some] of seen) {
        const values = meant.get(column)!;
        expect(some.length).toBeLessThanOrEqual(2);
        expect(Math.min(...some)).toBe(Math.min(...values));
        expect(Math.max(...some)).toBe(Math.max(...values));
      }
    }),
  );
});

test("a part of the rows is traced, and how far it goes up and down", () => {
  const x = [0, 10, 20, 30];
  const y = [5, 1, 4, 9];
  expect(trace(x, y, [1, 4], same, same)).toEqual({ points: [10, 1, 20, 4, 30, 9], travel: 8 });
  expect(trace(x, y, [2, 2], same, same)).toEqual({ points: [], travel: 0 });
  expect(bars({ points: [], travel: 0 }).top).toHaveLength(0);
});

test("bars cover each place of a line, and leave no gap between columns", () => {
  fc.assert(
    fc.property(line, (rows) => {
      const whole = traced(rows);
      const { first, top, bottom } = bars(whole);
      const { points } = whole;
      expect(first + top.length - 1).toBe(Math.floor(points.at(-2)!));
      for (let at = 0; at < points.length; at += 2) {
        const column = Math.floor(points[at]!) - first;
        expect(top[column]).toBeLessThanOrEqual(points[at + 1]!);
        expect(bottom[column]).toBeGreaterThanOrEqual(points[at + 1]!);
      }
      for (let at = 1; at < top.length; at++) {
        expect(top[at]).toBeLessThanOrEqual(bottom[at - 1]! + 1e-9);
        expect(bottom[at]).toBeGreaterThanOrEqual(top[at - 1]! - 1e-9);
      }
      const ys = points.filter((_, at) => at % 2 === 1);
      expect(Math.min(...top)).toBeCloseTo(Math.min(...ys));
      expect(Math.max(...bottom)).toBeCloseTo(Math.max(...ys));
    }),
  );
});

test("a line that falls from column to column covers its part of each", () => {
  const { top, bottom } = bars({ points: [0.5, 0, 2.5, 20], travel: 20 });
  expect([...top]).toEqual([0, 5, 15]);
  expect([...bottom]).toEqual([5, 15, 20]);
});

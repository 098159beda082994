import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Extent, moved, pad, pulled, rounded, spanOf, spread } from "../src/core/spans.js";

test("a window is made wider, closer and moved, and stays within the run", () => {
  const whole = { low: 0, high: 100 };
  const window = { low: 40, high: 60 };
  expect(moved(window, whole, 0.5, 0)).toEqual({ from: 45, to: 55 });
  expect(moved(window, whole, 2, 0)).toEqual({ from: 30, to: 70 });
  expect(moved(window, whole, 1, 0.25)).toEqual({ from: 45, to: 65 });
  expect(moved({ low: 90, high: 100 }, whole, 1, 1)).toEqual({ from: 90, to: 100 });
  expect(moved(window, whole, 8, 0)).toEqual({ from: null, to: null });
  expect(rounded(1.23456789, 2.3456789)).toEqual({ from: 1.235, to: 2.346 });
  expect(rounded(638_891.3, 669_442.9)).toEqual({ from: 638_890, to: 669_440 });
});

test("what fingers touched stays beneath them, and the window within the run", () => {
  const whole = { low: 0, high: 100 };
  const window = { low: 40, high: 60 };
  // One pulls it along, as far as the run goes.
  expect(pulled(window, whole, [{ was: 0.5, is: 0.25 }])).toEqual({ low: 45, high: 65 });
  expect(pulled(window, whole, [{ was: 0, is: 9 }])).toEqual({ low: 0, high: 20 });
  expect(pulled(whole, whole, [{ was: 0.5, is: 0.25 }])).toEqual(whole);
  // Two make it closer or wider, whichever came first.
  const apart = [
    { was: 0.6, is: 0.7 },
    { was: 0.4, is: 0.3 },
  ];
  expect(pulled(window, whole, apart).low).toBeCloseTo(45);
  expect(pulled(window, whole, apart).high).toBeCloseTo(55);
  const together = [
    { was: 0, is: 0.5 },
    { was: 1, is: 0.5 },
  ];
  expect(pulled(window, whole, together)).toEqual(whole);
  expect(pulled(window, whole, [])).toEqual(window);
});

test("a window that is all there is, or nearly, is an open one", () => {
  const whole = { low: 0.1, high: 0.7 };
  expect(spanOf(whole, whole)).toEqual({ from: null, to: null });
  expect(spanOf({ low: 0.1, high: 0.4 }, whole)).toEqual({ from: 0.1, to: 0.4 });
});

describe("an axis", () => {
  const TICKS = 100;
  const double = (min: number, max: number) =>
    // Smaller ones than these are no doubles of full length.
    fc.double({ min, max, noNaN: true }).map((value) => (Math.abs(value) < 1e-290 ? 0 : value));
  const value = fc.oneof(double(-1e300, 1e300), double(-2, 2), fc.maxSafeInteger());
  const apart = fc.oneof(fc.constantFrom(0, 1, 2, 5), double(0, 1e9));

  function tells({ low, high }: Extent): void {
    const tick = (high - low) / TICKS;
    expect(low + tick).toBeGreaterThan(low);
    expect(high - tick).toBeLessThan(high);
  }

  test("tells its ticks apart, however close its ends are", () => {
    fc.assert(
      fc.property(value, apart, (low, more) => {
        const ulps = low + more * (Math.abs(low) * Number.EPSILON);
        for (const high of [low + more, ulps]) {
          tells(spread(low, high));
          tells(pad({ low, high }));
        }
      }),
    );
  });

  test("has room where values differ by their rounding alone", () => {
    const { low, high } = pad({ low: 1, high: 1.0000000000000002 });
    expect(low).toBeCloseTo(0.9);
    expect(high).toBeCloseTo(1.1);
    expect(spread(2 ** 53 - 1, 2 ** 53 - 1).low).toBeLessThan(2 ** 53 - 1000);
  });

  test("is as long as what it shows", () => {
    expect(spread(3, 7)).toEqual({ low: 3, high: 7 });
    expect(spread(5, 5)).toEqual({ low: 4.5, high: 5.5 });
    expect(pad({ low: 0, high: 100 })).toEqual({ low: -6, high: 106 });
    expect(pad({ low: 0, high: 0 })).toEqual({ low: -1.1, high: 1.1 });
  });
});

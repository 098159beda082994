// Lines on a grid of pixels: of what falls into one column of pixels no more than is seen.

/** A value on the canvas, in its pixels. */
export type Scale = (value: number) => number;
/** Rows from and up to which an unbroken line goes. */
export type Part = readonly [start: number, end: number];

export interface Trace {
  /** x, y, x, y, …: where the line turns. */
  readonly points: number[];
  /** How far it goes up and down in all, pixels. */
  readonly travel: number;
}

/** A line through rows: of those in one column of pixels the lowest and the highest. */
export function trace(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  [start, end]: Part,
  along: Scale,
  up: Scale,
): Trace {
  const points: number[] = [];
  let travel = 0;
  let column = Number.NaN;
  let low = start;
  let high = start;
  const add = (at: number) => {
    const yAt = up(y[at]!);
    if (points.length > 0) travel += Math.abs(yAt - points.at(-1)!);
    points.push(along(x[at]!), yAt);
  };
  const close = () => {
    add(Math.min(low, high));
    if (low !== high) add(Math.max(low, high));
  };
  for (let at = start; at < end; at++) {
    const next = Math.floor(along(x[at]!));
    if (next !== column) {
      if (at > start) close();
      column = next;
      low = high = at;
    } else if (y[at]! < y[low]!) low = at;
    else if (y[at]! > y[high]!) high = at;
  }
  if (end > start) close();
  return { points, travel };
}

/** What a line covers of each column of pixels, from its first column on. */
export interface Bars {
  readonly first: number;
  readonly top: Float64Array;
  readonly bottom: Float64Array;
}

/**
 * The columns that a line goes through. Where it goes up and down in each of them it looks
 * the same so, and costs a fraction: no outline of a stroke is made.
 */
export function bars({ points }: Trace): Bars {
  const first = Math.floor(points[0] ?? 0);
  const last = Math.floor(points.at(-2) ?? -1);
  const top = new Float64Array(Math.max(0, last - first + 1)).fill(Infinity);
  const bottom = new Float64Array(top.length).fill(-Infinity);
  const cover = (column: number, y: number) => {
    const at = column - first;
    top[at] = Math.min(top[at]!, y);
    bottom[at] = Math.max(bottom[at]!, y);
  };
  for (let at = 0; at < points.length; at += 2) {
    const x = points[at]!;
    const y = points[at + 1]!;
    const column = Math.floor(x);
    cover(column, y);
    if (at === 0) continue;
    const slope = (y - points[at - 1]!) / (x - points[at - 2]!);
    for (let edge = Math.floor(points[at - 2]!) + 1; edge <= column; edge++) {
      const between = y + (edge - x) * slope;
      cover(edge - 1, between);
      cover(edge, between);
    }
  }
  return { first, top, bottom };
}

// A curve: one metric row by row, as it is drawn, and never more rows than a bound.

import { type Extent, isWithin, rounded, type Span, widen } from "./spans.js";

/** Values that are no finite numbers. */
export interface Odd {
  readonly x: number;
  /** `NaN`, `Infinity` or `-Infinity`. */
  readonly kind: string;
  readonly count: number;
}

const MAX_ODD = 200;

/** What is said of each row of a curve. */
const COLUMNS = ["x", "min", "max", "mean", "count"] as const;
type ColumnName = (typeof COLUMNS)[number];

/** One metric, column by column, in the order of the file. */
export class Curve {
  /** The rows with which a line begins anew. */
  breaks: number[] = [];
  odd: Odd[] = [];
  /** The latest value, whatever it is; undefined before the first one. */
  last: number | undefined;
  /** How many values are before the first place on the axis: they are not drawn. */
  unplaced = 0;
  readonly #most: number;
  // They have all the room that there will be: nothing is copied as rows come.
  readonly #columns: Readonly<Record<ColumnName, Float64Array>>;
  #rows = 0;
  #breaksNext = false;
  // Where the last value that is no finite number was, since the last row.
  #oddAt = -Infinity;
  // How wide rows are: what comes behind is put into rows that are as wide. 0: each its own.
  #width = 0;

  /** `most`: how many rows it has at most. */
  constructor(most = 2_000) {
    this.#most = most;
    const column = () => new Float64Array(most + 1);
    this.#columns = {
      x: column(),
      min: column(),
      max: column(),
      mean: column(),
      count: column(),
    };
  }

  get x(): Float64Array {
    return this.#column("x");
  }

  get min(): Float64Array {
    return this.#column("min");
  }

  get max(): Float64Array {
    return this.#column("max");
  }

  get mean(): Float64Array {
    return this.#column("mean");
  }

  /** For how many records each row stands. */
  get count(): Float64Array {
    return this.#column("count");
  }

  /** How many values it stands for. */
  get values(): number {
    return this.count.reduce((sum, count) => sum + count, 0);
  }

  #column(name: ColumnName): Float64Array {
    return this.#columns[name].subarray(0, this.#rows);
  }

  /**
   * As it is now, up to the last row at a place or before it: what comes to the one is not in
   * the other.
   */
  copy(until: number): Curve {
    const copy = new Curve(this.#most);
    for (const name of COLUMNS) copy.#columns[name].set(this.#column(name));
    const rows = this.x.findLastIndex((x) => x <= until) + 1;
    copy.#rows = rows;
    copy.breaks = this.breaks.filter((row) => row < rows);
    const end = this.odd.findLastIndex(({ x }) => x <= until) + 1;
    copy.odd = this.odd.slice(0, end);
    const isWhole = rows === this.#rows && end === this.odd.length;
    copy.last = isWhole ? this.last : lastTold(copy);
    copy.unplaced = this.unplaced;
    copy.#width = this.#width;
    return copy;
  }

  /** The next row begins a new line. */
  break(): void {
    this.#breaksNext = this.#rows > 0;
  }

  /** Add a record's value behind the others. */
  add(x: number | null, value: number): void {
    this.last = value;
    if (x === null) this.unplaced += 1;
    else if (!Number.isFinite(value)) this.addOdd({ x, kind: String(value), count: 1 });
    else this.addRow(x, value, value, value, 1);
  }

  addRow(x: number, min: number, max: number, mean: number, count: number): void {
    this.#close();
    const at = this.#rows;
    const before = at > 0 ? this.#columns.x[at - 1]! : x;
    // A line never runs backwards, nor over a place where there was no finite value.
    if (this.#breaksNext || x < before || this.#isOddBetween(before, x)) {
      this.breaks.push(at);
      // Rows could not be put together if all of them began a line.
      if (this.breaks.length > this.#most / 4) this.breaks.shift();
    }
    this.#breaksNext = false;
    this.#oddAt = -Infinity;
    this.#columns.x[at] = x;
    this.#columns.min[at] = min;
    this.#columns.max[at] = max;
    this.#columns.mean[at] = mean;
    this.#columns.count[at] = count;
    this.#rows = at + 1;
    while (this.#rows > this.#most) this.#thin();
  }

  /** What comes from now on is put into rows as wide as those that are there. */
  widen(): void {
    if (this.values > 2 * this.#rows) this.#width = this.#reach() / this.#rows;
  }

  /** From the lowest to the highest place. */
  #reach(): number {
    return this.x.reduce(greater, -Infinity) - this.x.reduce(less, Infinity);
  }

  /** Whether there is a place between two rows that has no finite value. */
  #isOddBetween(before: number, x: number): boolean {
    if (this.#oddAt <= before || this.#oddAt >= x) return false;
    return this.#width === 0 || Math.abs(this.#slotOf(x) - this.#slotOf(before)) > 1;
  }

  #slotOf(x: number): number {
    // Whatever its sign there is a width at which all is in one.
    return Math.trunc(x / this.#width);
  }

  /** The last row joins the one before it, if that has room for it. */
  #close(): void {
    const to = this.#rows - 2;
    if (this.#width === 0 || to < 0 || this.breaks.at(-1) === to + 1) return;
    const { x } = this.#columns;
    if (this.#slotOf(x[to]!) !== this.#slotOf(x[to + 1]!)) return;
    this.#merge(to, to + 1);
    this.#rows -= 1;
  }

  #merge(to: number, at: number): void {
    const { x, min, max, mean, count } = this.#columns;
    const both = count[to]! + count[at]!;
    x[to] = x[at]!;
    min[to] = Math.min(min[to]!, min[at]!);
    max[to] = Math.max(max[to]!, max[at]!);
    mean[to] = mean[to]! + (mean[at]! - mean[to]!) * (count[at]! / both);
    count[to] = both;
  }

  addOdd(odd: Odd): void {
    this.#oddAt = odd.x;
    this.odd.push(odd);
    if (this.odd.length > MAX_ODD) this.odd = thinOdd(this.odd);
  }

  /** Put rows together that lie close: half as many, of the same records. */
  #thin(): void {
    const { x } = this.#columns;
    const rows = this.#rows;
    // Of a run that falls back often there are several rows at each place.
    this.#width = Math.max(this.#reach() / (this.#most / 2), 2 * this.#width) || 1;
    const starts = new Set(this.breaks);
    const breaks: number[] = [];
    let to = -1;
    let slot = NaN;
    for (let at = 0; at < rows; at++) {
      const next = this.#slotOf(x[at]!);
      // The last value stays as it is.
      const isOwn = starts.has(at) || next !== slot || at === rows - 1;
      if (starts.has(at)) breaks.push(to + 1);
      if (isOwn) {
        to += 1;
        slot = next;
        for (const name of COLUMNS) this.#columns[name][to] = this.#columns[name][at]!;
      } else {
        this.#merge(to, at);
      }
    }
    this.#rows = to + 1;
    this.breaks = breaks;
  }
}

/** The latest value that its rows tell; undefined if that is of several records. */
function lastTold({ x, mean, count, odd }: Curve): number | undefined {
  const at = x.length - 1;
  const none = odd.at(-1);
  if (none && (at < 0 || none.x > x[at]!)) return Number(none.kind);
  return count[at] === 1 ? mean[at] : undefined;
}

const less = (one: number, other: number) => Math.min(one, other);
const greater = (one: number, other: number) => Math.max(one, other);

function thinOdd(all: readonly Odd[]): Odd[] {
  const low = Math.min(...all.map(({ x }) => x));
  const width = (Math.max(...all.map(({ x }) => x)) - low) / (MAX_ODD / 4) || 1;
  const slots = new Map<string, Odd>();
  for (const odd of all) {
    const slot = `${Math.floor((odd.x - low) / width)} ${odd.kind}`;
    const count = (slots.get(slot)?.count ?? 0) + odd.count;
    slots.set(slot, { ...odd, count });
  }
  return [...slots.values()];
}

/** Each smoothed by those before it: `weight` from 0 (not at all) to nearly 1. */
export function smooth(
  values: Float64Array,
  breaks: readonly number[],
  weight: number,
): Float64Array {
  const starts = new Set(breaks);
  let sum = 0;
  let total = 0;
  return values.map((value, at) => {
    if (starts.has(at)) sum = total = 0;
    sum = sum * weight + value;
    total = total * weight + 1;
    return sum / total;
  });
}

/** The row whose place is the last that is not beyond x; -1 if there is none. */
export function rowAt(curve: Curve, x: number): number {
  const places = curve.x;
  let best = -1;
  for (let at = 0; at < places.length; at++) {
    const place = places[at]!;
    if (place <= x && (best < 0 || place >= places[best]!)) best = at;
  }
  return best;
}

/**
 * The values that the line of a part of a run has at the edges of an axis, on its way to the
 * records next to it; by the curve of the whole run. Null where no line goes, or to what is not
 * told record by record.
 */
export function edges(
  { x, mean, odd }: Curve,
  whole: Curve,
  { low, high }: Extent,
  isLog: boolean,
): (number | null)[] {
  const [first, last] = [x[0], x.at(-1)];
  if (first === undefined || last === undefined) return [];
  const meet = (edge: number, own: number, row: number, start: number) => {
    if (whole.count[row] !== 1 || whole.breaks.includes(start)) return null;
    const [from, to] = [mean.at(own)!, whole.mean[row]!];
    // Nothing goes to what a logarithm has not.
    if (isLog && Math.min(from, to) <= 0) return null;
    const part = Math.min(1, (edge - x.at(own)!) / (whole.x[row]! - x.at(own)!));
    return isLog ? from * (to / from) ** part : from + (to - from) * part;
  };
  const at = whole.x.findIndex((place) => place >= first);
  const next = whole.x.findLastIndex((place) => place <= last) + 1;
  return [
    (odd[0]?.x ?? first) < first ? null : meet(low, 0, at - 1, at),
    (odd.at(-1)?.x ?? last) > last ? null : meet(high, -1, next, next),
  ];
}

/** How many records of a curve are shown on each side of a place. */
const BESIDE = 100;

/** The part of the axis that has some records on each side of a place; open at the ends. */
export function around(curve: Curve, place: number): Span {
  const at = rowAt(curve, place);
  const from = reach(curve, place, at, -1);
  const to = reach(curve, place, at + 1, 1);
  const [low, high] = [from ?? Math.min(...curve.x), to ?? Math.max(...curve.x)];
  if (!(low < high)) return { from: null, to: null };
  const round = rounded(low, high);
  return { from: from && round.from, to: to && round.to };
}

/** How far as many records reach from a row on; null where the run ends before. */
function reach(curve: Curve, place: number, row: number, by: 1 | -1): number | null {
  let left = BESIDE;
  let x = place;
  for (let at = row; at >= 0 && at < curve.x.length; at += by) {
    const next = curve.x[at]!;
    // Behind a fall-back a run is where it was before.
    if ((next - x) * by < 0) continue;
    const count = curve.count[at]!;
    if (count > left) return x + ((next - x) * left) / count;
    left -= count;
    x = next;
  }
  return left === 0 ? x : null;
}

/** From where to where a curve goes on the axis. */
export function across(curve: Curve, extent: Extent | null = null): Extent | null {
  for (const x of curve.x) extent = widen(extent, x, x);
  for (const { x } of curve.odd) extent = widen(extent, x, x);
  return extent;
}

/** The lowest and highest values within a part of the axis; above zero alone if asked. */
export function upright(
  curve: Curve,
  span: Span,
  isLog: boolean,
  extent: Extent | null = null,
): Extent | null {
  const { x, min, max } = curve;
  for (let at = 0; at < x.length; at++) {
    if (!isWithin(x[at]!, span)) continue;
    const low = isLog && min[at]! <= 0 ? max[at]! : min[at]!;
    if (!isLog || low > 0) extent = widen(extent, low, max[at]!);
  }
  return extent;
}

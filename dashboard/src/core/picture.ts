// Pictures: the curves of a session. The server's rows first, then records one by one, with
// no seam between them.

import type { Cursor, Series } from "tailcast";
import type { Axis } from "./address.js";
import { across, Curve } from "./curve.js";
import { type Extent, isWithin, type Span, widen } from "./spans.js";

/** A record that has come, with the values of the metrics that are drawn. */
export interface Point {
  readonly step: number | null;
  /** Unix ms. */
  readonly time: number | null;
  readonly values: ReadonlyMap<string, number>;
}

/** What happened at a place of a session, told on all of its charts. */
export interface Mark {
  readonly kind: "rewind" | "gap" | "emergency";
  /** Null where the place is not known: it is told beside the chart. */
  readonly x: number | null;
  readonly text: string;
}

const MAX_MARKS = 100;
/** Why records cannot be had, as people say it. */
const GAPS: Readonly<Record<string, string>> = {
  trimmed: "trimmed from the broker",
  left_out: "written before Tailcast began",
  file_lost: "the file was gone before it was read",
  unknown_cursor: "the place is not known any more",
  unreadable: "not readable",
};
const whyOf = (reason: string) => GAPS[reason] ?? reason;

/** The curves of one session along one axis, within one span of it. */
export class Picture {
  readonly axis: Axis;
  readonly span: Span;
  readonly curves = new Map<string, Curve>();
  marks: Mark[] = [];
  /** Up to where it goes. */
  cursor: Cursor = null;
  /** Of how many records it is. */
  of = 0;
  /** How many records the largest row stands for that was read from roll-ups. */
  bucket = 1;
  #x: number | null = null;
  #extent: Extent | null = null;

  constructor(metrics: readonly string[], axis: Axis, span: Span) {
    this.axis = axis;
    this.span = span;
    for (const metric of metrics) this.curves.set(metric, new Curve());
  }

  /** What the server has drawn. */
  static of(
    series: Series,
    metrics: readonly string[],
    span: Span = { from: null, to: null },
  ): Picture {
    const picture = new Picture(metrics, series.x, span);
    picture.cursor = series.cursor;
    picture.of = series.of;
    picture.bucket = series.bucket;
    for (const [metric, curve] of picture.curves) {
      const rows = series.series[metric];
      if (rows === undefined) continue;
      // What is no finite number is told apart from the rows: each in its place.
      let odds = 0;
      const addOdds = (before: number) => {
        for (; odds < rows.nonfinite.length; odds++) {
          const [x, kind, count] = rows.nonfinite[odds]!;
          if (x === null) curve.unplaced += count;
          else if (x < before) curve.addOdd({ x, kind, count });
          else break;
        }
      };
      rows.x.forEach((x, at) => {
        const count = rows.count[at]!;
        curve.last = count === 1 ? rows.mean[at]! : undefined;
        if (x === null) {
          curve.unplaced += count;
          return;
        }
        addOdds(x);
        curve.addRow(x, rows.min[at]!, rows.max[at]!, rows.mean[at]!, count);
      });
      addOdds(Infinity);
      curve.widen();
      const last = curve.x.at(-1);
      const odd = curve.odd.at(-1);
      if (odd && (last === undefined || odd.x > last)) curve.last = Number(odd.kind);
      if (last !== undefined) picture.#x = Math.max(picture.#x ?? last, last);
      picture.#extent = across(curve, picture.#extent);
    }
    const gaps = (series.gapsLeftOut ?? 0) + series.gaps.length;
    if (gaps > 0) {
      const reasons = [...new Set(series.gaps.map((gap) => whyOf(gap.reason)))].join(", ");
      picture.mark({ kind: "gap", x: null, text: `${gaps} × missing: ${reasons}` });
    }
    for (const { x, step, before } of series.rewinds) {
      picture.mark({ kind: "rewind", x, text: `went on at step ${step} after ${before}` });
    }
    return picture;
  }

  /** As it is now up to a place: what comes to the one is not in the other. */
  copy(until = Infinity): Picture {
    const copy = new Picture([], this.axis, this.span);
    let left = 0;
    for (const [metric, curve] of this.curves) {
      const part = curve.copy(until);
      copy.curves.set(metric, part);
      left = Math.max(left, curve.values - part.values);
    }
    copy.marks = this.marks.filter(({ x }) => x === null || x <= until);
    copy.cursor = this.cursor;
    copy.of = this.of - left;
    copy.bucket = this.bucket;
    copy.#x = this.#x === null ? null : Math.min(this.#x, until);
    copy.#extent = this.#extent && {
      low: Math.min(this.#extent.low, until),
      high: Math.min(this.#extent.high, until),
    };
    return copy;
  }

  /** Where its last record is. */
  get x(): number | null {
    return this.#x;
  }

  /** From where to where it goes; null where there is nothing. */
  get extent(): Extent | null {
    return this.#extent;
  }

  mark(mark: Mark): void {
    this.marks.push(mark);
    if (this.marks.length > MAX_MARKS) this.marks.shift();
  }

  /** Records behind a place that cannot be had. */
  gap(reason: string): void {
    for (const curve of this.curves.values()) curve.break();
    this.mark({ kind: "gap", x: this.#x, text: `missing: ${whyOf(reason)}` });
  }

  /** The file began anew: what was drawn is not in it any more. */
  clear(text: string): void {
    for (const metric of this.curves.keys()) this.curves.set(metric, new Curve());
    this.marks = [];
    this.of = 0;
    this.#x = this.#extent = null;
    this.mark({ kind: "rewind", x: null, text });
  }

  /**
   * Add what has come, the first of which is the session's record of that number, from 0.
   * Whether a place fell back, which the server has to explain.
   */
  add(points: readonly Point[], first: number): boolean {
    let fell = false;
    for (const [at, point] of points.entries()) {
      this.of += 1;
      const place = this.axis === "record" ? first + at : point[this.axis];
      if (place !== null) {
        if (this.#x !== null && place < this.#x) fell = true;
        else this.#x = place;
      }
      if (!isWithin(this.#x, this.span)) continue;
      if (this.#x !== null && point.values.size > 0) {
        this.#extent = widen(this.#extent, this.#x, this.#x);
      }
      for (const [metric, value] of point.values) this.curves.get(metric)?.add(this.#x, value);
    }
    return fell;
  }
}

/** Why an axis does not fit what the server has drawn along it; null if it does. */
export function misfit(series: Series): string | null {
  if (series.x === "record" || series.of === 0) return null;
  const word = series.x === "step" ? "step" : "time";
  let placed = 0;
  let first: number | undefined;
  let isOne = true;
  let most = 0;
  let falls = 0;
  let rows = 0;
  for (const { x, count, nonfinite } of Object.values(series.series)) {
    const all = [
      ...x.map((place, at) => [place, count[at]!] as const),
      ...nonfinite.map(([place, , times]) => [place, times] as const),
    ];
    let values = 0;
    for (const [place, times] of all) {
      rows += 1;
      values += times;
      if (place === null) continue;
      placed += 1;
      first ??= place;
      if (place !== first) isOne = false;
    }
    most = Math.max(most, values);
    falls = Math.max(falls, fallsOf(x));
  }
  if (rows === 0) return null;
  if (placed === 0) return `no record has a ${word}`;
  // (Two at one place may be a line of training and its evaluation.)
  if (isOne && most > 2) return `all records have the same ${word}`;
  const told = series.rewinds.length + (series.rewindsLeftOut ?? 0);
  // A fall-back may be seen in two rows; more than are told are another kind of disorder.
  return falls > 2 * told + 2 ? `${word}s go backwards ${falls} times` : null;
}

/** How often places go backwards. */
function fallsOf(places: readonly (number | null)[]): number {
  let before = -Infinity;
  let falls = 0;
  for (const place of places) {
    if (place === null) continue;
    if (place < before) falls += 1;
    before = place;
  }
  return falls;
}

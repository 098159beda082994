// Parts of an axis: what is shown of it, how far something reaches, and how a window moves.

/** The part of an axis that is shown; null where it is open. */
export interface Span {
  readonly from: number | null;
  readonly to: number | null;
}

/** Lowest and highest of what is drawn; null where there is nothing. */
export interface Extent {
  low: number;
  high: number;
}

export function isWithin(x: number | null, { from, to }: Span): boolean {
  if (x === null) return from === null;
  return (from === null || x >= from) && (to === null || x <= to);
}

/** Wide enough for these too. */
export function widen(extent: Extent | null, low: number, high: number): Extent {
  if (extent === null) return { low, high };
  extent.low = Math.min(extent.low, low);
  extent.high = Math.max(extent.high, high);
  return extent;
}

/** From the lowest to the highest of both; of one where the other is null. */
export function union(one: Extent, other: Extent): Extent;
export function union(one: Extent | null, other: Extent | null): Extent | null;
export function union(one: Extent | null, other: Extent | null): Extent | null {
  if (one === null || other === null) return one ?? other;
  return { low: Math.min(one.low, other.low), high: Math.max(one.high, other.high) };
}

/** Whether two values are too close for an axis from one to the other to have ticks. */
function isFlat(low: number, high: number): boolean {
  return high - low <= Math.max(Math.abs(low), Math.abs(high)) * 1e-13;
}

/** The axis of places from the lowest to the highest; with room about a single one. */
export function spread(low: number, high: number): Extent {
  if (!isFlat(low, high)) return { low, high };
  const room = Math.max(0.5, Math.abs(high) * 1e-12);
  return { low: low - room, high: high + room };
}

/** The axis of values, with room above and below them. */
export function pad({ low, high }: Extent): Extent {
  const room = isFlat(low, high) ? Math.abs(high) * 0.1 || 1.1 : (high - low) * 0.06;
  return { low: low - room, high: high + room };
}

/** A window made wider or closer about its midst, and moved by a part of itself. */
export function moved(window: Extent, whole: Extent, scale: number, shift: number): Span {
  const width = Math.min((window.high - window.low) * scale, whole.high - whole.low);
  const midst = (window.low + window.high) / 2 + shift * width;
  return spanOf(held({ low: midst - width / 2, high: midst + width / 2 }, whole), whole);
}

/** What touches a window: where it was, and where it is, as parts of the window's width. */
export interface Touch {
  readonly was: number;
  readonly is: number;
}

/** Two fingers this close are taken for as far apart. */
const CLOSEST = 0.05;

/** A window pulled by one finger, or by two: what they touched stays beneath them. */
export function pulled(window: Extent, whole: Extent, touches: readonly Touch[]): Extent {
  const width = window.high - window.low;
  const [one, other = one] = [...touches].sort((a, b) => a.was - b.was);
  if (one === undefined || other === undefined) return window;
  const apart = (a: number, b: number) => Math.max(CLOSEST, b - a);
  const scale = one === other ? 1 : apart(one.was, other.was) / apart(one.is, other.is);
  const low = window.low + (one.was - one.is * scale) * width;
  return held({ low, high: low + width * scale }, whole);
}

/** A window within the whole, as wide if that is as wide. */
function held(window: Extent, whole: Extent): Extent {
  const width = Math.min(window.high - window.low, whole.high - whole.low);
  const low = Math.min(whole.high - width, Math.max(whole.low, window.low));
  return { low, high: low + width };
}

/** A window as the part that is shown: open if it is all there is, or nearly. */
export function spanOf({ low, high }: Extent, whole: Extent): Span {
  if (high - low > (whole.high - whole.low) * 0.999) return { from: null, to: null };
  return rounded(low, high);
}

/** The ends of a part with no more digits than tell it apart. */
export function rounded(from: number, to: number): { from: number; to: number } {
  const unit = 10 ** Math.floor(Math.log10((to - from) / 500));
  const round = (value: number) => Number((Math.round(value / unit) * unit).toPrecision(15));
  return { from: round(from), to: round(to) };
}

// Where a text stands beside marks: next to one of them, and over none.

import type { Extent } from "./spans.js";

/**
 * The left edge of a text of a width that stands beside the first of some marks with room for
 * it on its right or its left; null if none has. `taken`: where these and other marks are;
 * `pad`: how far from all of them.
 */
export function beside(
  marks: readonly Extent[],
  taken: readonly Extent[],
  width: number,
  pad: number,
  within: Extent,
): number | null {
  const lows = new Set(marks.map(({ low }) => low));
  const highs = new Set(marks.map(({ high }) => high));
  // What is taken without a break.
  const blocks: Extent[] = [];
  for (const one of [...taken].sort((one, other) => one.low - other.low)) {
    const last = blocks.at(-1);
    if (last && one.low <= last.high) last.high = Math.max(last.high, one.high);
    else blocks.push({ ...one });
  }
  for (const [at, { low, high }] of blocks.entries()) {
    const before = blocks[at - 1]?.high ?? within.low - pad;
    const behind = blocks[at + 1]?.low ?? within.high + pad;
    if (highs.has(high) && high + width + 2 * pad <= behind) return high + pad;
    if (lows.has(low) && low - width - 2 * pad >= before) return low - pad - width;
  }
  return null;
}

// How fast a stored run is played again.

import type { Axis } from "./address.js";
import type { Extent } from "./spans.js";

/** What is known of how a run went. */
export interface Course {
  readonly records: number;
  readonly firstStep: number | null;
  readonly lastStep: number | null;
  /** Unix ms. */
  readonly firstTime: number | null;
  readonly lastTime: number | null;
}

/** How long a replay takes at most unless somebody wants it slower. */
const LONGEST_S = 60;
export const SPEEDS: readonly number[] = [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000];

/** How far on the axis the run came in a second; by a minute for all where that is unknown. */
export function paceOf(axis: Axis, course: Course, whole: Extent): number {
  if (axis === "time") return 1_000;
  const { firstTime, lastTime, firstStep, lastStep } = course;
  const seconds = ((lastTime ?? 0) - (firstTime ?? 0)) / 1_000;
  const length = axis === "record" ? course.records : (lastStep ?? 0) - (firstStep ?? 0);
  const pace = length / seconds;
  return pace > 0 && Number.isFinite(pace) ? pace : (whole.high - whole.low) / LONGEST_S;
}

/** The lowest speed with which it is over in a minute. */
export function speedFor(pace: number, whole: Extent): number {
  const seconds = (whole.high - whole.low) / pace;
  return SPEEDS.find((speed) => seconds / speed <= LONGEST_S) ?? SPEEDS.at(-1)!;
}

// Sets that never change: another one takes their place.

/** Without it, if it is in the set; else with it. */
export function flipped<T>(set: ReadonlySet<T>, one: T): ReadonlySet<T> {
  const others = new Set(set);
  if (!others.delete(one)) others.add(one);
  return others;
}

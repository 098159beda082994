// Views that are not needed to begin with: they come when they are first looked at, or at the
// first move of a person, so that nobody waits for them.

import { type ComponentType, lazy } from "react";

type Load<P> = () => Promise<ComponentType<P>>;

const others: Load<never>[] = [];

/** A component that is loaded when it is first drawn; within a `Suspense`. */
export function later<P>(load: Load<P>): ComponentType<P> {
  others.push(load as Load<never>);
  return lazy(async () => ({ default: await load() })) as ComponentType<P>;
}

/** Load all of them at the first sign of somebody who looks. */
export function loadWhenUsed(): void {
  const stop = new AbortController();
  const load = () => {
    stop.abort();
    // One that cannot be had now is asked for again when it is drawn.
    for (const one of others) one().catch(() => undefined);
  };
  for (const sign of ["pointermove", "pointerdown", "keydown"]) {
    addEventListener(sign, load, { signal: stop.signal });
  }
}

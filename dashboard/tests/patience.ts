// How long tests wait on a machine that is busy with other things: what is waited for comes at
// once while all is well.

import { vi } from "vitest";

/** A wait that takes longer is a failure, not slowness. */
export const PATIENCE_MS = 60_000;

/** Until a check does not fail any more; what it answers. */
export function waitFor<T>(check: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(check, { timeout: PATIENCE_MS });
}

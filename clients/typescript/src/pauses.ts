// When to come back, and when silence means that nobody is there. Pure: chance and time
// are arguments.

/** No connection, and no wait for one, is shorter than this. */
export const SHORTEST_MS = 500;
export const LONGEST_MS = 20_000;

/** How long to wait after so many failures in a row: at random, up to a growing limit. */
export function pauseMs(failures: number, chance: number): number {
  const limit = Math.min(LONGEST_MS, 1_000 * 2 ** Math.min(failures, 10));
  return SHORTEST_MS + chance * (limit - SHORTEST_MS);
}

// Tailcast's own "do not come back"; every other code, or none, means: come back.
const STAY_AWAY: readonly unknown[] = [4400, 4401, 4409];

/** Whether a close code says not to come back. */
export function isFinal(code: unknown): boolean {
  return STAY_AWAY.includes(code);
}

/**
 * For how long nothing was received, judged at ticks of a timer.
 *
 * A hidden page's timers run once a minute, a sleeping machine's not at all, and what came
 * meanwhile is read only afterwards. So a tick that is late counts as one in time.
 */
export class Silence {
  readonly tickMs: number;
  #silentMs = 0;
  #tickedAt: number;

  constructor(tickMs: number, now: number) {
    this.tickMs = tickMs;
    this.#tickedAt = now;
  }

  /** Something was received. */
  end(): void {
    this.#silentMs = 0;
  }

  /** Nothing may have been received for so long: whoever is there has the rest of it. */
  atLeast(silentMs: number): void {
    this.#silentMs = Math.max(this.#silentMs, silentMs);
  }

  /** A tick; for how long nothing was received. */
  tick(now: number): number {
    const passed = Math.max(0, now - this.#tickedAt);
    this.#tickedAt = now;
    this.#silentMs += Math.min(passed, 2 * this.tickMs);
    return this.#silentMs;
  }
}

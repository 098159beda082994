// Which metrics a session has: all names, with what is known of each.

import { TailcastError } from "tailcast";
import type { Metric } from "../core/choice.js";
import { client } from "./server.js";
import { Value } from "./value.js";

const PAGE = 1_000;
/** How many names a page holds; of more the filter finds the others at the server. */
export const MAX_METRICS = 20_000;
const PAUSE_MS = 1_000;

export interface Known {
  readonly metrics: readonly Metric[];
  /** How many there are. */
  readonly of: number;
  /** How many have no statistics, and are not listed. */
  readonly leftOut: number;
  readonly isWhole: boolean;
  /** Why the rest is not known yet; null if all is well. */
  readonly problem: string | null;
}

export class Catalogue {
  readonly known = new Value<Known>({
    metrics: [],
    of: 0,
    leftOut: 0,
    isWhole: false,
    problem: null,
  });
  readonly #session: string;
  #isClosed = false;
  #isAsking = false;
  #isDue = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(session: string) {
    this.#session = session;
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  /** Ask for all of it; what comes while it is asked for leads to another question. */
  async load(): Promise<void> {
    if (this.#isAsking) {
      this.#isDue = true;
      return;
    }
    this.#isAsking = true;
    this.#isDue = false;
    let pause = PAUSE_MS;
    try {
      const metrics: Metric[] = [];
      // Page by page at first; later what is known stays until all has come anew.
      const isFirst = !this.known.get().isWhole;
      for (let after: string | undefined, more = true; more; ) {
        const page = await client.get("/api/metrics", {
          sessionId: [this.#session],
          limit: PAGE,
          ...(after === undefined ? {} : { after }),
        });
        if (this.#isClosed) return;
        metrics.push(...page.data);
        after = page.cursor;
        more = page.more && metrics.length < MAX_METRICS;
        const { of, leftOut } = page;
        if (more && !isFirst) continue;
        this.known.set({ metrics: [...metrics], of, leftOut, isWhole: !more, problem: null });
      }
    } catch (error) {
      pause = (error instanceof TailcastError && error.retryAfterMs) || 2_000;
      const isUnknown = error instanceof TailcastError && error.status === 404;
      if (isUnknown) this.known.set({ ...this.known.get(), isWhole: true });
      else {
        const problem = error instanceof Error ? error.message : String(error);
        this.known.set({ ...this.known.get(), problem });
        this.#isDue = true;
      }
    } finally {
      this.#isAsking = false;
      if (this.#isDue && !this.#isClosed) {
        this.#timer = setTimeout(() => void this.load(), pause);
      }
    }
  }
}

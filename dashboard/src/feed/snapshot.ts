// How a session is now: its status, how far it is, and the latest values of the metrics that
// are to be seen. Asked for every two seconds while somebody looks.

import type { Body } from "tailcast";
import { client } from "./server.js";
import { Value } from "./value.js";

export type Snapshot = Body<"/api/snapshot">;

const EVERY_MS = 2_000;
/** As many as one question may name. */
const MAX_NAMES = 100;

export class Snapshots {
  readonly latest = new Value<Snapshot | null>(null);
  readonly #session: string;
  #names: readonly string[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isClosed = false;
  #isAsking = false;

  constructor(session: string) {
    this.#session = session;
    document.addEventListener("visibilitychange", this.#ask);
    void this.#ask();
  }

  /** The metrics whose values are to be seen. */
  see(names: readonly string[]): void {
    const some = names.slice(0, MAX_NAMES);
    if (JSON.stringify(some) === JSON.stringify(this.#names)) return;
    this.#names = some;
    void this.#ask();
  }

  /** What the server answered to a change. */
  readonly take = (snapshot: Snapshot): void => {
    if (!this.#isClosed) this.latest.set({ ...this.latest.get(), ...snapshot });
  };

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    document.removeEventListener("visibilitychange", this.#ask);
  }

  readonly #ask = async (): Promise<void> => {
    if (this.#isAsking || this.#isClosed || document.hidden) return;
    clearTimeout(this.#timer);
    this.#isAsking = true;
    try {
      const snapshot = await client.get("/api/snapshot", {
        sessionId: [this.#session],
        ...(this.#names.length > 0 ? { metrics: JSON.stringify(this.#names) } : {}),
      });
      if (!this.#isClosed) this.latest.set(snapshot);
    } catch {
      // The feed's state says what is wrong; what was known stays.
    } finally {
      this.#isAsking = false;
      if (!this.#isClosed) this.#timer = setTimeout(this.#ask, EVERY_MS);
    }
  };
}

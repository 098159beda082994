// How a session is now: its status, how far it is, and the latest values of the metrics that
// are to be seen.

import type { Body } from "tailcast";
import { Repeated } from "./repeated.js";
import { client } from "./server.js";
import { Value } from "./value.js";

export type Snapshot = Body<"/api/snapshot">;

/** As many as one question may name. */
const MAX_NAMES = 100;

export class Snapshots {
  readonly latest = new Value<Snapshot | null>(null);
  readonly #session: string;
  readonly #repeated = new Repeated(() => this.#ask());
  #names: readonly string[] = [];

  constructor(session: string) {
    this.#session = session;
    void this.#repeated.ask();
  }

  /** The metrics whose values are to be seen. */
  see(names: readonly string[]): void {
    const some = names.slice(0, MAX_NAMES);
    if (JSON.stringify(some) === JSON.stringify(this.#names)) return;
    this.#names = some;
    void this.#repeated.ask();
  }

  /** What the server answered to a change. */
  readonly take = (snapshot: Snapshot): void => {
    if (!this.#repeated.isClosed) this.latest.set({ ...this.latest.get(), ...snapshot });
  };

  close(): void {
    this.#repeated.close();
  }

  async #ask(): Promise<void> {
    const snapshot = await client.get("/api/snapshot", {
      sessionId: [this.#session],
      ...(this.#names.length > 0 ? { metrics: JSON.stringify(this.#names) } : {}),
    });
    if (!this.#repeated.isClosed) this.latest.set(snapshot);
  }
}

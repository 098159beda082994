// How several sessions are now, as a list has them: one question for all of them. Lists leave
// out what a session was started with where that is long; it is asked for apart, once.

import type { SessionInfo, TelemetryClient } from "tailcast";
import { within } from "../core/named.js";
import { Repeated } from "./repeated.js";
import { Value } from "./value.js";

/** By their names; those that are not there are not in it. */
export type Listing = ReadonlyMap<string, SessionInfo>;

export class ListedRuns {
  readonly latest = new Value<Listing>(new Map());
  readonly #client: TelemetryClient;
  readonly #repeated = new Repeated(() => this.#ask());
  #names: readonly string[] = [];
  // The long configurations, and how long each was when it was asked for.
  readonly #configs = new Map<string, Pick<SessionInfo, "config" | "configBytes">>();

  constructor(of: TelemetryClient) {
    this.#client = of;
  }

  /** The sessions that are to be seen. */
  see(names: readonly string[]): void {
    this.#names = names;
    for (const name of this.#configs.keys()) {
      if (!names.includes(name)) this.#configs.delete(name);
    }
    void this.#repeated.ask();
  }

  close(): void {
    this.#repeated.close();
  }

  async #ask(): Promise<void> {
    const found = new Map<string, SessionInfo>();
    for (let left = this.#names; left.length > 0; ) {
      const some = within(left);
      left = left.slice(some.length);
      const { sessions } = await this.#client.get("/api/sessions", { sessionId: some });
      for (const one of sessions) found.set(one.sessionId, one);
    }
    this.#tell(found);
    for (const { sessionId, configBytes } of found.values()) {
      if (configBytes == null) continue;
      if (this.#configs.get(sessionId)?.configBytes === configBytes) continue;
      if (this.#repeated.isClosed) return;
      const asked = { sessionId: [sessionId] };
      const { config = null } = await this.#client.get("/api/snapshot", asked);
      this.#configs.set(sessionId, { config, configBytes });
      this.#tell(found);
    }
  }

  #tell(found: Listing): void {
    if (this.#repeated.isClosed) return;
    const whole = [...found.values()].map((one) => {
      const known = one.configBytes == null ? undefined : this.#configs.get(one.sessionId);
      return [one.sessionId, { ...one, ...known }] as const;
    });
    this.latest.set(new Map(whole));
  }
}

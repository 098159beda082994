// Whether a session that is asked for is there, and which ones have a name like it.

import type { Subscription } from "tailcast";
import { everything, QUIETLY } from "./everything.js";
import { client } from "./server.js";
import type { Readable } from "./value.js";
import { Value } from "./value.js";

/** Old files that are found begin without a word: they are looked for. */
const LOOK_MS = 4_000;

/** Sessions of a similar name, where there is none of this one; null while it may be there. */
export class Missing {
  /** Whether who looks may not read it, if it is there at all. */
  readonly isHidden = new Value(false);
  readonly #similar = new Value<readonly string[] | null>(null);
  readonly similar: Readable<readonly string[] | null> = this.#similar;
  readonly #session: string;
  readonly #subscription: Subscription;
  readonly #end: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(session: string) {
    this.#session = session;
    this.#end = everything().on("session", ({ sessionId }) => {
      if (sessionId === session) this.#found();
    });
    this.#subscription = client.subscribe(session, QUIETLY);
    this.#subscription.on("subscribed", ({ exists, similar }) => {
      if (exists === false) this.#lacks(similar ?? []);
      else this.#found();
    });
    this.#subscription.on("error", ({ code }) => {
      if (code === "not_authorized") this.isHidden.set(true);
    });
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#end();
    this.#subscription.close();
  }

  #found(): void {
    clearTimeout(this.#timer);
    this.#similar.set(null);
  }

  #lacks(similar: readonly string[]): void {
    this.#similar.set(similar);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#look(), LOOK_MS);
  }

  async #look(): Promise<void> {
    const similar = this.#similar.get();
    const isThere = await client.get("/api/snapshot", { sessionId: [this.#session] }).then(
      () => true,
      () => false,
    );
    if (this.#similar.get() === null || similar === null) return;
    if (isThere) this.#found();
    else this.#lacks(similar);
  }
}

// What comes while an answer is awaited: it may be in the answer, or has to be added to it.

import type { Cursor } from "tailcast";
import type { Point } from "../core/picture.js";

/** How many records are kept while an answer is awaited. */
const MAX_KEPT = 20_000;

/** Records that came in one message. */
export interface Batch {
  readonly prev: Cursor | undefined;
  readonly cursor: Cursor;
  readonly points: readonly Point[];
  /** The number of its first record. */
  readonly first: number;
}

export class Meanwhile {
  #kept: Batch[] = [];
  #points = 0;
  #pending = 0;

  /** Keep what has come, if an answer is awaited. */
  take(batch: Batch): void {
    if (this.#pending === 0 || this.#points > MAX_KEPT) return;
    this.#kept.push(batch);
    this.#points += batch.points.length;
  }

  /** An answer, and what came while it was awaited. */
  async ask<T>(question: () => Promise<T>): Promise<{ answer: T; kept: readonly Batch[] }> {
    this.#pending += 1;
    const from = this.#kept.length;
    try {
      const answer = await question();
      return { answer, kept: this.#kept.slice(from) };
    } finally {
      this.#pending -= 1;
      if (this.#pending === 0) {
        this.#kept = [];
        this.#points = 0;
      }
    }
  }
}

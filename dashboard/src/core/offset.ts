// How the server's clock differs from ours, by what it says in its messages.

/** So many of the latest are looked at: clocks drift, and machines sleep. */
const KEPT = 30;

export class Offset {
  readonly #seen: number[] = [];

  /** What the server's clock said in a message (Unix ms), and ours as it came; the offset. */
  take(theirs: number, ours: number): number {
    if (Number.isFinite(theirs)) this.#seen.push(theirs - ours);
    if (this.#seen.length > KEPT) this.#seen.shift();
    // A message is late, never early: the one that was the least late tells best.
    return this.#seen.length > 0 ? Math.max(...this.#seen) : 0;
  }
}

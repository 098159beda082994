// What this browser remembers from one visit to the next, in all its pages at once.

import { Value } from "./value.js";

const PREFIX = "tailcast.";

/** A value that is there again after a reload; where nothing can be kept, until then. */
export class Remembered<T> extends Value<T> {
  readonly #name: string;

  /** `read` makes of what was kept a value that is right, whoever wrote it. */
  constructor(name: string, read: (kept: unknown) => T) {
    super(read(load(PREFIX + name)));
    this.#name = PREFIX + name;
    addEventListener("storage", ({ key }) => {
      if (key === this.#name) super.set(read(load(this.#name)));
    });
  }

  override set(value: T): void {
    super.set(value);
    try {
      localStorage.setItem(this.#name, JSON.stringify(value));
    } catch {
      // The browser keeps nothing for this page, or has no room.
    }
  }
}

/** Of what was kept: the texts of a list, so many at most. */
export function texts(most: number): (kept: unknown) => readonly string[] {
  return (kept) =>
    Array.isArray(kept) ? kept.filter((one) => typeof one === "string").slice(-most) : [];
}

/** A text; "" for anything else. */
export function text(kept: unknown): string {
  return typeof kept === "string" ? kept : "";
}

function load(name: string): unknown {
  try {
    return JSON.parse(localStorage.getItem(name) ?? "null");
  } catch {
    return null;
  }
}

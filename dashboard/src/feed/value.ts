// A value that others follow, and the hook with which a component does.

import { useSyncExternalStore } from "react";

/** What can be read, and followed. */
export interface Readable<T> {
  readonly get: () => T;
  /** Call at each change; the function that ends it. */
  readonly listen: (changed: () => void) => () => void;
}

/** A value that is set from one place. */
export class Value<T> implements Readable<T> {
  #value: T;
  readonly #listeners = new Set<() => void>();

  constructor(value: T) {
    this.#value = value;
  }

  readonly get = (): T => this.#value;

  readonly listen = (changed: () => void): (() => void) => {
    this.#listeners.add(changed);
    return () => void this.#listeners.delete(changed);
  };

  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const changed of [...this.#listeners]) changed();
  }
}

/** Begin something as soon as a value is true; the function that ends it, or the wait. */
export function when(value: Readable<boolean>, begin: () => () => void): () => void {
  let end = () => {};
  const look = () => {
    if (!value.get()) return;
    end();
    end = begin();
  };
  end = value.listen(look);
  look();
  return () => end();
}

/** The value now; the component is drawn anew when it changes. */
export function useValue<T>(value: Readable<T>): T {
  return useSyncExternalStore(value.listen, value.get, value.get);
}

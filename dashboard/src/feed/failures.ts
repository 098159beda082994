// Errors of the page's own program: said, never swallowed.

import { Value } from "./value.js";

export interface Failure {
  readonly message: string;
  readonly details: string;
}

/** The latest; null for none. */
export const failure = new Value<Failure | null>(null);

export function failed(error: unknown): Failure {
  return error instanceof Error
    ? { message: `${error.name}: ${error.message}`, details: error.stack ?? "" }
    : { message: String(error), details: "" };
}

// A browser says so when a size changes while it is being observed: nothing is wrong.
const HARMLESS = /ResizeObserver loop/;

addEventListener("error", ({ error, message }) => {
  if (!HARMLESS.test(message)) failure.set(failed(error ?? message));
});
addEventListener("unhandledrejection", ({ reason }) => failure.set(failed(reason)));

// Where the page is: the view in the address, and the steps back.

import { fitting, readView, type View, WHOLE, writeView } from "../core/address.js";
import type { Span } from "../core/spans.js";
import { Value } from "./value.js";

const first = readView(location.search);
const current = new Value<View>(first.view);

/** The view that is shown. */
export const view = current;
/** What the address had that makes no sense, in words. */
export const ignored = new Value<readonly string[]>(first.ignored);

/** What is shown after a change. */
export function after(change: Partial<View>): View {
  // Whoever goes to a session, or to the list, leaves the page that was in their place.
  const leaves = change.session === undefined ? {} : { show: null };
  return fitting({ ...current.get(), ...leaves, ...change });
}

/** Show something else. `replace`: without a step back to what is shown now. */
export function go(change: Partial<View>, { replace = false } = {}): void {
  const next = after(change);
  const query = writeView(next);
  const url = `${location.pathname}${query}`;
  if (replace || query === location.search) history.replaceState(null, "", url);
  else history.pushState(null, "", url);
  ignored.set([]);
  current.set(next);
}

/** Show a part of the axis, or all of it: then no place is marked any more. */
export function showSpan(span: Span, how?: { replace: boolean }): void {
  go(span.from === null && span.to === null ? WHOLE : span, how);
}

addEventListener("popstate", () => {
  const read = readView(location.search);
  ignored.set(read.ignored);
  current.set(read.view);
});

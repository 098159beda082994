// Which sessions of the list are chosen, to be compared, and what can be done with them.

import { figure } from "../core/figures.js";
import { flipped } from "../core/sets.js";
import { go } from "../feed/place.js";
import { useValue, Value } from "../feed/value.js";

/** Those that are to be compared; they stay chosen while a run is looked at. */
export const chosen = new Value<ReadonlySet<string>>(new Set());
/** The row that keys are about: a session's name, or the title of those that lie folded. */
export const current = new Value<string | null>(null);

/** Put a name into a set, or take it out. */
export function toggle(set: Value<ReadonlySet<string>>, name: string): void {
  set.set(flipped(set.get(), name));
}

/** Compare those that are chosen; with the one that keys are about, if that is one alone. */
export function compareChosen(here: string | null): void {
  const names = [...chosen.get()];
  if (names.length === 1 && here !== null) names.push(here);
  const [session, ...compare] = new Set(names);
  if (session !== undefined && compare.length > 0) go({ session, compare });
}

/** What can be done with those that are chosen, and by which keys. */
export function Chosen() {
  const names = useValue(chosen);
  if (names.size === 0) {
    return (
      <p className="hints" aria-hidden="true">
        j/k move · x choose · c compare · ⏎ open · / search · ? keys
      </p>
    );
  }
  return (
    <p className="hints chosen">
      {figure(names.size)} chosen{" "}
      <button type="button" disabled={names.size < 2} onClick={() => compareChosen(null)}>
        compare
      </button>{" "}
      <button type="button" onClick={() => chosen.set(new Set())}>
        none
      </button>
    </p>
  );
}

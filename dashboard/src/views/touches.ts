// Fingers on a chart: two make its window closer or wider, one pulls a window along. What is
// up and down moves the page, as everywhere.

import { type Extent, pulled, type Touch } from "../core/spans.js";

export interface Touchable {
  /** What is shown now, and all there is; null where there is nothing. */
  readonly window: () => { readonly shown: Extent; readonly whole: Extent } | null;
  /** Show this for as long as fingers are there; null: what was shown before. */
  readonly pull: (window: Extent | null) => void;
  /** This is to be shown. */
  readonly leave: (window: Extent, whole: Extent) => void;
}

/** Hear of fingers on an element until the function is called. */
export function listenToTouches(area: HTMLElement, on: Touchable): () => void {
  const fingers = new Map<number, Touch>();
  let before: ReturnType<Touchable["window"]> = null;
  let now: Extent | null = null;

  const partOf = ({ clientX }: PointerEvent) => {
    const { left, width } = area.getBoundingClientRect();
    return (clientX - left) / width;
  };
  // Whenever a finger comes or goes, the others take hold anew.
  const hold = () => {
    before = on.window();
    for (const [id, { is }] of fingers) fingers.set(id, { was: is, is });
  };
  const down = (event: PointerEvent) => {
    if (event.pointerType !== "touch" || fingers.size > 1) return;
    const at = partOf(event);
    fingers.set(event.pointerId, { was: at, is: at });
    hold();
  };
  const move = (event: PointerEvent) => {
    const finger = fingers.get(event.pointerId);
    if (!finger || before === null) return;
    fingers.set(event.pointerId, { ...finger, is: partOf(event) });
    now = pulled(before.shown, before.whole, [...fingers.values()]);
    on.pull(now);
  };
  const up = (event: PointerEvent) => {
    if (!fingers.delete(event.pointerId)) return;
    if (event.type === "pointercancel") {
      // The browser has taken it for something else.
      fingers.clear();
      now = null;
      on.pull(null);
    } else if (fingers.size > 0) hold();
    else if (now !== null && before !== null) {
      on.leave(now, before.whole);
      now = null;
    }
  };
  const stop = new AbortController();
  const { signal } = stop;
  area.addEventListener("pointerdown", down, { signal });
  area.addEventListener("pointermove", move, { signal });
  for (const end of ["pointerup", "pointercancel"] as const) {
    area.addEventListener(end, up, { signal });
  }
  return () => stop.abort();
}

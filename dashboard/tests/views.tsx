// Draws components into the test's document.

import { act } from "preact/test-utils";
import type { ReactNode } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach } from "vitest";
import { waitFor } from "./patience.js";

let root: Root | undefined;

/** Whatever is to be drawn is drawn. */
export async function draw(change: () => void = () => {}): Promise<void> {
  await act(async () => change());
}

/** Draw this, in place of what was drawn. */
export async function show(component: ReactNode): Promise<HTMLElement> {
  const page = document.body.appendChild(document.createElement("div"));
  root = createRoot(page);
  await draw(() => root?.render(component));
  return page;
}

/** Draw until this is so. */
export async function until(check: () => void): Promise<void> {
  await waitFor(async () => {
    await draw();
    check();
  });
}

/** Press a key where the focus is. */
export async function type(key: string, more: KeyboardEventInit = {}): Promise<KeyboardEvent> {
  const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...more });
  await draw(() => void (document.activeElement ?? document.body).dispatchEvent(event));
  return event;
}

afterEach(async () => {
  await draw(() => root?.unmount());
  root = undefined;
  document.body.replaceChildren();
});

// The keys of the page: one registry for all who have some, and the help that shows them.
//
//     useKeys("Run", [{ keys: ["l"], does: "Logarithmic axis", run: toggle }]);
//
// makes `l` valid, and shows it in the help and the palette, while the component is drawn.
// Of the same key in two places the one that came on the page last counts, so a view has
// its own Esc; while an overlay is open it alone has keys. No key is taken from a text that
// is written, nor Enter and the blank from a button or a link.

import { type ComponentType, useLayoutEffect, useRef } from "react";
import { leadTo } from "../core/address.js";
import {
  type Focus,
  type Layer,
  Presses,
  type Shortcut,
  shownKeys,
  visible,
} from "../core/keys.js";
import { go, view } from "../feed/place.js";
import { useValue, Value } from "../feed/value.js";
import "./keys.css";

export type { Shortcut } from "../core/keys.js";

const layers = new Value<readonly Layer[]>([]);
/** What can be done now, by layers, the last first. */
export const shortcuts = layers;

const IS_MAC = /Mac|iPhone|iPad/.test(navigator.platform);

/** Make shortcuts valid while the component is drawn; the list may differ each time. */
export function useKeys(
  title: string,
  list: readonly Shortcut[],
  { isModal = false } = {},
): void {
  const current = useRef(list);
  current.current = list;
  // With what is shown, and not after it: the next key may come at once.
  useLayoutEffect(() => {
    const layer: Layer = {
      title,
      isModal,
      get shortcuts() {
        return current.current;
      },
    };
    layers.set([...layers.get(), layer]);
    return () => layers.set(layers.get().filter((one) => one !== layer));
  }, [title, isModal]);
}

export interface OverlayProps {
  /** What was valid beneath it. */
  readonly beneath: readonly Layer[];
  /** What was written before it was there. */
  readonly text: string;
  readonly close: () => void;
}
/** What lies over the page. */
const overlay = new Value<{
  readonly Of: ComponentType<OverlayProps>;
  readonly beneath: readonly Layer[];
} | null>(null);
/** What is written while the palette is awaited. */
let early = "";
const close = () => overlay.set(null);

function open(Of: ComponentType<OverlayProps>): void {
  overlay.set({ Of, beneath: visible(layers.get()) });
}

/** It is loaded when it is first asked for; what is written meanwhile is for it. */
async function openPalette(): Promise<void> {
  const beneath = visible(layers.get());
  early = "";
  overlay.set({ Of: Waiting, beneath });
  try {
    const { Palette } = await import("./palette.js");
    if (overlay.get()?.Of === Waiting) overlay.set({ Of: Palette, beneath });
  } catch (error) {
    close();
    throw error;
  }
}

function Waiting({ close }: OverlayProps) {
  useKeys("Palette", [{ keys: ["Escape"], does: "Close", run: close, inText: true }], {
    isModal: true,
  });
  const input = useRef<HTMLInputElement>(null);
  useFocusWithin(input);
  return (
    <input
      ref={input}
      className="unseen"
      aria-label="Session, metric or command"
      onInput={({ currentTarget }) => {
        early = currentTarget.value;
      }}
    />
  );
}

/** The page's own keys. It stands before the views, whose keys win. */
export function Keys() {
  useLayoutEffect(() => listenToKeys(document), []);
  useKeys("Everywhere", [
    { keys: ["?"], does: "Keys that are valid here", run: () => open(Help) },
    {
      keys: ["Mod+k"],
      does: "Go to a session, a metric or a command",
      run: () => void openPalette(),
      inText: true,
    },
    { keys: ["g s"], does: "Sessions", run: toSessions },
    { keys: ["Escape"], does: "Back to the sessions", run: toSessions },
  ]);
  const shown = useValue(overlay);
  return shown && <shown.Of beneath={shown.beneath} text={early} close={close} />;
}

function toSessions(): void {
  const { session, show } = view.get();
  if (session !== null || show !== null) go(leadTo(null));
}

/** Hear of keys from now on; ends when called. */
export function listenToKeys(target: Document): () => void {
  const presses = new Presses();
  const pressed = (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.isComposing) return;
    const shortcut = presses.shortcutOf(event, layers.get(), focusOf(event.target));
    if (!shortcut) return;
    event.preventDefault();
    shortcut.run();
  };
  target.addEventListener("keydown", pressed);
  return () => target.removeEventListener("keydown", pressed);
}

const TEXTS =
  "textarea, select, [contenteditable]:not([contenteditable=false]), " +
  "input:not([type=checkbox], [type=radio], [type=button])";
const CONTROLS = "a, button, summary, input, [role=button], [role=option], [role=slider]";

function focusOf(target: EventTarget | null): Focus {
  if (!(target instanceof Element)) return "page";
  if (target.closest(TEXTS)) return "text";
  return target.closest(CONTROLS) ? "control" : "page";
}

/** Keys, drawn as keys. */
export function Keycaps({ keys }: { keys: string }) {
  return shownKeys(keys, IS_MAC).map((key, at) => <kbd key={at}>{key}</kbd>);
}

/** All that is valid here, over the page. */
function Help({ beneath, close }: OverlayProps) {
  useKeys("Keys", [{ keys: ["Escape", "?"], does: "Close", run: close, inText: true }], {
    isModal: true,
  });
  const dialog = useRef<HTMLDivElement>(null);
  useFocusWithin(dialog);
  return (
    <div className="overlay">
      <button type="button" className="overlay-ground" aria-label="Close" onClick={close} />
      <div
        className="sheet help"
        role="dialog"
        aria-modal="true"
        aria-label="Keys"
        ref={dialog}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keys
        tabIndex={0}
      >
        {beneath.map(({ title, shortcuts }) => (
          <section key={title}>
            <h2>{title}</h2>
            <dl>
              {shortcuts
                .filter(({ keys }) => keys.length > 0)
                .map(({ keys, does }) => (
                  <div key={does}>
                    <dt>
                      {keys.map((each, at) => (
                        <span key={each}>
                          {at > 0 && " "}
                          <Keycaps keys={each} />
                        </span>
                      ))}
                    </dt>
                    <dd>{does}</dd>
                  </div>
                ))}
            </dl>
          </section>
        ))}
      </div>
    </div>
  );
}

/** Give an overlay the focus, and back to what had it. */
export function useFocusWithin(overlay: { readonly current: HTMLElement | null }): void {
  useLayoutEffect(() => {
    const before = document.activeElement;
    overlay.current?.focus();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, [overlay]);
}

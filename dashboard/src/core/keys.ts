// Which shortcut is meant by what is pressed.

/** One thing that can be done on what is shown, by keys or from the palette. */
export interface Shortcut {
  /**
   * What is pressed, as browsers name keys: `j`, `Escape`, ` `. Keys one behind the other
   * have a blank between them: `g s`. `Mod+k` is ⌘K on a Mac and Ctrl-K elsewhere. Several
   * may do the same; without any it is in the palette alone.
   */
  readonly keys: readonly string[];
  /** What it does, as the help and the palette say it: "Compare with the others". */
  readonly does: string;
  readonly run: () => void;
  /** Whether it counts where text is written too. */
  readonly inText?: boolean;
}

/** What is valid in one part of the page, under one title in the help. */
export interface Layer {
  readonly title: string;
  readonly shortcuts: readonly Shortcut[];
  /** Whether it lies above all others, which have no keys then. */
  readonly isModal?: boolean;
}

/** A key that is pressed: what matters of a KeyboardEvent. */
export interface Press {
  readonly key: string;
  readonly code: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  /** When (ms). */
  readonly timeStamp: number;
}

/** Where the focus is: in a text, on what has keys of its own (a button, a link), or not. */
export type Focus = "text" | "control" | "page";

/** Within so many milliseconds the second key of two has to follow. */
const PATIENCE_MS = 3_000;

/** What is pressed, as shortcuts name it. Letters of other alphabets count by their place. */
export function nameOf(press: Press): string {
  const { key, code } = press;
  const isForeign = key.length === 1 && key > "~" && /^Key[A-Z]$/.test(code);
  const name = isForeign ? code.slice(3).toLowerCase() : key;
  if (press.altKey) return `Alt+${name}`;
  return press.ctrlKey || press.metaKey ? `Mod+${name.toLowerCase()}` : name;
}

/** Finds what is meant, key by key. */
export class Presses {
  // The keys of a shortcut that is not complete.
  #begun: string[] = [];
  #begunAt = Number.NEGATIVE_INFINITY;

  /** The shortcut that is complete by this key; the layer that came last wins. */
  shortcutOf(press: Press, layers: readonly Layer[], focus: Focus): Shortcut | undefined {
    const name = nameOf(press);
    const isLate = press.timeStamp - this.#begunAt > PATIENCE_MS;
    const pressed = [...(isLate ? [] : this.#begun), name];
    this.#begun = [];
    const valid = validIn(layers).filter((one) => isMeant(one, name, focus));
    for (const keys of [pressed.join(" "), name]) {
      const found = valid.find((one) => one.keys.includes(keys));
      if (found) return found;
    }
    for (const begun of [pressed, [name]]) {
      const start = `${begun.join(" ")} `;
      if (!valid.some((one) => one.keys.some((keys) => keys.startsWith(start)))) continue;
      this.#begun = begun;
      this.#begunAt = press.timeStamp;
      break;
    }
    return undefined;
  }
}

/** What can be done now, the layer that came last first. */
export function validIn(layers: readonly Layer[]): readonly Shortcut[] {
  return visible(layers).flatMap((layer) => layer.shortcuts);
}

/** The layers that count, the one that came last first; beside a modal one no other. */
export function visible(layers: readonly Layer[]): readonly Layer[] {
  const fromTop = [...layers].reverse();
  const modal = fromTop.find((layer) => layer.isModal);
  return modal ? [modal] : fromTop;
}

function isMeant(shortcut: Shortcut, name: string, focus: Focus): boolean {
  if (focus === "text") return shortcut.inText === true;
  // A button and a link are pressed by these themselves.
  return focus === "page" || (name !== "Enter" && name !== " ");
}

const SHOWN: Readonly<Record<string, string>> = {
  " ": "space",
  Enter: "⏎",
  Escape: "Esc",
  ArrowUp: "↑",
  ArrowDown: "↓",
  ArrowLeft: "←",
  ArrowRight: "→",
};

/** Keys as people read them, each by itself: `g s` is two. */
export function shownKeys(keys: string, isMac: boolean): readonly string[] {
  const each = keys === " " ? [keys] : keys.split(" ");
  return each.map((key) => {
    const name = key.replace(/^(Mod|Alt)\+/, "");
    const shown = SHOWN[name] ?? name;
    if (key.startsWith("Alt+")) return isMac ? `⌥${shown}` : `Alt-${shown}`;
    if (!key.startsWith("Mod+")) return shown;
    return isMac ? `⌘${shown.toUpperCase()}` : `Ctrl-${shown.toUpperCase()}`;
  });
}

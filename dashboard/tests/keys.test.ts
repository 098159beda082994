import { describe, expect, test, vi } from "vitest";
import {
  type Focus,
  type Layer,
  nameOf,
  Presses,
  type Shortcut,
  shownKeys,
  visible,
} from "../src/core/keys.js";

const press = (key: string, more: object = {}) => ({
  key,
  code: "",
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  timeStamp: 0,
  ...more,
});
const shortcut = (does: string, keys: string[], inText = false): Shortcut => ({
  keys,
  does,
  inText,
  run: vi.fn(),
});
const page: Layer = {
  title: "Page",
  shortcuts: [
    shortcut("sessions", ["g s"]),
    shortcut("palette", ["Mod+k"], true),
    shortcut("open", ["Enter"]),
    shortcut("star", ["s"]),
  ],
};
const meant = (presses: Presses, key: string, more: object = {}, focus: Focus = "page") =>
  presses.shortcutOf(press(key, more), [page], focus)?.does;

describe("a key", () => {
  test("has the name that shortcuts use", () => {
    expect(nameOf(press("?"))).toBe("?");
    expect(nameOf(press("K", { metaKey: true }))).toBe("Mod+k");
    expect(nameOf(press("k", { ctrlKey: true }))).toBe("Mod+k");
    expect(nameOf(press("k", { altKey: true }))).toBe("Alt+k");
  });

  test("of another alphabet counts by its place", () => {
    expect(nameOf(press("о", { code: "KeyJ" }))).toBe("j");
    expect(nameOf(press("é", { code: "Digit2" }))).toBe("é");
  });

  test("is shown as it stands on the keyboard", () => {
    expect(shownKeys("g s", true)).toEqual(["g", "s"]);
    expect(shownKeys(" ", true)).toEqual(["space"]);
    expect(shownKeys("Mod+k", true)).toEqual(["⌘K"]);
    expect(shownKeys("Mod+Enter", false)).toEqual(["Ctrl-⏎"]);
    expect(shownKeys("Alt+1", true)).toEqual(["⌥1"]);
    expect(shownKeys("Alt+1", false)).toEqual(["Alt-1"]);
  });
});

describe("what is pressed", () => {
  test("is a shortcut alone, or one behind another", () => {
    const presses = new Presses();
    expect(meant(presses, "s")).toBe("star");
    expect(meant(presses, "g")).toBeUndefined();
    expect(meant(presses, "s")).toBe("sessions");
    expect(meant(presses, "s")).toBe("star");
  });

  test("begins anew when the second key is late, or means nothing", () => {
    const presses = new Presses();
    meant(presses, "g", { timeStamp: 5_000 });
    expect(meant(presses, "s", { timeStamp: 8_500 })).toBe("star");
    meant(presses, "g", { timeStamp: 9_000 });
    meant(presses, "g", { timeStamp: 9_100 });
    expect(meant(presses, "s", { timeStamp: 9_200 })).toBe("sessions");
    meant(presses, "g", { timeStamp: 10_000 });
    meant(presses, "q", { timeStamp: 10_100 });
    expect(meant(presses, "s", { timeStamp: 10_200 })).toBe("star");
  });

  test("is not taken from a text, nor Enter from a button", () => {
    const presses = new Presses();
    expect(meant(presses, "s", {}, "text")).toBeUndefined();
    expect(meant(presses, "k", { ctrlKey: true }, "text")).toBe("palette");
    expect(meant(presses, "Enter", {}, "control")).toBeUndefined();
    expect(meant(presses, "s", {}, "control")).toBe("star");
    expect(meant(presses, "Enter")).toBe("open");
  });

  test("belongs to the layer that came last, and to a modal one alone", () => {
    const run: Layer = { title: "Run", shortcuts: [shortcut("smooth", ["s"])] };
    const help: Layer = { title: "Help", shortcuts: [], isModal: true };
    const found = (...layers: Layer[]) =>
      new Presses().shortcutOf(press("s"), layers, "page")?.does;
    expect(found(page, run)).toBe("smooth");
    expect(found(page, run, help)).toBeUndefined();
    expect(found(help, page)).toBeUndefined();
    expect(visible([page, run]).map(({ title }) => title)).toEqual(["Run", "Page"]);
  });
});

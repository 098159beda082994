// The palette: a few letters, and one is at a session, a metric or a command.

import { useEffect, useRef, useState } from "react";
import { leadTo } from "../core/address.js";
import { best, wordsOf } from "../core/fuzzy.js";
import { go, view } from "../feed/place.js";
import { client } from "../feed/server.js";
import { listed, sessionList } from "../feed/sessions.js";
import { useValue } from "../feed/value.js";
import { Keycaps, type OverlayProps, useFocusWithin, useKeys } from "./keys.js";
import "./palette.css";

/** How many of each kind are shown. */
const MOST = 8;
const TYPING_MS = 150;

interface Item {
  readonly kind: "session" | "metric" | "command";
  readonly text: string;
  readonly keys: string;
  readonly run: () => void;
}

export function Palette({ beneath, text: written, close }: OverlayProps) {
  const [text, setText] = useState(written);
  const [at, setAt] = useState(0);
  const { sessions } = useValue(listed);
  const metrics = useMetrics(text);
  const input = useRef<HTMLInputElement>(null);
  useFocusWithin(input);
  useEffect(() => void sessionList.load().catch(() => {}), []);
  useEffect(() => void sessionList.search(text).catch(() => {}), [text]);
  const commands = beneath
    .flatMap(({ shortcuts }) => shortcuts)
    .filter(({ keys }) => !keys.includes("Mod+k"));
  const found: Item[] = [
    ...best(sessions.keys(), text, (name) => name, MOST).map((name): Item => {
      const run = () => go(leadTo(name));
      return { kind: "session", text: name, keys: "", run };
    }),
    ...best(metrics, text, (name) => name, MOST).map((name): Item => {
      const others = (view.get().metrics ?? []).filter((one) => one !== name);
      const run = () => go({ metrics: [name, ...others] });
      return { kind: "metric", text: name, keys: "", run };
    }),
    ...best(commands, text, ({ does }) => does, MOST).map((command): Item => {
      const { does, keys, run } = command;
      return { kind: "command", text: does, keys: keys[0] ?? "", run };
    }),
  ];
  // What fits best comes first, whatever it is; without a word they stand kind by kind.
  const isAsked = wordsOf(text).length > 0;
  const items = isAsked ? best(found, text, (item) => item.text, found.length) : found;
  const chosen = Math.min(at, items.length - 1);
  const move = (by: number) => setAt((chosen + by + items.length) % Math.max(1, items.length));
  const take = (item: Item | undefined) => {
    close();
    item?.run();
  };
  const list = useRef<HTMLDivElement>(null);
  useEffect(
    () => list.current?.children[chosen]?.scrollIntoView({ block: "nearest" }),
    [chosen, text],
  );
  const keys = [
    { keys: ["Escape", "Mod+k"], does: "Close", run: close },
    { keys: ["ArrowDown"], does: "Next", run: () => move(1) },
    { keys: ["ArrowUp"], does: "Before", run: () => move(-1) },
    { keys: ["Enter"], does: "Take it", run: () => take(items[chosen]) },
  ];
  useKeys(
    "Palette",
    keys.map((one) => ({ ...one, inText: true })),
    { isModal: true },
  );
  return (
    <div className="overlay">
      <button
        type="button"
        className="overlay-ground"
        tabIndex={-1}
        aria-label="Close"
        onClick={close}
      />
      <div className="sheet palette" role="dialog" aria-modal="true" aria-label="Go to">
        <input
          ref={input}
          type="text"
          role="combobox"
          aria-expanded="true"
          aria-controls="palette-items"
          aria-activedescendant={items.length > 0 ? `palette-${chosen}` : undefined}
          aria-label="Session, metric or command"
          placeholder="session, metric or command"
          spellCheck={false}
          value={text}
          onInput={({ currentTarget }) => {
            setText(currentTarget.value);
            setAt(0);
          }}
        />
        <div id="palette-items" ref={list} role="listbox" aria-label="Found">
          {items.map((item, index) => (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the input has the keys.
            <div
              key={`${item.kind} ${item.text}`}
              id={`palette-${index}`}
              className="palette-item"
              role="option"
              tabIndex={-1}
              aria-selected={index === chosen}
              onClick={() => take(item)}
            >
              <span className="quiet">{item.kind}</span>
              <bdi>{item.text}</bdi>
              {item.keys && <Keycaps keys={item.keys} />}
            </div>
          ))}
        </div>
        {items.length === 0 && <p className="quiet">Nothing has these letters.</p>}
      </div>
    </div>
  );
}

/** Metrics of the run that is looked at, as the server finds them. */
function useMetrics(text: string): readonly string[] {
  const { session } = useValue(view);
  const [names, setNames] = useState<readonly string[]>([]);
  useEffect(() => {
    if (session === null) return;
    let isOver = false;
    // The server finds a part of a name.
    const q = text.trim().split(/\s+/)[0] ?? "";
    const ask = async () => {
      const asked = { sessionId: [session], limit: 50, ...(q && { q }) };
      const { data } = await client.get("/api/metrics", asked);
      if (!isOver) setNames(data.map(({ name }) => name));
    };
    const timer = setTimeout(() => void ask().catch(() => {}), TYPING_MS);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [session, text]);
  return names;
}

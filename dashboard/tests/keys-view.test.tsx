import { expect, test, vi } from "vitest";
import { go, view } from "../src/feed/place.js";
import { Keys, useKeys } from "../src/views/keys.js";
import { show, type } from "./views.js";

function Part({ keys, run }: { keys: string[]; run: () => void }) {
  useKeys("Part", [{ keys, does: "What the part does", run }]);
  return <input type="text" />;
}

test("the help shows what is valid here, alone has keys, and gives the focus back", async () => {
  const run = vi.fn();
  const page = await show([<Keys key="k" />, <Part key="p" keys={["l"]} run={run} />]);
  await type("?");
  const help = page.querySelector("[role=dialog]");
  expect(help?.textContent).toContain("What the part does");
  expect(document.activeElement).toBe(help);
  await type("l");
  expect(run).not.toHaveBeenCalled();
  await type("Escape");
  expect(page.querySelector("[role=dialog]")).toBeNull();
  await type("l");
  expect(run).toHaveBeenCalledOnce();
});

test("a key in a text stays the text's", async () => {
  const run = vi.fn();
  const page = await show([<Keys key="k" />, <Part key="p" keys={["l"]} run={run} />]);
  page.querySelector("input")!.focus();
  expect((await type("l")).defaultPrevented).toBe(false);
  expect((await type("?")).defaultPrevented).toBe(false);
  expect(run).not.toHaveBeenCalled();
});

test("a view has its own Esc, and leaves the page's when it goes", async () => {
  go({ session: "a" });
  const run = vi.fn();
  await show([<Keys key="k" />, <Part key="p" keys={["Escape"]} run={run} />]);
  await type("Escape");
  expect(run).toHaveBeenCalledOnce();
  expect(view.get().session).toBe("a");
  await type("g");
  await type("s");
  expect(view.get().session).toBeNull();
});

import type { SessionInfo } from "tailcast";
import { expect, test, vi } from "vitest";
import { go, view } from "../src/feed/place.js";
import { client } from "../src/feed/server.js";
import { listed } from "../src/feed/sessions.js";
import { Keys, useKeys } from "../src/views/keys.js";
import { draw, show, type, until } from "./views.js";

const run = vi.fn();

function Part() {
  useKeys("Part", [{ keys: ["l"], does: "Logarithmic axis", run }]);
  return null;
}

/** The palette, opened over a page that has these sessions. */
async function palette(...names: string[]): Promise<HTMLElement> {
  vi.spyOn(client, "get").mockImplementation((async (path: string) =>
    path === "/api/metrics"
      ? { data: [{ name: "grad_norm" }, { name: "loss" }] }
      : {}) as never);
  const sessions = names.map((name) => [name, { sessionId: name } as SessionInfo] as const);
  listed.set({ sessions: new Map(sessions), isWhole: true });
  const page = await show([<Keys key="k" />, <Part key="p" />]);
  await type("k", { ctrlKey: true });
  await until(() => expect(page.querySelector("[role=combobox]")).toBeTruthy());
  return page;
}

const found = (page: HTMLElement) =>
  [...page.querySelectorAll("[role=option] bdi")].map((one) => one.textContent);

async function write(page: HTMLElement, text: string): Promise<void> {
  const input = page.querySelector("input")!;
  input.value = text;
  await draw(() => void input.dispatchEvent(new Event("input", { bubbles: true })));
}

test("a few letters lead to a session", async () => {
  const page = await palette("run_a", "run_b", "vit");
  expect(document.activeElement).toBe(page.querySelector("input"));
  await write(page, "run");
  expect(found(page)).toEqual(["run_a", "run_b"]);
  await type("ArrowDown");
  await type("Enter");
  expect(view.get().session).toBe("run_b");
  expect(page.querySelector("[role=dialog]")).toBeNull();
});

test("what fits best comes first, whatever it is; without a word they stand by kind", async () => {
  go({ session: "a_long_session" });
  const page = await palette("a_long_session");
  await until(() => expect(found(page)).toContain("loss"));
  expect(found(page)[0]).toBe("a_long_session");
  await write(page, "lo");
  expect(found(page)).toEqual(["loss", "Logarithmic axis", "a_long_session"]);
  await type("Escape");
});

test("commands of the view beneath are there; Esc leaves all as it is", async () => {
  const page = await palette("run_a");
  await write(page, "logar");
  expect(found(page)).toEqual(["Logarithmic axis"]);
  await type("Enter");
  expect(run).toHaveBeenCalledOnce();
  const before = view.get();
  await type("k", { ctrlKey: true });
  await type("Escape");
  expect(view.get()).toBe(before);
  expect(page.querySelector("[role=dialog]")).toBeNull();
});

test("a metric of the run comes to the front; nothing is said if nothing is found", async () => {
  go({ session: "run_a", metrics: ["loss"] });
  const page = await palette("run_a");
  await write(page, "grad");
  await until(() => expect(found(page)).toEqual(["grad_norm"]));
  await type("Enter");
  expect(view.get().metrics).toEqual(["grad_norm", "loss"]);
  await type("k", { ctrlKey: true });
  await until(() => expect(page.querySelector("[role=combobox]")).toBeTruthy());
  await write(page, "zzz");
  expect(page.textContent).toContain("Nothing has these letters.");
  await type("Escape");
});

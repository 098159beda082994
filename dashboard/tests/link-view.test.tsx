import { expect, test } from "vitest";
import { leadTo } from "../src/core/address.js";
import { go, view } from "../src/feed/place.js";
import { Link } from "../src/views/link.js";
import { draw, show } from "./views.js";

async function click(link: Element, more: MouseEventInit = {}): Promise<MouseEvent> {
  const event = new MouseEvent("click", { bubbles: true, cancelable: true, ...more });
  await draw(() => void link.dispatchEvent(event));
  return event;
}

test("a link has the address of what a click shows, whatever is shown now", async () => {
  go({ session: "a", from: 1, to: 2, log: true });
  const page = await show(<Link to={leadTo("b")}>b</Link>);
  const link = page.querySelector("a")!;
  expect(link.getAttribute("href")).toBe("./?session=b&log=1");
  await draw(() => go({ q: "lr" }));
  expect(link.getAttribute("href")).toBe("./?session=b&log=1&q=lr");
  expect((await click(link)).defaultPrevented).toBe(true);
  expect(view.get()).toMatchObject({ session: "b", from: null, to: null, log: true, q: "lr" });
});

test.each(["ctrlKey", "metaKey", "shiftKey", "altKey"])(
  "a click with %s is the browser's",
  async (key) => {
    go({ session: "a" });
    const page = await show(<Link to={{ session: "b" }}>b</Link>);
    const event = await click(page.querySelector("a")!, { [key]: true });
    expect(event.defaultPrevented).toBe(false);
    expect(view.get().session).toBe("a");
  },
);

test("whoever goes where they are takes no step back", async () => {
  go({ session: "a" });
  const before = history.length;
  go({ session: "a" });
  expect(history.length).toBe(before);
});

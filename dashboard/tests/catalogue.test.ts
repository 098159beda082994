import { TailcastError } from "tailcast";
import { beforeEach, expect, test, vi } from "vitest";
import { Catalogue } from "../src/feed/catalogue.js";
import { waitFor } from "./patience.js";

type Page = { data: object[]; of: number; leftOut: number; cursor: string; more: boolean };
type Asked = {
  after: string | undefined;
  answer: (page: Page) => void;
  fail: (e: unknown) => void;
};

const asked = vi.hoisted(() => [] as Asked[]);

vi.mock("../src/feed/server.js", () => ({
  client: {
    get: (_: string, { after }: { after?: string }) =>
      new Promise((answer, fail) => asked.push({ after, answer, fail })),
  },
}));

function page(more: boolean, ...names: string[]): Page {
  const data = names.map((name) => ({ name, count: 1, min: 0, max: 1, last: 1 }));
  return { data, of: 3, leftOut: 1, cursor: names.at(-1)!, more };
}

const names = (catalogue: Catalogue) => catalogue.known.get().metrics.map(({ name }) => name);

beforeEach(() => {
  asked.length = 0;
  vi.useFakeTimers({ shouldAdvanceTime: true });
  return () => vi.useRealTimers();
});

test("a catalogue comes page by page, and stays whole while it is asked for anew", async () => {
  const catalogue = new Catalogue("run");
  void catalogue.load();
  asked.shift()!.answer(page(true, "a", "b"));
  await waitFor(() => expect(names(catalogue)).toEqual(["a", "b"]));
  expect(catalogue.known.get()).toMatchObject({ of: 3, leftOut: 1, isWhole: false });
  expect(asked[0]!.after).toBe("b");
  asked.shift()!.answer(page(false, "c"));
  await waitFor(() => expect(names(catalogue)).toEqual(["a", "b", "c"]));
  void catalogue.load();
  asked.shift()!.answer(page(true, "a", "b"));
  await waitFor(() => expect(asked).toHaveLength(1));
  expect(names(catalogue)).toEqual(["a", "b", "c"]);
  asked.shift()!.answer(page(false, "d"));
  await waitFor(() => expect(names(catalogue)).toEqual(["a", "b", "d"]));
});

test("what comes while it is asked for is asked for after it", async () => {
  const catalogue = new Catalogue("run");
  void catalogue.load();
  void catalogue.load();
  expect(asked).toHaveLength(1);
  asked.shift()!.answer(page(false, "a"));
  await waitFor(() => expect(names(catalogue)).toEqual(["a"]));
  await vi.advanceTimersByTimeAsync(1_000);
  expect(asked).toHaveLength(1);
  // Nothing more once it is closed.
  catalogue.close();
  asked.shift()!.answer(page(false, "b"));
  await vi.advanceTimersByTimeAsync(5_000);
  expect([names(catalogue), asked]).toEqual([["a"], []]);
});

test("why it does not come is said, and it is tried again; of no session it is empty", async () => {
  const catalogue = new Catalogue("run");
  void catalogue.load();
  const body = { code: "unavailable", message: "the broker: away", retryAfterMs: 500 };
  asked.shift()!.fail(new TailcastError(503, body, null));
  await waitFor(() => expect(catalogue.known.get().problem).toBe("the broker: away"));
  await vi.advanceTimersByTimeAsync(500);
  asked.shift()!.fail(new TailcastError(404, { code: "not_found" }, null));
  await waitFor(() => expect(catalogue.known.get().isWhole).toBe(true));
  await vi.advanceTimersByTimeAsync(5_000);
  expect(asked).toEqual([]);
});

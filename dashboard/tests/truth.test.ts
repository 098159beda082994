import type { Status } from "tailcast";
import { describe, expect, test } from "vitest";
import { type Facts, tellFeed, tellIndex } from "../src/core/truth.js";

const FRESH: Status = {
  feed: "fresh",
  connected: true,
  reason: null,
  code: null,
  retryAt: null,
  stopped: false,
};

function told(status: Partial<Status>, facts: Partial<Facts> = {}) {
  return tellFeed({
    status: { ...FRESH, ...status },
    lagMs: 120,
    unwellMs: 12_000,
    cause: "",
    wasFresh: true,
    isSignedOut: false,
    signedInMs: null,
    now: 1_000_000,
    ...facts,
  });
}

describe("the feed", () => {
  test("is live, so late", () => {
    expect(told({})).toMatchObject({ feed: "live", figure: "0.1 s", text: "behind" });
    expect(told({}, { lagMs: 75_000 })).toMatchObject({ figure: "1 m" });
    expect(told({}, { lagMs: null })).toMatchObject({ figure: "", text: "" });
  });

  test("is stale since then, by what the server knows of it, else by what is seen", () => {
    const stale = { feed: "stale", reason: "The server does not answer." } as const;
    expect(told(stale)).toMatchObject({
      feed: "stale",
      word: "stale",
      figure: "12 s",
      text: "the server does not answer. What you see is kept; it goes on by itself.",
    });
    expect(told(stale, { cause: "there is no broker" }).text).toMatch(/^there is no broker\. /);
    expect(told({ feed: "stale" }).text).toMatch(/^nothing comes\. /);
  });

  test("is down until the next try, which may be now", () => {
    const lost = {
      feed: "down",
      connected: false,
      reason: "The connection was lost.",
    } as const;
    expect(told({ ...lost, retryAt: 1_006_200 })).toMatchObject({
      feed: "down",
      text: "the connection was lost. What you see is kept.",
      wait: "in 7 s",
      mayRetry: true,
    });
    expect(told({ ...lost, retryAt: 999_000 }).wait).toBe("now");
    expect(told({ ...lost, stopped: true })).toMatchObject({
      word: "stopped",
      text: "the connection was lost. What you see is kept.",
      wait: "",
      mayRetry: true,
    });
    expect(told(lost)).toMatchObject({ wait: "under way", mayRetry: false });
    expect(told({ ...lost, connected: true }).text).toMatch(/goes on by itself\.$/);
  });

  test("is unauthorised where the server does not know who looks, whatever else is so", () => {
    const ended = { feed: "down", connected: false, stopped: true } as const;
    expect(told(ended, { isSignedOut: true })).toMatchObject({
      feed: "unauthorised",
      word: "signed out",
      text: "",
      signIn: "You are not signed in any more. What you see is kept.",
      mayRetry: true,
    });
  });

  test("is live while a sign-in ends, which is said", () => {
    expect(told({}, { signedInMs: 42_000 })).toMatchObject({
      feed: "live",
      signIn: "You are signed in for 42 s more.",
    });
    expect(told({}, { signedInMs: -5 }).signIn).toContain("0 s");
    expect(told({}).signIn).toBe("");
  });

  test("is being connected to before anything was ever well", () => {
    const first = { feed: "down", connected: false, reason: "Connecting." } as const;
    expect(told(first, { wasFresh: false })).toMatchObject({
      feed: "down",
      word: "connecting",
      figure: "",
      text: "",
    });
    const broken = { feed: "down", connected: true, reason: "No broker." } as const;
    expect(told(broken, { wasFresh: false }).text).toMatch(/^no broker\. /);
  });
});

test("indexes are told of when it matters", () => {
  expect(tellIndex(undefined)).toBe("");
  expect(tellIndex(3_000)).toBe("");
  expect(tellIndex(12_000)).toBe("curves 12 s behind");
  expect(tellIndex(null)).toMatch(/no indexer/);
});

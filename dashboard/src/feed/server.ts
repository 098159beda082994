// The one client of the page, and what it says of the feed.

import { type Status, TailcastError, TelemetryClient } from "tailcast";
import { Offset } from "../core/offset.js";
import { Value } from "./value.js";

const UNKNOWN = ["token_expired", "not_authenticated"];

interface Expiring {
  readonly type: string;
  readonly expiresAt: number;
}

/** Where the page lies: it works below any prefix. */
export const BASE = new URL(".", document.baseURI);
export const client = new TelemetryClient({ url: BASE });

/** Whether what is written now arrives. */
export const status = new Value<Status>(client.status);

/** Whether the server does not know, or knows no more, who looks. */
export const isSignedOut = new Value(false);
/** When it will not any more (Unix ms by the server's clock), if that is soon; else null. */
export const signedInUntil = new Value<number | null>(null);

client.on("status", (now) => {
  status.set(now);
  if (now.connected) isSignedOut.set(false);
  else {
    signedInUntil.set(null);
    if (now.code !== null) isSignedOut.set(UNKNOWN.includes(now.code));
    else if (now.retryAt !== null) void askWhetherKnown();
  }
});

client.on("message", (message) => {
  if (message.type === "expiring") signedInUntil.set((message as Expiring).expiresAt);
});

// Browsers do not say with which status a WebSocket was refused.
async function askWhetherKnown(): Promise<void> {
  try {
    await client.get("/api/status");
  } catch (error) {
    const isRefused = error instanceof TailcastError && error.status === 401;
    if (isRefused && !status.get().connected) isSignedOut.set(true);
  }
}

/** How late records are (ms), as the server said last; null before. */
export const lag = new Value<number | null>(null);
/** How far indexes are behind (ms); null if no indexer is there, undefined before it was said. */
export const indexLag = new Value<number | null | undefined>(undefined);
/** The server's clock minus ours (ms): ages are told by its clock. */
export const clockOffset = new Value(0);

/** Whether all was well at some time since the page is there. */
export const wasFresh = new Value(false);

const offset = new Offset();
// When we were last told that all is well, by a clock that nobody sets.
let freshAt = performance.now();

client.on("heartbeat", (beat) => {
  if (beat.feed === "fresh") {
    freshAt = performance.now();
    wasFresh.set(true);
  }
  lag.set(beat.lagMs ?? null);
  indexLag.set(beat.indexLagMs);
  clockOffset.set(offset.take(Date.parse(beat.timestamp), Date.now()));
});

/** The time by the server's clock (Unix ms). */
export function serverNow(): number {
  return Date.now() + clockOffset.get();
}

/** For how long (ms) nobody has said that all is well. */
export function unwellMs(): number {
  return performance.now() - freshAt;
}

/** Changes each second while the page is seen: whoever tells an age follows it. */
export const second = new Value(0);
setInterval(() => {
  if (document.visibilityState !== "hidden") second.set(second.get() + 1);
}, 1_000);

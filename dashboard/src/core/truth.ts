// Whether what is written now arrives, in words: what is wrong, for how long, and what
// becomes of it.

import type { Status } from "tailcast";
import { duration } from "./figures.js";

export interface Facts {
  readonly status: Status;
  /** How late records are (ms), as the server said last; null before it did. */
  readonly lagMs: number | null;
  /** For how long (ms) nobody has said that all is well. */
  readonly unwellMs: number;
  /** What the server knows of what is wrong; "" for nothing. */
  readonly cause: string;
  /** Whether all was well at some time. */
  readonly wasFresh: boolean;
  /** Whether the server does not know who looks. */
  readonly isSignedOut: boolean;
  /** How long (ms) it still will, if it said so; null otherwise. */
  readonly signedInMs: number | null;
  /** Our clock (Unix ms). */
  readonly now: number;
}

export interface Told {
  /** As `data-feed` has it. */
  readonly feed: Feed;
  readonly word: string;
  /** What changes from second to second, and need not be read out. */
  readonly figure: string;
  readonly text: string;
  /** When it is tried again, which changes from second to second too; "" if it is not. */
  readonly wait: string;
  /** Whether somebody can try again now. */
  readonly mayRetry: boolean;
  /** What is to be said of who looks, beside a link to sign in; "" if nothing is. */
  readonly signIn: string;
}

/** The words of `data-feed`. */
export type Feed = "live" | "stale" | "down" | "unauthorised";
const FEEDS = { fresh: "live", stale: "stale", down: "down" } as const;

/** What the feed is called. */
export function feedOf(feed: Status["feed"], isSignedOut: boolean): Feed {
  return isSignedOut ? "unauthorised" : FEEDS[feed];
}

const KEPT = "What you see is kept";

export function tellFeed(facts: Facts): Told {
  const { status, lagMs, unwellMs, wasFresh, now } = facts;
  const feed = feedOf(status.feed, facts.isSignedOut);
  const told = {
    feed,
    word: feed,
    figure: duration(unwellMs),
    text: "",
    wait: "",
    mayRetry: false,
    signIn: facts.signedInMs === null ? "" : ends(facts.signedInMs),
  };
  if (feed === "unauthorised") {
    const signIn = `You are not signed in any more. ${KEPT}.`;
    return { ...told, word: "signed out", figure: "", mayRetry: true, signIn };
  }
  if (feed === "live") {
    const figure = lagMs === null ? "" : behind(lagMs);
    return { ...told, figure, text: figure && "behind" };
  }
  const why = facts.cause || sentence(status.reason);
  if (status.stopped) {
    return { ...told, word: "stopped", text: `${why}. ${KEPT}.`, mayRetry: true };
  }
  if (status.retryAt !== null) {
    const seconds = Math.max(0, Math.ceil((status.retryAt - now) / 1_000));
    const wait = seconds > 0 ? `in ${seconds} s` : "now";
    return { ...told, text: `${why}. ${KEPT}.`, wait, mayRetry: true };
  }
  if (!wasFresh && !status.connected) return { ...told, word: "connecting", figure: "" };
  if (feed === "down" && !status.connected) {
    return { ...told, text: `${why}. ${KEPT}.`, wait: "under way" };
  }
  return { ...told, text: `${why}. ${KEPT}; it goes on by itself.` };
}

/** From how much on (ms) it matters how far the indexes are behind. */
const INDEX_LATE_MS = 10_000;

/** What is wrong with indexes; "" while it does not matter. */
export function tellIndex(lagMs: number | null | undefined): string {
  if (lagMs === undefined) return "";
  if (lagMs === null) return "no indexer: curves and lists may be old";
  return lagMs > INDEX_LATE_MS ? `curves ${duration(lagMs)} behind` : "";
}

/** So late that tenths of a second say something, or not. */
function behind(ms: number): string {
  return ms < 10_000 ? `${(ms / 1_000).toFixed(1)} s` : duration(ms);
}

function ends(leftMs: number): string {
  return `You are signed in for ${duration(Math.max(0, leftMs))} more.`;
}

/** As part of a sentence of ours. */
function sentence(reason: string | null): string {
  const text = (reason ?? "nothing comes").replace(/\.$/, "");
  return text.charAt(0).toLowerCase() + text.slice(1);
}

// What is said of all sessions beside their records: emergencies and who has seen them, and
// sessions that begin, stall and end. One subscription, which every part of the page shares.

import type { SubscribeOptions, Subscription } from "tailcast";
import { client } from "./server.js";

/** So many emergencies of before. */
export const EMERGENCIES = 20;

/** How it is asked for: no records, so that the same connection brings those of a run. */
export const QUIETLY: SubscribeOptions = { records: false, emergencies: EMERGENCIES };

let subscription: Subscription | undefined;

/** The subscription, which begins when it is first asked for. */
export function everything(): Subscription {
  subscription ??= client.subscribe(null, QUIETLY);
  return subscription;
}

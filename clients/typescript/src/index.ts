export { type ClientOptions, sharedClient, TelemetryClient, type Token } from "./client.js";
export { type Cursor, isAfter } from "./cursors.js";
export type { HeartbeatAnswer } from "./generated/messages.js";
export {
  type Body,
  type NoSeries,
  type Path,
  type Query,
  type Said,
  type Series,
  type SeriesQuery,
  type SessionInfo,
  TailcastError,
} from "./http.js";
export type { Sessions } from "./selectors.js";
export { type Events, Subscription, SubscriptionError } from "./subscription.js";
export type * from "./types.js";

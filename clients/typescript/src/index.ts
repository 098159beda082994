export { TelemetryClient, sharedClient, type ClientOptions, type Token } from "./client.js";
export {
  TailcastError, type Body, type NoSeries, type Path, type Query, type Series, type SeriesQuery,
  type SessionInfo,
} from "./http.js";
export type { Cursor } from "./cursors.js";
export type { Sessions } from "./selectors.js";
export { Subscription, SubscriptionError, type Events } from "./subscription.js";
export type * from "./types.js";
export type { HeartbeatAnswer } from "./generated/messages.js";

// What a program is told, and what it may ask for: the generated messages, named.

import type { Cursor } from "./cursors.js";
import type * as Wire from "./generated/messages.js";

export type Where = Wire.Condition;
/** One record, as its producer wrote it. */
export type TelemetryRecord = Record<string, unknown>;

/** Records of one session, in file order. */
export type TelemetryMessage<R = TelemetryRecord> = Omit<Wire.Telemetry, "data"> & {
  data: R[];
};
export type EmergencyMessage = Wire.Emergency;

/** Messages of a subscription by their `type`, as docs/protocol.md has them. */
export interface MessageTypes<R = TelemetryRecord> {
  telemetry: TelemetryMessage<R>;
  emergency: EmergencyMessage;
  gap: Wire.Gap;
  rewind: Wire.Rewind;
  caught_up: Wire.CaughtUp;
  subscribed: Wire.Subscribed;
  snapshot: Wire.SnapshotAnswer;
  session: Wire.SessionEvent;
  contested: Wire.Contested;
  metric: Wire.Metrics;
  acknowledged: Wire.Acknowledged;
  revoked: Wire.Revoked;
  error: Wire.Error;
}

export type Message<R = TelemetryRecord> = MessageTypes<R>[keyof MessageTypes];

/** Places of sessions: what `Subscription.place` gives, and `from` takes. */
export interface Place {
  cursors: Record<string, Cursor>;
  at?: string;
}

export type From =
  | "now"
  | "start"
  | { cursor: string }
  | { last: number }
  | { step: number }
  | { time: string }
  | Place;

export interface SubscribeOptions {
  /** Where to begin: with what comes next unless it says something else. */
  from?: From;
  /** False: none, only what is said beside them, such as emergencies. */
  records?: boolean;
  /** These metrics alone, with each record's step and time. */
  metrics?: readonly string[];
  /** Records for which this is true alone. */
  where?: Where;
  /** So many live records of each session a second, the newest. */
  maxRate?: number;
  /** To how many records the past of each session is reduced. */
  maxPoints?: number;
  /** Steps and times beside the records. */
  index?: boolean;
  /** So many emergencies of before first, the latest. */
  emergencies?: number;
  /** Statistics of each metric first. */
  snapshot?: boolean;
  /** Be told (`metric`) when a metric first comes. */
  newMetrics?: boolean;
}

/** Whether what is written now arrives, and if not, why. */
export interface Status {
  /** Nothing but `fresh` means that it does. */
  readonly feed: "fresh" | "stale" | "down";
  /** Whether there is a connection to a server that answers. */
  readonly connected: boolean;
  /** In words for people, null while all is well. */
  readonly reason: string | null;
  /** The server's word for it (`token_expired`, `not_authenticated`), null if it said none. */
  readonly code: string | null;
  /** When it is tried again (Unix ms), null while there is a connection or none is tried. */
  readonly retryAt: number | null;
  /** Whether the server said not to come back. */
  readonly stopped: boolean;
}

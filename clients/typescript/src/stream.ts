// What a component sees of a stream: an immutable picture that changes once a frame.
// Without React: `react.ts` is its hook.

import type { TelemetryClient } from "./client.js";
import type { Subscription } from "./subscription.js";
import type {
  EmergencyMessage,
  Message,
  Place,
  Status,
  SubscribeOptions,
  TelemetryRecord,
} from "./types.js";
import { isObject } from "./values.js";

export const MAX_RECORDS = 1_000;
// No frame comes while a page is hidden.
const HIDDEN_MS = 250;

/** A record with metrics; `telemetry` has NaN for numbers that are not there. */
export type StreamRecord = Readonly<{
  telemetry: Readonly<Record<string, any>>;
  [field: string]: any;
}>;
export type StreamEmergency = Readonly<{
  emergency: Readonly<{ reason: string; [field: string]: any }>;
  [field: string]: any;
}>;

export interface StreamOptions extends Omit<SubscribeOptions, "snapshot"> {
  /** One session; without it all. */
  sessionId?: string | null;
  /** How many records are kept, the newest. */
  maxRecords?: number;
  /** Whether it begins by itself. */
  autoConnect?: boolean;
}

/** What is so at this moment. */
export interface Picture {
  readonly records: readonly StreamRecord[];
  readonly latestRecord: StreamRecord | null;
  readonly emergency: StreamEmergency | null;
  /** Whether what is written now arrives: not while the broker is frozen, say. */
  readonly connected: boolean;
  readonly feed: Status["feed"];
  /** Why it does not arrive, in words for people; null while it does. */
  readonly reason: string | null;
  readonly error: Error | null;
  readonly isLoading: boolean;
  /** Records without metrics, which are not among `records`. */
  readonly skipped: number;
  readonly gaps: number;
  readonly rewinds: number;
  readonly sessionId: string | null;
}

interface Entry {
  record: StreamRecord;
  sessionId: string;
  step: unknown;
  end: number;
}

const EMPTY: Picture = Object.freeze({
  records: Object.freeze([]),
  latestRecord: null,
  emergency: null,
  connected: false,
  feed: "down",
  reason: null,
  error: null,
  isLoading: false,
  skipped: 0,
  gaps: 0,
  rewinds: 0,
  sessionId: null,
});

export class Stream {
  readonly #client: () => TelemetryClient;
  readonly #options: StreamOptions;
  readonly #maxRecords: number;
  readonly #listeners = new Set<() => void>();
  #picture: Picture;
  // What has changed since, and the records that it is made of.
  #changes: Partial<Picture> = {};
  #entries: Entry[] = [];
  #isChanged = false;
  #cancel: (() => void) | undefined;
  // Numbers that earlier records had, as what is missing in later ones.
  readonly #missing: Record<string, number> = {};
  // Metrics that are no numbers: null is null there.
  readonly #others = new Set<string>();
  #subscription: Subscription | undefined;
  // Where a subscription was that is taken up again.
  #place: Place | undefined;
  // Whether it is wanted, and of which session.
  #isWanted: boolean;
  #sessionId: string | null;

  constructor(client: () => TelemetryClient, options: StreamOptions) {
    this.#client = client;
    this.#options = options;
    this.#maxRecords = options.maxRecords ?? MAX_RECORDS;
    this.#isWanted = options.autoConnect ?? true;
    this.#sessionId = options.sessionId ?? null;
    this.#picture = Object.freeze({
      ...EMPTY,
      isLoading: this.#isWanted,
      sessionId: this.#sessionId,
    });
  }

  /** Hear of new pictures. While somebody does, there is a subscription. */
  listen = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    if (this.#isWanted) this.#begin(this.#place ?? this.#options.from);
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#end();
    };
  };

  /** The same object until something has changed. */
  picture = (): Picture => this.#picture;

  /** Follow a session from now on, or the same again; without a name the one of before. */
  subscribe = (sessionId: string | null = this.#sessionId): void => {
    if (sessionId !== this.#sessionId) {
      this.#end();
      this.#forget();
      this.#place = undefined;
      this.#sessionId = sessionId;
      this.#change({ sessionId, emergency: null });
    }
    this.#isWanted = true;
    if (this.#listeners.size > 0) this.#begin(this.#place ?? this.#options.from);
  };

  /** Follow nothing; what was received stays. */
  unsubscribe = (): void => {
    this.#isWanted = false;
    this.#end();
    this.#change({
      connected: false,
      feed: "down",
      reason: "Not subscribed.",
      isLoading: false,
    });
  };

  clearRecords = (): void => this.#forget();

  /** Ask for the records anew: from where the options say, or the latest that there is room for. */
  refetch = (): void => {
    this.#end();
    this.#forget();
    this.#isWanted = true;
    const { from } = this.#options;
    this.#place = undefined;
    if (this.#listeners.size === 0) return;
    this.#begin(from === undefined || from === "now" ? { last: this.#maxRecords } : from);
  };

  #begin(from: SubscribeOptions["from"]): void {
    if (this.#subscription) return;
    const { sessionId, maxRecords, autoConnect, from: _, ...options } = this.#options;
    const subscription = this.#client().subscribe(this.#sessionId, {
      ...options,
      ...(from === undefined ? {} : { from }),
    });
    this.#subscription = subscription;
    const isOfNow = from === undefined || from === "now";
    subscription.on("message", (message) => this.#take(message, isOfNow));
    subscription.on("status", (status) => this.#say(status));
    this.#change({ isLoading: true, error: null });
    this.#say(subscription.status);
  }

  #end(): void {
    const subscription = this.#subscription;
    if (!subscription) return;
    this.#subscription = undefined;
    // Nothing was received yet: then it begins where it would have begun.
    const { place } = subscription;
    if (Object.keys(place.cursors).length > 0) this.#place = place;
    subscription.close();
  }

  #forget(): void {
    this.#entries = [];
    this.#isChanged = true;
    this.#change({ skipped: 0 });
  }

  #say({ feed, reason, stopped }: Status): void {
    const error = stopped && reason !== null ? new Error(reason) : null;
    const old = this.#changes.error ?? this.#picture.error;
    const changes = { feed, reason, connected: feed === "fresh" };
    this.#change(
      error
        ? { ...changes, error }
        : feed === "fresh" && old
          ? { ...changes, error: null }
          : changes,
    );
  }

  #take(message: Message, isOfNow: boolean): void {
    const { type } = message;
    if (type === "telemetry") this.#add(message.data, message.sessionId, message.cursor);
    else if (type === "emergency") this.#change({ emergency: emergencyOf(message) });
    else if (type === "gap") this.#change({ gaps: this.#latest("gaps") + 1 });
    else if (type === "rewind") {
      this.#goBack(message.sessionId, message.step, endOf(message.cursor));
      this.#change({ rewinds: this.#latest("rewinds") + 1 });
    } else if (type === "error") {
      this.#change({ error: new Error(message.message), isLoading: false });
    } else if (type === "caught_up") this.#change({ isLoading: false });
    else if (type === "subscribed" && (isOfNow || message.exists === false)) {
      this.#change({ isLoading: false });
    }
  }

  #add(data: TelemetryRecord[], sessionId: string, cursor: string): void {
    let skipped = 0;
    for (const record of data) {
      if (!isObject(record.telemetry)) skipped += 1;
      else
        this.#entries.push({
          record: this.#shape(record, record.telemetry),
          sessionId,
          step: record.step,
          end: endOf(cursor),
        });
    }
    const tooMany = this.#entries.length - this.#maxRecords;
    if (tooMany > 0) this.#entries.splice(0, tooMany);
    this.#isChanged = true;
    this.#change(skipped > 0 ? { skipped: this.#latest("skipped") + skipped } : {});
  }

  // The record as it came; but where a number is null, or is not there though earlier records
  // had it, is NaN: `record.telemetry.phi.toFixed(3)` says so, and ends no component.
  #shape(record: TelemetryRecord, metrics: Record<string, unknown>): StreamRecord {
    const telemetry = Object.create(this.#missing);
    for (const [name, value] of Object.entries(metrics)) {
      if (name === "__proto__") continue;
      if (typeof value === "number") this.#missing[name] = NaN;
      else if (value !== null) this.#others.add(name);
      telemetry[name] = value === null && !this.#others.has(name) ? NaN : value;
    }
    return Object.freeze({ ...record, telemetry: Object.freeze(telemetry) });
  }

  // The file begins anew: records at and behind that place are not in it any more.
  #goBack(sessionId: string, step: unknown, end: number): void {
    this.#entries = this.#entries.filter((entry) => {
      if (entry.sessionId !== sessionId) return true;
      const areSteps = typeof step === "number" && typeof entry.step === "number";
      return areSteps ? (entry.step as number) < step : entry.end <= end;
    });
    this.#isChanged = true;
  }

  #latest(name: "gaps" | "rewinds" | "skipped"): number {
    return this.#changes[name] ?? this.#picture[name];
  }

  #change(changes: Partial<Picture>): void {
    Object.assign(this.#changes, changes);
    this.#cancel ??= nextFrame(() => this.#draw());
  }

  #draw(): void {
    this.#cancel = undefined;
    const old = this.#picture;
    const records = this.#isChanged
      ? Object.freeze(this.#entries.map(({ record }) => record))
      : old.records;
    const latestRecord = records.at(-1) ?? null;
    const picture: Picture = { ...old, ...this.#changes, records, latestRecord };
    this.#changes = {};
    this.#isChanged = false;
    const names = Object.keys(picture) as (keyof Picture)[];
    if (names.every((name) => Object.is(picture[name], old[name]))) return;
    this.#picture = Object.freeze(picture);
    for (const listener of [...this.#listeners]) listener();
  }
}

// Whatever the shape of an emergency: `emergency.emergency.reason` is a text.
function emergencyOf({ data }: EmergencyMessage): StreamEmergency {
  const inner = isObject(data.emergency) ? data.emergency : data;
  const told = inner.reason ?? inner.message ?? inner.type ?? data.reason;
  const reason = typeof told === "string" ? told : JSON.stringify(told ?? data);
  return Object.freeze({ ...data, emergency: Object.freeze({ ...inner, reason }) });
}

// The byte behind a record's line.
function endOf(cursor: string): number {
  return Number(cursor.split("-")[1]);
}

// Once, at the next frame, or soon where there are none.
function nextFrame(draw: () => void): () => void {
  let frame: number | undefined;
  const once = () => {
    clearTimeout(timer);
    if (frame !== undefined) cancelAnimationFrame(frame);
    draw();
  };
  const timer = setTimeout(once, HIDDEN_MS);
  if (typeof requestAnimationFrame === "function") frame = requestAnimationFrame(once);
  return once;
}

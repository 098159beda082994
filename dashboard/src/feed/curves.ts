// The curves of one session: history by the server's roll-ups, what comes by one
// subscription, and no seam between them.

import { type Cursor, isAfter, type Series, type Subscription, TailcastError } from "tailcast";
import type { Axis } from "../core/address.js";
import { misfit, Picture, type Point } from "../core/picture.js";
import { namesFor, valueIn } from "../core/records.js";
import type { Span } from "../core/spans.js";
import { EMERGENCIES } from "./everything.js";
import { type Batch, Meanwhile } from "./meanwhile.js";
import { client } from "./server.js";
import { Value } from "./value.js";

/** How many charts are drawn at once: as many metrics as one answer of the server has. */
export const MAX_METRICS = 50;
const ROWS = 1_000;
// How many of the latest records tell where they have their metrics.
const PROBE = 20;
const RETRY_MS = 2_000;
// When the indexer has judged what a falling step means.
const SETTLE_MS = 2_500;
const MAX_SETTLE_MS = 60_000;
const CUT_MS = 500;
// An answer that ends in the midst of a message is asked for again, so often.
const REFINE_TRIES = 5;

export interface CurvesState {
  /** What the curves are drawn along, and why it is not what was asked for. */
  readonly axis: Axis;
  readonly misfit: string | null;
  /** Why there are no curves, or none that are new; null if all is well. */
  readonly problem: string | null;
  /** The session has no record yet. */
  readonly isWaiting: boolean;
  /** What is stored is still to come: the index was behind, or the connection away. */
  readonly isBehind: boolean;
  /** Metrics that were asked for and do not exist. */
  readonly unknown: readonly string[];
}

export interface Paused {
  readonly x: number | null;
  /** `received` at that moment. */
  readonly since: number;
}

const WHOLE: Span = { from: null, to: null };

export class Curves {
  readonly session: string;
  /** Grows whenever there is something else to draw. */
  readonly version = new Value(0);
  readonly state: Value<CurvesState>;
  /** Where the view stands still, and since which record; null while it follows. */
  readonly paused = new Value<Paused | null>(null);
  /** How many records came since it was opened. */
  received = 0;
  /** How many metrics the session has, as was said last. */
  readonly of = new Value(0);
  #metrics: readonly string[] = [];
  #axis: Axis;
  #span: Span = WHOLE;
  #whole: Picture | undefined;
  #zoomed: Picture | undefined;
  #still: Picture | undefined;
  #subscription: Subscription | undefined;
  #names = "";
  // What is asked for now; answers to anything before are thrown away.
  #loads = 0;
  #refines = 0;
  readonly #meanwhile = new Meanwhile();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #settleMs = SETTLE_MS;
  // That the file began anew, since it was looked at.
  #anew: string | undefined;
  #isClosed = false;

  constructor(session: string, axis: Axis = "step") {
    this.session = session;
    this.#axis = axis;
    this.state = new Value<CurvesState>({
      axis,
      misfit: null,
      problem: null,
      isWaiting: false,
      isBehind: false,
      unknown: [],
    });
  }

  /** What is to be drawn; what is there is kept until something else has come. */
  show(metrics: readonly string[], axis: Axis, span: Span = WHOLE): void {
    const some = metrics.slice(0, MAX_METRICS);
    const isSame =
      axis === this.#axis && JSON.stringify(some) === JSON.stringify(this.#metrics);
    const isSameSpan = span.from === this.#span.from && span.to === this.#span.to;
    this.#span = span;
    if (!isSame || this.#loads === 0) {
      this.#metrics = some;
      this.#axis = axis;
      void this.#load();
    }
    if (!isSame || !isSameSpan) void this.#refine();
  }

  /** All of the session; undefined before the first answer. */
  get whole(): Picture | undefined {
    return this.#whole;
  }

  /** All of it that is shown: up to where the view stands still. */
  get shown(): Picture | undefined {
    return this.#still ?? this.#whole;
  }

  /** The span that is shown, in full if that has come. */
  get picture(): Picture | undefined {
    const { from, to } = this.#span;
    const span = this.#zoomed?.span;
    if (span?.from === from && span.to === to) return this.#zoomed;
    return this.shown;
  }

  /** Let the view stand still at a place, or where it is; what comes meanwhile is kept. */
  pause(at?: number): void {
    const { whole } = this;
    if (whole === undefined || this.paused.get() !== null) return;
    this.#stand(whole, at);
    void this.#refine();
  }

  /** Show what has come since, and what comes. */
  follow(): void {
    if (this.paused.get() === null) return;
    this.#still = undefined;
    this.paused.set(null);
    void this.#refine();
    this.#changed();
  }

  #stand(whole: Picture, at: number | undefined): void {
    const still = whole.copy(at);
    this.#still = still;
    this.paused.set({ x: still.x, since: this.received - (whole.of - still.of) });
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#subscription?.close();
    this.#subscription = undefined;
  }

  async #load(): Promise<void> {
    this.#loads += 1;
    const load = this.#loads;
    const metrics = this.#metrics;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    try {
      const { answer, kept } = await this.#meanwhile.ask(async () => {
        const [series, records] = await Promise.all([this.#series(this.#axis), this.#latest()]);
        const why = this.#metrics.length > 0 ? misfit(series) : null;
        return { series: why === null ? series : await this.#series("record"), why, records };
      });
      if (load !== this.#loads || this.#isClosed) return;
      const { series, why, records } = answer;
      const picture = Picture.of(series, metrics);
      // A last row of several records has their mean, and not the last value.
      for (const [metric, curve] of picture.curves) {
        const values = records.map((record) => valueIn(record, metric));
        curve.last ??= values.findLast((value) => value !== undefined);
      }
      const names = namesFor(metrics, records);
      // With other metrics, or in the midst of a message, records come anew from there.
      const isNew = JSON.stringify(names) !== this.#names || !this.#subscription;
      const goesOn = !isNew && this.#join(picture, kept);
      if (this.#axis !== series.x || this.state.get().axis !== series.x) {
        this.#zoomed = undefined;
      }
      if (this.#anew) picture.mark({ kind: "rewind", x: null, text: this.#anew });
      this.#whole = picture;
      // Along another axis it is another place.
      const { axis, x } = this.#still ?? {};
      if (axis) this.#stand(picture, axis === picture.axis ? (x ?? undefined) : undefined);
      this.state.set({
        axis: series.x,
        misfit: why,
        problem: null,
        isWaiting: false,
        isBehind: false,
        unknown: series.unknown ?? [],
      });
      if (!goesOn) this.#subscribe({ cursor: picture.cursor ?? series.cursor }, names);
      this.#changed();
    } catch (error) {
      if (load !== this.#loads || this.#isClosed) return;
      this.#failed(error);
    }
  }

  async #refine(tries = REFINE_TRIES): Promise<void> {
    this.#refines += 1;
    const refine = this.#refines;
    const span = this.#span;
    const still = this.#still?.x ?? null;
    const to = still === null ? span.to : Math.min(still, span.to ?? still);
    if (span.from === null && span.to === null) {
      this.#zoomed = undefined;
      this.#changed();
      return;
    }
    const metrics = this.#metrics;
    if (metrics.length === 0) return;
    try {
      const { answer, kept } = await this.#meanwhile.ask(() =>
        this.#series(this.state.get().axis, { from: span.from, to }),
      );
      if (refine !== this.#refines || this.#isClosed) return;
      const picture = Picture.of(answer, metrics, span);
      picture.marks = [];
      const isStill = this.#still !== undefined;
      if (!isStill && !this.#join(picture, kept) && tries > 1) {
        void this.#refine(tries - 1);
        return;
      }
      this.#zoomed = picture;
      this.#changed();
    } catch (error) {
      // The whole is drawn in its place.
      if (refine === this.#refines && !this.#isClosed) this.#say(error);
    }
  }

  #series(x: Axis, { from, to }: Span = WHOLE): Promise<Series> {
    // Without a metric it is asked for the place up to which there is something.
    const some = this.#metrics.length > 0;
    return client.series(this.session, {
      ...(some ? { metrics: [...this.#metrics] } : {}),
      points: some ? ROWS : 2,
      x,
      ...(from === null ? {} : { from }),
      ...(to === null ? {} : { to }),
    });
  }

  /** The latest records: where they have their metrics, and which values. */
  #latest(): Promise<readonly Record<string, unknown>[]> {
    return client
      .get("/api/records", { sessionId: [this.session], from: `last:${PROBE}`, limit: PROBE })
      .then((page) => (page as { data: Record<string, unknown>[] }).data)
      .catch(() => []);
  }

  /** Add to an answer what has come since; whether that was all, up to here. */
  #join(picture: Picture, kept: readonly Batch[]): boolean {
    for (const batch of kept) if (!this.#add(picture, batch)) return false;
    return !isAfter(this.#whole?.cursor ?? null, picture.cursor);
  }

  /** Add a batch that follows on; false if the picture ends in the midst of it. */
  #add(picture: Picture, { prev, cursor, points, first }: Batch): boolean {
    if (!isAfter(cursor, picture.cursor)) return true;
    if (prev !== undefined && isAfter(picture.cursor, prev)) return false;
    if (picture.add(points, first)) this.#settle();
    picture.cursor = cursor;
    return true;
  }

  #subscribe(from: { cursor: string } | "start", names: string[] | undefined): void {
    this.#subscription?.close();
    this.#names = JSON.stringify(names);
    const subscription = client.subscribe(this.session, {
      from,
      index: true,
      newMetrics: true,
      // Those that all sessions have brought so far may lie behind this place.
      emergencies: EMERGENCIES,
      ...(names === undefined ? {} : { metrics: names }),
    });
    this.#subscription = subscription;
    const mine = (does: () => void) => {
      if (this.#subscription === subscription) does();
    };
    subscription.on("telemetry", ({ prev, cursor, data, steps, times, replayed }) =>
      mine(() => {
        this.#set({ isBehind: replayed === true });
        const points = data.map((record, at) => {
          if (record.truncated === true) this.#settle();
          return this.#point(record, steps?.[at] ?? null, times?.[at] ?? null);
        });
        this.#take(prev, cursor, points);
      }),
    );
    subscription.on("emergency", ({ cursor, data, prev }) =>
      mine(() => {
        // A line like others; one that is only announced comes again in its place.
        if (cursor !== undefined) this.#take(prev, cursor, [this.#point(data, null, null)]);
      }),
    );
    subscription.on("gap", ({ to, reason }) =>
      mine(() => {
        for (const picture of this.#pictures()) {
          picture.gap(reason);
          picture.cursor = to;
        }
        this.#changed();
      }),
    );
    subscription.on("rewind", ({ reason, cursor, step, rotated }) =>
      mine(() => {
        if (this.#whole) this.#whole.cursor = cursor;
        // What is before stays, as far as the run goes on: the server knows.
        if (reason === "resumed" || rotated) return this.#settle();
        this.#anew = step === null ? "began anew" : `began anew at step ${step}`;
        if (offsetOf(cursor) > 0) {
          // Cut off there: what is before stays, and the server knows what that is.
          this.#settle(CUT_MS);
          return;
        }
        this.#whole?.clear(this.#anew);
        this.#zoomed = undefined;
        this.#changed();
        void this.#refine();
      }),
    );
    subscription.on("caught_up", () => mine(() => this.#set({ isBehind: false })));
    subscription.on("metric", ({ names, of }) =>
      mine(() => {
        if (of === this.of.get()) return;
        this.of.set(of);
        // Without names any may have come while we could not be told.
        const { unknown } = this.state.get();
        const came = names.length > 0 ? names : unknown;
        if (came.some((name) => unknown.includes(name))) this.#settle();
      }),
    );
    subscription.on("error", ({ message }) => mine(() => this.#set({ problem: message })));
  }

  #point(record: Record<string, unknown>, step: number | null, time: number | null): Point {
    const values = new Map<string, number>();
    for (const metric of this.#metrics) {
      const value = valueIn(record, metric);
      if (value !== undefined) values.set(metric, value);
    }
    return { step, time, values };
  }

  #take(prev: Cursor | undefined, cursor: Cursor, points: readonly Point[]): void {
    const whole = this.#whole;
    if (whole === undefined) return;
    const batch = { prev, cursor, points, first: whole.of };
    this.#meanwhile.take(batch);
    this.received += points.length;
    if (!this.#add(whole, batch)) this.#settle();
    if (!this.#still && this.#zoomed && !this.#add(this.#zoomed, batch)) void this.#refine();
    if (this.state.get().isWaiting) {
      this.#set({ isWaiting: false });
      this.#settle();
    }
    this.#changed();
  }

  *#pictures(): Iterable<Picture> {
    if (this.#whole) yield this.#whole;
    if (this.#zoomed) yield this.#zoomed;
  }

  /** Ask again, once the indexer has judged; less often each time. */
  #settle(afterMs = this.#settleMs): void {
    if (this.#timer !== undefined || this.#isClosed) return;
    this.#timer = setTimeout(() => void this.#load(), afterMs);
    this.#settleMs = Math.min(MAX_SETTLE_MS, this.#settleMs * 2);
  }

  #failed(error: unknown): void {
    const isUnknown = error instanceof TailcastError && error.status === 404;
    // It is waited for, as for one whose file has no line yet.
    if (isUnknown && !this.#subscription) {
      this.#whole = new Picture(this.#metrics, this.#axis, WHOLE);
      this.#set({ axis: this.#axis, misfit: null, problem: null, isWaiting: true });
      this.#subscribe("start", undefined);
      this.#changed();
      return;
    }
    this.#say(error);
    const refused = error instanceof TailcastError && error.status === 400;
    if (refused || this.#timer !== undefined) return;
    const after = error instanceof TailcastError ? error.retryAfterMs : undefined;
    this.#timer = setTimeout(() => void this.#load(), after ?? RETRY_MS);
  }

  #say(error: unknown): void {
    this.#set({ problem: error instanceof Error ? error.message : String(error) });
  }

  #set(change: Partial<CurvesState>): void {
    const now = this.state.get();
    const names = Object.keys(change) as (keyof CurvesState)[];
    if (names.some((name) => change[name] !== now[name])) this.state.set({ ...now, ...change });
  }

  #changed(): void {
    this.version.set(this.version.get() + 1);
  }
}

/** How many bytes of the file are before a place. */
function offsetOf(cursor: string): number {
  return Number(cursor.split("-")[1]);
}

// One subscription as the server has it: which sessions, in which form, and how far each has
// come. Pure: messages in, messages to pass on out.

import { type Cursor, isAfter } from "./cursors.js";
import { overlap, type Selector, type Sessions, select } from "./selectors.js";
import type { From, Message, Place, SubscribeOptions } from "./types.js";

/** Emergencies that are whole files have their places under this name. */
export const EMERGENCIES = "!emergencies";
// A message to the server is at most 64 KiB, and a character up to three bytes.
const MAX_PLACES_CHARS = 16_000;
const MAX_IDS = 1_000;
/** True of no record: no text is before the empty one. What is beside them comes all the same. */
const NO_RECORD = { metric: "step", op: "lt", value: "" };
/** What is told of a session beside its records. */
const NEWS = new Set(["session", "contested", "metric", "revoked"]);

/** A message of the server: fields beyond its type are looked at as they come. */
export type Incoming = { type: string; [field: string]: any };

/** Whether a message is to be passed on, or shows that something before it is missing. */
export type Verdict = boolean | "missing";

export class Flow {
  readonly selector: Selector;
  readonly options: SubscribeOptions;
  /** What subscriptions that share a connection and sessions must have in common. */
  readonly form: string;
  /** Whether it wants no records, only what is said beside them. */
  readonly isQuiet: boolean;
  /** Of the subscribe that was sent last; what was asked before is over. */
  id = 0;
  /** Whether the server has confirmed it. */
  isActive = false;
  /** Whether nothing of the past is still to come. */
  isLive = false;
  /** What the server said last when it confirmed it. */
  subscribed: Message | undefined;
  /** Emergencies of late, as many as were asked for: for whoever joins. */
  readonly recent: Message[] = [];
  readonly #cursors = new Map<string, Cursor>();
  #at: string | undefined;
  // Whether places are known that are better to begin at than `from`.
  #hasPlaces = false;
  // Behind which something was missing: asked for once.
  #missed: Cursor = null;
  // Of emergencies that were told: they come again in their place, or after a reconnect.
  readonly #told = new Set<string>();

  constructor(sessions: Sessions, options: SubscribeOptions) {
    this.selector = select(sessions);
    const { from = "now", ...form } = options;
    this.options = options;
    this.isQuiet = options.records === false;
    this.form = JSON.stringify(Object.entries(form).sort());
    if (isPlace(from)) this.#goTo(from);
  }

  /** How far it is: enough to go on from there, in another connection or another time. */
  get place(): Place {
    const cursors = Object.fromEntries(this.#cursors);
    return this.#at === undefined ? { cursors } : { cursors, at: this.#at };
  }

  /** The same subscription at the same place, for another connection. */
  copy(): Flow {
    const copy = new Flow(this.selector.sessions, this.options);
    copy.#goTo(this.place);
    copy.#hasPlaces = this.#hasPlaces;
    for (const id of this.#told) copy.#told.add(id);
    return copy;
  }

  /** Whether one connection can bring both: what is sent for one is right for the other. */
  accepts(newcomer: Flow): boolean {
    if (!overlap(this.selector, newcomer.selector)) return true;
    // What brings a session's records brings what is said beside them; the newest counts.
    if (this.isQuiet && !newcomer.isQuiet) return newcomer.selector.one !== undefined;
    if (this.form !== newcomer.form) return false;
    if (this.isLive && newcomer.#start === '"now"') return true;
    return !this.isActive && this.#start === newcomer.#start;
  }

  /** Whether it is the same as another, so that one serves for both. */
  equals(other: Flow): boolean {
    return this.selector.key === other.selector.key && this.form === other.form;
  }

  /** The messages that ask for it; `add` if there are others already. */
  requests(id: number, add: boolean): object[] {
    this.id = id;
    this.isActive = false;
    const { from } = this.options;
    // To say "now" would move sessions that others have already; unsaid, it is the same.
    const isSaid = from !== "now" && !isPlace(from);
    const last: Record<string, unknown> = {
      type: "subscribe",
      id,
      ...this.selector.fields,
      ...this.fields,
      add: add || undefined,
      // One session begins at its cursor; of several, `from` is for those without one.
      from: isSaid && !(this.#hasPlaces && this.selector.one) ? from : undefined,
    };
    if (!this.#hasPlaces) {
      const emergencies = this.#cursors.get(EMERGENCIES);
      if (emergencies !== undefined) last.cursors = { [EMERGENCIES]: emergencies };
      return [last];
    }
    last.at = this.#at;
    const pieces = this.#pieces();
    last.cursors = pieces.pop();
    const before = pieces.map((cursors) => ({ type: "subscribe", cursors, more: true }));
    return [...before, last];
  }

  /** What it asks for, in the words of the protocol. */
  get fields(): object {
    const { from, records, ...form } = this.options;
    return this.isQuiet ? { ...form, where: NO_RECORD } : form;
  }

  /** Where whole-file emergencies are, if that was not known. */
  learn(emergencies: Cursor): void {
    if (!this.#cursors.has(EMERGENCIES)) this.#cursors.set(EMERGENCIES, emergencies);
  }

  get lacksEmergencies(): boolean {
    return !this.#cursors.has(EMERGENCIES);
  }

  /** What a message means to this subscription. */
  take(message: Incoming): Verdict {
    const { type, sessionId, cursor } = message;
    const isAnswer = message.id === this.id;
    if (type === "subscribed" && isAnswer) {
      this.#begin(message);
      return true;
    }
    if (!this.isActive) return false;
    if (type === "positions" && isAnswer) {
      this.#set(message.cursors);
      this.#at = message.at;
      if (!message.more) this.#hasPlaces = true;
      return false;
    }
    if (type === "heartbeat" || type === "closing") {
      for (const [name, place] of Object.entries<Cursor>(message.cursors ?? {})) {
        if (this.#concerns(name) && isAfter(place, this.#cursors.get(name))) {
          this.#cursors.set(name, place);
        }
      }
      return false;
    }
    if (type === "snapshot") return isAnswer;
    if (cursor === undefined && (type === "emergency" || type === "acknowledged")) {
      return this.#takeUnplaced(message);
    }
    if (sessionId === undefined || !this.#concerns(sessionId)) return false;
    if (type === "telemetry" || type === "emergency") return this.#takeRecords(message);
    if (type === "gap" || type === "rewind") {
      this.#cursors.set(sessionId, message.to ?? cursor);
      return true;
    }
    if (type === "caught_up") {
      if (cursor !== null) this.#cursors.set(sessionId, cursor);
      if (this.selector.one === sessionId) this.isLive = true;
      return sessionId !== EMERGENCIES;
    }
    return NEWS.has(type);
  }

  #begin(message: Incoming): void {
    this.isActive = true;
    this.subscribed = message as Message;
    const { one } = this.selector;
    if ((this.options.from ?? "now") === "now" && !this.#hasPlaces) this.isLive = true;
    if (one === undefined) return;
    this.#set({ [one]: message.cursor });
    this.#hasPlaces = true;
  }

  #takeRecords(message: Incoming): Verdict {
    const { sessionId, cursor, prev } = message;
    const mine = this.#cursors.get(sessionId);
    if (mine != null && !isAfter(cursor, mine)) return false;
    const mayMiss = mine != null && prev !== undefined && !this.isQuiet;
    if (mayMiss && isAfter(prev, mine) && prev !== this.#missed) {
      this.#missed = prev;
      return "missing";
    }
    this.#cursors.set(sessionId, cursor);
    if (message.type === "telemetry") return !this.isQuiet;
    return this.#isNew(message);
  }

  // An announcement, one of before, or a whole file, which names the session that it is of,
  // or none; and who has seen one.
  #takeUnplaced(message: Incoming): Verdict {
    const { type, sessionId, cursors } = message;
    this.#set(cursors ?? {});
    const isMine = sessionId === undefined || this.selector.matches(sessionId);
    return isMine && (type === "acknowledged" || this.#isNew(message));
  }

  #isNew(emergency: Incoming): boolean {
    if (this.#told.has(emergency.id)) return false;
    this.#told.add(emergency.id);
    this.recent.push(emergency as Message);
    if (this.recent.length > (this.options.emergencies ?? 0)) this.recent.shift();
    for (const oldest of this.#told) {
      if (this.#told.size <= MAX_IDS) break;
      this.#told.delete(oldest);
    }
    return true;
  }

  #concerns(name: string): boolean {
    return name === EMERGENCIES || this.selector.matches(name);
  }

  #set(cursors: Record<string, Cursor>): void {
    for (const [name, cursor] of Object.entries(cursors)) {
      // None, after one that is known: the server waits for it to come back.
      if (this.#concerns(name))
        this.#cursors.set(name, cursor ?? this.#cursors.get(name) ?? null);
    }
  }

  get #start(): string {
    return JSON.stringify(this.#hasPlaces ? this.place : (this.options.from ?? "now"));
  }

  #goTo(place: Place): void {
    for (const [name, cursor] of Object.entries(place.cursors)) this.#cursors.set(name, cursor);
    this.#at = place.at;
    this.#hasPlaces = this.selector.one === undefined || this.#cursors.has(this.selector.one);
  }

  #pieces(): Record<string, Cursor>[] {
    const pieces: Record<string, Cursor>[] = [];
    let chars = Infinity;
    for (const [name, cursor] of this.#cursors) {
      const size = JSON.stringify(name).length + 40;
      if (chars + size > MAX_PLACES_CHARS) chars = pieces.push({}) * 0;
      chars += size;
      pieces.at(-1)![name] = cursor;
    }
    return pieces.length > 0 ? pieces : [{}];
  }
}

function isPlace(from: From | undefined): from is Place {
  return typeof from === "object" && "cursors" in from;
}

// One WebSocket and what is subscribed to on it: opened, judged by what it brings, left and
// made anew. All state of a connection is here; what decides is in `flow` and `pauses`.

import { EMERGENCIES, type Flow, type Incoming } from "./flow.js";
import { isFinal, pauseMs, Silence } from "./pauses.js";
import { overlap } from "./selectors.js";
import type { Message, Status } from "./types.js";
import { mayHaveNonFinite, revive } from "./values.js";

const BEAT_MS = 1_000;
const TICK_MS = 500;
/** Nothing for so long: what is written now may not come. */
const STALE_MS = 3_000;
/** Nothing for so long: there is nobody. */
const LOST_MS = 10_000;
/** How long somebody who woke up waits for an answer. */
const PROBE_MS = 3_000;
/** How long a connection without subscriptions is kept for the next one. */
const GRACE_MS = 1_000;
const ANSWER_MS = 10_000;
/** So many are left named; a server takes about a thousand. */
const MAX_LEFT = 500;
const NO_SESSION = "\\!emergencies";

const FEEDS: Record<string, string> = {
  stale: "The broker or the tailer does not answer.",
  down: "The server has lost its broker.",
};
const SILENT = { reason: "The server does not answer." };
const WAKING = ["online", "pageshow", "visibilitychange"];
/** A server says so long before a token ends that it does; or later, of a short one. */
const RENEWAL_MS = 60_000;
/** The close code, and the code of errors, that mean: this token does not count. */
const REFUSED = 4401;
const NOT_AUTHENTICATED = "not_authenticated";

/** What a subscription is told by its connection. */
export interface Listener {
  deliver(message: Message, chars: number): void;
  statusChanged(status: Status): void;
  fail(error: Incoming): void;
  /** Nothing follows: the connection was ended by the program. */
  end(): void;
}

/** What connections need of the world. */
export interface Surroundings {
  readonly url: string;
  readonly WebSocket: typeof WebSocket;
  token(): string | undefined | Promise<string | undefined>;
  /** A message of any type, for whoever wants to see them all. */
  received(message: Incoming): void;
  statusChanged(): void;
  /** Nobody needs the connection any more. */
  ended(connection: Connection): void;
}

interface Question {
  readonly message: object;
  parts: Incoming[];
  readonly settle: (error: Error | null, parts: Incoming[]) => void;
}

export class Connection {
  status = say({ reason: "Not connected." });
  readonly #world: Surroundings;
  readonly #flows = new Map<Flow, Set<Listener>>();
  readonly #questions = new Map<number, Question>();
  // Undefined while there is none, or none is tried.
  #socket: WebSocket | undefined;
  // Numbers the tries: what belongs to an earlier one is over.
  #tries = 0;
  #ids = 0;
  // Of the question where whole-file emergencies are.
  #emergenciesID = 0;
  #failures = 0;
  // How many sessions are named to the server that others are subscribed to besides.
  #left = 0;
  // How long the server wants us to stay away, until we come back.
  #told: number | undefined;
  // What ended the last connection, in the server's words or in ours.
  #why: Partial<Status> | undefined;
  #isStopped = false;
  // Whether the last token did not count: another one is asked for once.
  #isRefused = false;
  // What the server said last of its feed; undefined before.
  #feed: Status["feed"] | undefined;
  #silence = new Silence(TICK_MS, 0);
  #ticks: ReturnType<typeof setInterval> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #renewal: ReturnType<typeof setTimeout> | undefined;
  #grace: ReturnType<typeof setTimeout> | undefined;

  constructor(world: Surroundings) {
    this.#world = world;
    for (const event of WAKING) globalThis.window?.addEventListener(event, this.#wake);
  }

  /** Whether a subscription can be served beside those that are here. */
  accepts(flow: Flow): boolean {
    return [...this.#flows.keys()].every((other) => other.accepts(flow));
  }

  /** Begin to serve a subscription; the flow that brings it, which another may share. */
  add(flow: Flow, listener: Listener): Flow {
    clearTimeout(this.#grace);
    for (const [other, listeners] of this.#flows) {
      if (!other.equals(flow)) continue;
      listeners.add(listener);
      const { subscribed, isActive, recent } = other;
      if (subscribed && isActive) {
        const told = [subscribed, ...recent];
        queueMicrotask(() => {
          for (const message of told) listener.deliver(message, 0);
        });
      }
      return other;
    }
    this.#request(flow);
    this.#flows.set(flow, new Set([listener]));
    this.#askForEmergencies();
    this.#start();
    return flow;
  }

  remove(flow: Flow, listener: Listener): void {
    const listeners = this.#flows.get(flow);
    if (!listeners?.delete(listener) || listeners.size > 0) return;
    this.#flows.delete(flow);
    this.#forget(flow);
    this.#restIfIdle();
  }

  /** The answer to a question, in all its pieces. */
  ask(message: object): Promise<Incoming[]> {
    const id = ++this.#ids;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => settle(new Error(SILENT.reason), []), ANSWER_MS);
      const settle = (error: Error | null, parts: Incoming[]) => {
        clearTimeout(timer);
        this.#questions.delete(id);
        if (error) reject(error);
        else resolve(parts);
        this.#restIfIdle();
      };
      const question = { message: { ...message, id }, parts: [], settle };
      this.#questions.set(id, question);
      clearTimeout(this.#grace);
      this.#send(question.message);
      this.#start();
    });
  }

  /** Try again now, also after the server said not to come back. */
  reconnect(): void {
    this.#isStopped = false;
    if (!this.#socket) this.#open();
  }

  /** End it for good. */
  close(): void {
    const listeners = [...this.#flows.values()].flatMap((those) => [...those]);
    this.#flows.clear();
    this.#leave();
    for (const { settle } of [...this.#questions.values()]) settle(new Error("closed"), []);
    clearTimeout(this.#grace);
    for (const listener of listeners) listener.end();
    for (const event of WAKING) globalThis.window?.removeEventListener(event, this.#wake);
    this.#world.ended(this);
  }

  get #isOpen(): boolean {
    return this.#socket?.readyState === 1;
  }

  #start(): void {
    if (!this.#socket && this.#retry === undefined && !this.#isStopped) this.#open();
  }

  #restIfIdle(): void {
    clearTimeout(this.#grace);
    if (this.#flows.size + this.#questions.size > 0) return;
    this.#grace = setTimeout(() => this.close(), GRACE_MS);
  }

  #open(): void {
    clearTimeout(this.#retry);
    this.#retry = undefined;
    clearInterval(this.#ticks);
    this.#tries += 1;
    this.#told = undefined;
    this.#silence = new Silence(TICK_MS, Date.now());
    this.#ticks = setInterval(() => this.#tick(), TICK_MS);
    this.#tell();
    this.#withToken(
      (token) => this.#connect(token),
      (error) => this.#end(0, { reason: `No token: ${error}` }),
    );
  }

  // Ask for a token and go on with it, unless it belongs to a connection of before by then.
  #withToken(use: (token?: string) => void, fail?: (error: unknown) => void): void {
    const mine = this.#tries;
    const token = this.#world.token();
    if (!(token instanceof Promise)) use(token);
    else
      token.then(
        (text) => mine === this.#tries && use(text),
        (error) => mine === this.#tries && fail?.(error),
      );
  }

  // At some time in the first half of what is left: many tokens may end together. Whoever
  // gets none is sent away when the old one ends, and asks again before it comes back.
  #renew(expiresAt: number): void {
    const leftMs = Math.min(RENEWAL_MS, expiresAt - Date.now());
    this.#renewal = setTimeout(
      () => this.#withToken((token) => this.#show(token)),
      (Math.random() * leftMs) / 2,
    );
  }

  // Servers without authentication take any token.
  #show(token: string | undefined): void {
    if (token !== undefined) this.#send({ type: "auth", token });
  }

  #connect(token: string | undefined): void {
    const socket = new this.#world.WebSocket(this.#world.url);
    this.#socket = socket;
    socket.onopen = () => {
      this.#show(token);
      this.#send({ type: "heartbeat", everyMs: BEAT_MS });
      this.#sendAll();
      for (const question of this.#questions.values()) {
        question.parts = [];
        this.#send(question.message);
      }
    };
    socket.onmessage = ({ data }) => this.#receive(data);
    socket.onclose = ({ code }) => this.#end(code);
  }

  #receive(text: string): void {
    this.#silence.end();
    this.#failures = 0;
    let message: Incoming;
    try {
      message = JSON.parse(text);
    } catch {
      return;
    }
    if (mayHaveNonFinite(text)) {
      for (const field of ["data", "snapshots", "metrics"]) revive(message[field]);
    }
    this.#world.received(message);
    const { type, id } = message;
    if (type === "heartbeat") {
      this.#feed = message.feed ?? "fresh";
      this.#isRefused = false;
    } else if (type === "draining") this.#told = message.reconnectAfterMs;
    else if (type === "expiring") this.#renew(message.expiresAt);
    else if (type === "error") {
      this.#takeError(message);
      return;
    } else if (type === "positions" && id === this.#emergenciesID) {
      for (const flow of this.#flows.keys()) flow.learn(message.cursors[EMERGENCIES] ?? null);
      this.#send({ type: "unsubscribe", sessionIds: [NO_SESSION] });
    } else if (this.#questions.has(id)) {
      const { parts, settle } = this.#questions.get(id)!;
      parts.push(message);
      if (!message.more) settle(null, parts);
    }
    this.#route(message, text.length);
    if (type === "heartbeat" || !this.status.connected) this.#tell();
  }

  #route(message: Incoming, chars: number): void {
    for (const [flow, listeners] of [...this.#flows]) {
      const verdict = flow.take(message);
      if (verdict === "missing") this.#request(flow);
      if (verdict !== true) continue;
      for (const listener of [...listeners]) listener.deliver(message as Message, chars);
    }
  }

  #takeError(message: Incoming): void {
    const { id, close, code, retryAfterMs, message: text } = message;
    // Said of each message to a server that does not know who asks.
    const isUnknown = code === NOT_AUTHENTICATED && this.#feed === undefined;
    if (isUnknown || close !== undefined) {
      this.#told = retryAfterMs;
      this.#why = { reason: text, code };
      if (retryAfterMs === undefined) this.#end(close ?? REFUSED, this.#why, true);
      return;
    }
    this.#questions.get(id)?.settle(new Error(text), []);
    for (const [flow, listeners] of [...this.#flows]) {
      if (flow.id !== id) continue;
      if (retryAfterMs !== undefined) {
        setTimeout(() => {
          if (flow.id === id && this.#flows.has(flow)) this.#request(flow);
        }, retryAfterMs);
        // While one of several sessions is unavailable, the server tries it again.
      } else if (code !== "session_unavailable") {
        for (const listener of [...listeners]) listener.fail(message);
        this.#flows.delete(flow);
        this.#restIfIdle();
      }
    }
  }

  #end(code: number, why?: Partial<Status>, isFinalWord = isFinal(code)): void {
    this.#leave();
    this.#why = why ?? this.#why ?? { reason: "The connection was lost." };
    this.#isStopped = isFinalWord && (code !== REFUSED || this.#isRefused);
    this.#isRefused ||= code === REFUSED;
    if (!this.#isStopped) {
      const waitMs = this.#told ?? pauseMs(this.#failures++, Math.random());
      this.#retry = setTimeout(() => this.#open(), waitMs);
      this.#tell(Date.now() + waitMs);
    } else this.#tell();
  }

  #leave(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#tries += 1;
    this.#feed = undefined;
    clearInterval(this.#ticks);
    clearTimeout(this.#renewal);
    clearTimeout(this.#retry);
    this.#retry = undefined;
    for (const flow of this.#flows.keys()) flow.isActive = false;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    // An error of a socket that was left is nobody's.
    socket.onerror = () => {};
    socket.close();
  }

  #tick(): void {
    const silentMs = this.#silence.tick(Date.now());
    if (silentMs >= LOST_MS) this.#end(0, SILENT);
    else if (silentMs >= STALE_MS && this.#isOpen) {
      this.#tell(null, say({ feed: "stale", ...SILENT }));
    }
  }

  // The network is back, or the page: ask now, unless the server said when.
  #wake = (): void => {
    if (globalThis.document?.visibilityState === "hidden") return;
    if (this.#retry !== undefined && this.#told === undefined) this.#open();
    if (!this.#isOpen) return;
    this.#silence.atLeast(LOST_MS - PROBE_MS);
    this.#send({ type: "heartbeat" });
  };

  #tell(retryAt: number | null = null, status = this.#judge(retryAt)): void {
    const old = this.status;
    if (JSON.stringify(old) === JSON.stringify(status)) return;
    this.status = status;
    for (const listeners of this.#flows.values()) {
      for (const listener of listeners) listener.statusChanged(status);
    }
    this.#world.statusChanged();
  }

  #judge(retryAt: number | null): Status {
    if (this.#feed === undefined) {
      return say({ reason: "Connecting.", ...this.#why, retryAt, stopped: this.#isStopped });
    }
    this.#why = undefined;
    return say({ feed: this.#feed, connected: true, reason: FEEDS[this.#feed] ?? null });
  }

  /** Tell the server that nobody has this any more, but for what others have of it. */
  #forget(flow: Flow): void {
    const { selector } = flow;
    const { one, fields } = selector;
    const others = [...this.#flows.keys()].filter((one) => overlap(one.selector, selector));
    const quiet = others.find((other) => other.isQuiet);
    if (others.length === 0) this.#send({ type: "unsubscribe", ...fields });
    else if (!quiet || one === undefined || this.#left++ === MAX_LEFT) this.#sendAll();
    else if (!flow.isQuiet) {
      // The session stays one of those of which no records are wanted.
      this.#send({ type: "subscribe", ...fields, ...quiet.fields, add: true });
    }
  }

  #sendAll(): void {
    this.#left = 0;
    let add = false;
    for (const flow of this.#flows.keys()) {
      this.#request(flow, add);
      add = true;
    }
    this.#askForEmergencies();
  }

  #request(flow: Flow, add = true): void {
    this.#send(...flow.requests(++this.#ids, add));
  }

  // Whoever is subscribed to single sessions is not told where whole-file emergencies are,
  // and would miss those that come while there is no connection.
  #askForEmergencies(): void {
    const flows = [...this.#flows.keys()];
    if (!flows.some((flow) => flow.selector.one !== undefined && flow.lacksEmergencies)) return;
    this.#emergenciesID = ++this.#ids;
    this.#send({
      type: "subscribe",
      sessionIds: [NO_SESSION],
      add: true,
      id: this.#emergenciesID,
    });
  }

  #send(...messages: object[]): void {
    if (!this.#isOpen) return;
    for (const message of messages) this.#socket?.send(JSON.stringify(message));
  }
}

/** What is so; what is not said is as where there is no connection. */
export function say(said: Partial<Status>): Status {
  const nothing = { reason: null, code: null, retryAt: null, stopped: false };
  return { feed: "down", connected: false, ...nothing, ...said };
}

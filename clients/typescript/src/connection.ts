// One WebSocket and what is subscribed to on it: opened, judged by what it brings, left and
// made anew. All state of a connection is here; what decides is in `flow` and `pauses`.

import { EMERGENCIES, type Flow, type Incoming } from "./flow.js";
import { GOOD_MS, isFinal, pauseMs, Silence } from "./pauses.js";
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
const WAKING = ["online", "pageshow", "visibilitychange"];

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
  status: Status = say("down", false, "Not connected.");
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
  #openedAt = Infinity;
  // How many sessions are named to the server that others are subscribed to besides.
  #left = 0;
  // How long the server wants us to stay away.
  #told: number | undefined;
  // Whether the wait for the next try is as long as it wants.
  #isTold = false;
  #why: string | undefined;
  #isStopped = false;
  // What the server said last of its feed; undefined before.
  #feed: string | undefined;
  #silence = new Silence(TICK_MS, 0);
  #ticks: ReturnType<typeof setInterval> | undefined;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #grace: ReturnType<typeof setTimeout> | undefined;

  constructor(world: Surroundings) {
    this.#world = world;
    for (const event of WAKING) target(event)?.addEventListener(event, this.#wake);
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
    if (this.#isOpen)
      this.#send(...flow.requests(++this.#ids, true, this.#sharing(flow).length > 0));
    this.#flows.set(flow, new Set([listener]));
    if (this.#isOpen) this.#askForEmergencies();
    this.#start();
    return flow;
  }

  remove(flow: Flow, listener: Listener): void {
    const listeners = this.#flows.get(flow);
    if (!listeners?.delete(listener) || listeners.size > 0) return;
    this.#flows.delete(flow);
    if (this.#isOpen) this.#forget(flow);
    this.#restIfIdle();
  }

  /** The answer to a question, in all its pieces. */
  ask(message: object): Promise<Incoming[]> {
    const id = ++this.#ids;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => settle(new Error("The server does not answer."), []),
        ANSWER_MS,
      );
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
      if (this.#isOpen) this.#send(question.message);
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
    for (const event of WAKING) target(event)?.removeEventListener(event, this.#wake);
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
    const mine = ++this.#tries;
    this.#silence = new Silence(TICK_MS, Date.now());
    this.#ticks = setInterval(() => this.#tick(), TICK_MS);
    this.#tell();
    const token = this.#world.token();
    if (!(token instanceof Promise)) this.#connect(token);
    else
      token.then(
        (text) => mine === this.#tries && this.#connect(text),
        (error) => mine === this.#tries && this.#end(0, `No token: ${error}`),
      );
  }

  #connect(token: string | undefined): void {
    const socket = new this.#world.WebSocket(this.#world.url);
    this.#socket = socket;
    socket.onopen = () => {
      this.#openedAt = Date.now();
      // Servers without authentication take any token.
      if (token !== undefined) this.#send({ type: "auth", token });
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
      for (const field of ["data", "snapshots", "metrics"]) {
        if (field in message) revive(message[field]);
      }
    }
    this.#world.received(message);
    const { type, id } = message;
    if (type === "heartbeat") this.#feed = message.feed ?? "fresh";
    else if (type === "draining") this.#told = message.reconnectAfterMs;
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
      if (verdict === "missing") this.#send(...flow.requests(++this.#ids, true, false));
      if (verdict !== "deliver") continue;
      for (const listener of [...listeners]) listener.deliver(message as Message, chars);
    }
  }

  #takeError(message: Incoming): void {
    const { id, close, code, retryAfterMs, message: text } = message;
    if (close !== undefined) {
      this.#told = retryAfterMs;
      this.#why = text;
      if (retryAfterMs === undefined) this.#end(close, text, true);
      return;
    }
    this.#questions.get(id)?.settle(new Error(text), []);
    for (const [flow, listeners] of [...this.#flows]) {
      if (flow.id !== id) continue;
      if (retryAfterMs !== undefined) {
        setTimeout(() => this.#askAgain(flow, id), retryAfterMs);
        // While one of several sessions is unavailable, the server tries it again.
      } else if (code !== "session_unavailable") {
        for (const listener of [...listeners]) listener.fail(message);
        this.#flows.delete(flow);
        this.#restIfIdle();
      }
    }
  }

  #askAgain(flow: Flow, id: number): void {
    if (!this.#isOpen || flow.id !== id || !this.#flows.has(flow)) return;
    this.#send(...flow.requests(++this.#ids, true, this.#sharing(flow).length > 0));
  }

  #end(code: number, why?: string, isFinalWord = isFinal(code)): void {
    if (this.#socket && Date.now() - this.#openedAt >= GOOD_MS) this.#failures = 0;
    this.#leave();
    this.#why = why ?? this.#why ?? "The connection was lost.";
    this.#isStopped = isFinalWord;
    if (!isFinalWord) {
      this.#isTold = this.#told !== undefined;
      const waitMs = this.#told ?? pauseMs(this.#failures++, Math.random());
      this.#told = undefined;
      this.#retry = setTimeout(() => this.#open(), waitMs);
      this.#tell(Date.now() + waitMs);
    } else this.#tell();
  }

  #leave(): void {
    const socket = this.#socket;
    this.#socket = undefined;
    this.#tries += 1;
    this.#openedAt = Infinity;
    this.#feed = undefined;
    clearInterval(this.#ticks);
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
    if (silentMs >= LOST_MS) this.#end(0, "The server does not answer.");
    else if (silentMs >= STALE_MS && this.#isOpen) {
      this.#tell(null, say("stale", false, "The server does not answer."));
    }
  }

  // The network is back, or the page: ask now, unless the server said when.
  #wake = (): void => {
    if (globalThis.document?.visibilityState === "hidden") return;
    if (this.#retry !== undefined && !this.#isTold) this.#open();
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
    if (this.#isStopped || retryAt !== null) {
      return say("down", false, this.#why ?? null, retryAt, this.#isStopped);
    }
    if (this.#feed === undefined) return say("down", false, this.#why ?? "Connecting.");
    this.#why = undefined;
    if (this.#feed === "fresh") return say("fresh", true, null);
    return say(this.#feed === "down" ? "down" : "stale", true, FEEDS[this.#feed] ?? this.#feed);
  }

  /** Tell the server that nobody has this any more, but for what others have of it. */
  #forget(flow: Flow): void {
    const { one, fields } = flow.selector;
    const others = this.#sharing(flow);
    const quiet = others.find((other) => other.isQuiet);
    if (others.length === 0) this.#send({ type: "unsubscribe", ...fields });
    else if (!quiet || one === undefined || this.#left++ === MAX_LEFT) this.#sendAll();
    else if (!flow.isQuiet) {
      // The session stays one of those of which no records are wanted.
      this.#send({ type: "subscribe", ...fields, ...quiet.fields, add: true });
    }
  }

  #sharing(flow: Flow): Flow[] {
    return [...this.#flows.keys()].filter((one) => overlap(one.selector, flow.selector));
  }

  #sendAll(): void {
    this.#left = 0;
    const before: Flow[] = [];
    for (const flow of this.#flows.keys()) {
      const isShared = before.some((other) => overlap(other.selector, flow.selector));
      this.#send(...flow.requests(++this.#ids, before.length > 0, isShared));
      before.push(flow);
    }
    this.#askForEmergencies();
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

/** What is so. */
export function say(
  feed: Status["feed"],
  connected: boolean,
  reason: string | null,
  retryAt: number | null = null,
  stopped = false,
): Status {
  return { feed, connected, reason, retryAt, stopped };
}

function target(event: string): EventTarget | undefined {
  return event === "visibilitychange" ? globalThis.document : globalThis.window;
}

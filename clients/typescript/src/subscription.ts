// What a program holds of a subscription: handlers, a loop over messages, and the buffer
// between the connection and a loop that is slower.

import { type Connection, type Listener, say } from "./connection.js";
import { Flow, type Incoming } from "./flow.js";
import type { Sessions } from "./selectors.js";
import type {
  Message,
  MessageTypes,
  Place,
  Status,
  SubscribeOptions,
  TelemetryRecord,
} from "./types.js";

/** Beyond so many characters the server is told to wait until the loop has caught up. */
export const MAX_BUFFERED_CHARS = 4 * 1024 * 1024;

export type Events<R> = MessageTypes<R> & { status: Status; message: Message<R> };
export type Handler<T> = (event: T) => void;

/** Handlers by the name of what they handle. */
export class Handlers<E> {
  readonly #handlers = new Map<keyof E, Set<Handler<never>>>();

  /** Add a handler; the function that takes it away. */
  on<K extends keyof E>(name: K, handler: Handler<E[K]>): () => void {
    const those = this.#handlers.get(name) ?? new Set();
    this.#handlers.set(name, those.add(handler));
    return () => void those.delete(handler);
  }

  /** A handler that fails is reported, and keeps nobody else. */
  emit<K extends keyof E>(name: K, event: E[K]): void {
    for (const handler of [...(this.#handlers.get(name) ?? [])] as Handler<E[K]>[]) {
      try {
        handler(event);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}

/** What finds a connection for a subscription. */
export interface Host {
  place(flow: Flow): Connection;
}

/** An error of the server about one subscription, which is over. */
export class SubscriptionError extends Error {
  override readonly name = "SubscriptionError";
  readonly code: string;

  constructor(message: Incoming) {
    super(message.message);
    this.code = message.code;
  }
}

/** Messages of some sessions: each record once and in order, through every restart. */
export class Subscription<R = TelemetryRecord> implements AsyncIterable<Message<R>> {
  readonly sessions: Sessions;
  readonly #host: Host;
  readonly #handlers = new Handlers<Events<R>>();
  readonly #listener: Listener;
  #flow: Flow;
  // Undefined while a slow loop is waited for, and after the end.
  #connection: Connection | undefined;
  #queue: { message: Message<R>; chars: number }[] | undefined;
  #bufferedChars = 0;
  #wake: () => void = () => {};
  #isClosed = false;
  #error: SubscriptionError | undefined;

  constructor(host: Host, sessions: Sessions, options: SubscribeOptions) {
    this.sessions = sessions;
    this.#host = host;
    this.#flow = new Flow(sessions, options);
    this.#listener = {
      deliver: (message, chars) => this.#deliver(message as Message<R>, chars),
      statusChanged: (status) => this.#handlers.emit("status", status),
      fail: (error) => this.#fail(error),
      end: () => this.close(),
    };
    this.#join();
  }

  /** Hear of messages of a type, of all (`message`), or of `status`; ends when called. */
  on<K extends keyof Events<R>>(name: K, handler: Handler<Events<R>[K]>): () => void {
    return this.#handlers.on(name, handler);
  }

  /** Whether what is written now arrives. */
  get status(): Status {
    return this.#connection?.status ?? say({ reason: "Not connected." });
  }

  /** How far it is: as `from` of another subscription, that goes on behind it. */
  get place(): Place {
    return this.#flow.place;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** End it; a loop over it ends too. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#part();
    this.#wake();
  }

  /** Each message in turn; a loop that is left ends the subscription. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Message<R>, void, undefined> {
    if (this.#queue) throw new Error("A subscription is read by one loop.");
    const queue: { message: Message<R>; chars: number }[] = [];
    this.#queue = queue;
    try {
      for (;;) {
        const next = queue.shift();
        if (next) {
          this.#bufferedChars -= next.chars;
          yield next.message;
        } else if (this.#error) throw this.#error;
        else if (this.#isClosed) return;
        else {
          if (!this.#connection) this.#join();
          await new Promise<void>((resolve) => (this.#wake = resolve));
        }
      }
    } finally {
      this.close();
    }
  }

  #join(): void {
    this.#connection = this.#host.place(this.#flow);
    this.#flow = this.#connection.add(this.#flow, this.#listener);
  }

  #part(): void {
    // What others share goes on without it.
    const flow = this.#flow;
    this.#flow = flow.copy();
    this.#connection?.remove(flow, this.#listener);
    this.#connection = undefined;
  }

  #deliver(message: Message<R>, chars: number): void {
    this.#handlers.emit(message.type, message as never);
    this.#handlers.emit("message", message);
    if (!this.#queue || this.#isClosed) return;
    this.#queue.push({ message, chars });
    this.#bufferedChars += chars;
    this.#wake();
    // Lossless: it leaves, and comes back behind what it has when the loop has caught up.
    if (this.#bufferedChars > MAX_BUFFERED_CHARS) this.#part();
  }

  #fail(error: Incoming): void {
    this.#error = new SubscriptionError(error);
    this.#isClosed = true;
    this.#connection = undefined;
    this.#deliver(error as never, 0);
    this.#wake();
  }
}

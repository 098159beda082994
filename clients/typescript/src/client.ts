// The door: subscriptions and questions to one server, over as few connections as can be.

import { Connection, say } from "./connection.js";
import type { Flow, Incoming } from "./flow.js";
import type { HeartbeatAnswer } from "./generated/messages.js";
import {
  type Body,
  Http,
  type NoSeries,
  type Path,
  parse,
  type Query,
  type Said,
  type Series,
  type SeriesQuery,
  type SessionInfo,
} from "./http.js";
import type { Sessions } from "./selectors.js";
import { type Handler, Handlers, Subscription } from "./subscription.js";
import type { Status, SubscribeOptions, TelemetryRecord } from "./types.js";
import { isObject } from "./values.js";

/**
 * What proves who asks: a text, or what gives one. That is asked anew for each connection
 * and each request, and when the token of a connection is about to end.
 */
export type Token = string | (() => string | undefined | Promise<string | undefined>);

export interface ClientOptions {
  /**
   * Where the server is: `http://host:5000`, or the whole address of the stream. In a
   * browser without it: the page's own host.
   */
  url?: string | URL;
  token?: Token | undefined;
  /** Another WebSocket, or another fetch, than the platform's. */
  WebSocket?: typeof WebSocket;
  fetch?: typeof fetch;
}

interface ClientEvents {
  status: Status;
  heartbeat: HeartbeatAnswer;
  /** Any message, whether it is of a subscription or not. */
  message: { type: string };
}

const STREAM = "ws/telemetry";
const WORSE = ["fresh", "stale", "down"];

/** Follows the sessions of one server. */
export class TelemetryClient {
  /** The address of the stream. */
  readonly url: string;
  readonly #options: ClientOptions;
  readonly #http: Http;
  readonly #handlers = new Handlers<ClientEvents>();
  readonly #connections = new Set<Connection>();
  #lagMs: number | null = null;
  // The status that handlers know.
  #told: Status | undefined;

  constructor(options: ClientOptions = {}) {
    this.#options = options;
    this.url = streamOf(options.url);
    // As a method of something else it would be an illegal invocation.
    const ask = options.fetch ?? ((...what) => globalThis.fetch(...what));
    this.#http = new Http(this.url, ask, () => this.#token());
  }

  /**
   * The records of one session, of several (`["run_*"]`), or of all (null).
   *
   * One connection serves all subscriptions, but for those that want the same session in
   * two forms or from two places: a server sends it once on each connection.
   */
  subscribe<R = TelemetryRecord>(
    sessions: Sessions = null,
    options: SubscribeOptions = {},
  ): Subscription<R> {
    return new Subscription<R>(
      { place: (flow) => this.#connectionFor(flow) },
      sessions,
      options,
    );
  }

  /** Hear of `status`, of each `heartbeat`, or of each `message`; ends when called. */
  on<K extends keyof ClientEvents>(name: K, handler: Handler<ClientEvents[K]>): () => void {
    return this.#handlers.on(name, handler);
  }

  /** Whether what is written now arrives: the worst of what the connections say. */
  get status(): Status {
    const all = [...this.#connections].map((one) => one.status);
    all.sort((one, other) => WORSE.indexOf(other.feed) - WORSE.indexOf(one.feed));
    return all[0] ?? say({ reason: "Not subscribed." });
  }

  /** How late records arrive now, as the server said last; null before. */
  get lagMs(): number | null {
    return this.#lagMs;
  }

  /** Try again now, also after the server said not to come back. */
  reconnect(): void {
    for (const connection of this.#connections) connection.reconnect();
  }

  /** End all connections; subscriptions hear nothing more. */
  close(): void {
    for (const connection of [...this.#connections]) connection.close();
  }

  /** All sessions, the latest first. */
  async sessions(): Promise<SessionInfo[]> {
    const connection = [...this.#connections][0] ?? this.#connect();
    const parts = await connection.ask({ type: "sessions" });
    return parts.flatMap((part) => part.sessions as SessionInfo[]);
  }

  /** Curves of a session: `subscribe` from their `cursor` goes on without a seam. */
  series(session: string, query?: SeriesQuery): Promise<Series>;
  /** Curves of up to 50 sessions, in their order. */
  series(sessions: readonly string[], query?: SeriesQuery): Promise<(Series | NoSeries)[]>;
  async series(
    sessions: string | readonly string[],
    query: SeriesQuery = {},
  ): Promise<Series | (Series | NoSeries)[]> {
    if (typeof sessions === "string") {
      // A JSON list: a name may have commas in it.
      const { metrics, ...rest } = query;
      const asked = {
        sessionId: sessions,
        ...rest,
        metrics: metrics && JSON.stringify(metrics),
      };
      return JSON.parse(await this.#http.ask("../api/series", asked));
    }
    const body = JSON.stringify({ sessionIds: sessions, ...query });
    const lines = await this.#http.ask("../api/series", {}, { method: "POST", body });
    return lines
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
  }

  /** A page of emergencies, the newest first. */
  emergencies(query: Query<"/api/emergencies"> = {}): Promise<Body<"/api/emergencies">> {
    return this.get("/api/emergencies", query);
  }

  /** Say who has seen an emergency, or (null) that nobody has after all. */
  async acknowledge(id: string, who: string | null, note?: string): Promise<void> {
    const said = { method: "POST", body: JSON.stringify({ who, note }) };
    const init = who === null ? { method: "DELETE" } : said;
    await this.#http.ask("../api/emergencies/ack", { id }, init);
  }

  /** Say something of a session: what is absent stays, null takes back what was said. */
  async describe(session: string, said: Said): Promise<Body<"/api/snapshot">> {
    const init = { method: "PATCH", body: JSON.stringify(said) };
    return JSON.parse(await this.#http.ask("../api/sessions", { sessionId: session }, init));
  }

  /** Whatever else the server answers over HTTP, by its path. */
  async get<P extends Path>(path: P, query?: Query<P>): Promise<Body<P>> {
    return parse(await this.#http.ask(`..${path}`, query)) as Body<P>;
  }

  /** A record that was too long for a message, whole; any other as it is. */
  async whole(record: TelemetryRecord): Promise<TelemetryRecord> {
    if (record.truncated !== true || typeof record.url !== "string") return record;
    const whole = parse(await this.#http.ask(record.url));
    return isObject(whole) ? whole : record;
  }

  #token(): string | undefined | Promise<string | undefined> {
    const { token } = this.#options;
    return typeof token === "function" ? token() : token;
  }

  #connectionFor(flow: Flow): Connection {
    for (const connection of this.#connections) {
      if (connection.accepts(flow)) return connection;
    }
    return this.#connect();
  }

  #connect(): Connection {
    const connection = new Connection({
      url: this.url.replace(/^http/, "ws"),
      WebSocket: this.#options.WebSocket ?? globalThis.WebSocket,
      token: () => this.#token(),
      received: (message) => this.#received(message),
      statusChanged: () => this.#statusChanged(),
      ended: (ended) => {
        this.#connections.delete(ended);
        // It may have been the worst of them.
        this.#statusChanged();
      },
    });
    this.#connections.add(connection);
    return connection;
  }

  #statusChanged(): void {
    const { status } = this;
    if (JSON.stringify(status) === JSON.stringify(this.#told)) return;
    this.#told = status;
    this.#handlers.emit("status", status);
  }

  #received(message: Incoming): void {
    this.#handlers.emit("message", message);
    if (message.type !== "heartbeat") return;
    this.#lagMs = message.lagMs ?? null;
    this.#handlers.emit("heartbeat", message as unknown as HeartbeatAnswer);
  }
}

const shared = new Map<string, Map<Token | undefined, TelemetryClient>>();

/** The client of a URL and a token: one for all who ask for it. */
export function sharedClient(url?: string | URL, token?: Token): TelemetryClient {
  const stream = streamOf(url);
  const clients = shared.get(stream) ?? new Map<Token | undefined, TelemetryClient>();
  shared.set(stream, clients);
  const client = clients.get(token) ?? new TelemetryClient({ url: stream, token });
  clients.set(token, client);
  return client;
}

function streamOf(url: string | URL | undefined): string {
  const page = globalThis.location?.href;
  if (url === undefined && page === undefined) {
    throw new Error("Say where the server is: new TelemetryClient({ url: … }).");
  }
  const stream = new URL(url ?? "/", page);
  if (!stream.pathname.endsWith(`/${STREAM}`)) {
    stream.pathname = `${stream.pathname.replace(/\/$/, "")}/${STREAM}`;
  }
  return stream.href;
}

// Questions over HTTP, with the types of docs/openapi.json.

import type { components, paths } from "./generated/http.js";
import { isObject, mayHaveNonFinite, revive } from "./values.js";

type Schemas = components["schemas"];
type Got<P extends keyof paths> = paths[P] extends {
  get: { responses: { 200: { content: infer C } } };
}
  ? C extends { "application/json": infer B }
    ? B
    : never
  : never;
export type Query<P extends keyof paths> = paths[P] extends {
  get: { parameters: { query?: infer Q } };
}
  ? NonNullable<Q>
  : Record<string, never>;
/** What can be asked for by GET. */
export type Path = { [P in keyof paths]: [Got<P>] extends [never] ? never : P }[keyof paths];
export type Body<P extends keyof paths> = Got<P>;

/** What people say of a session. */
export type Said = Partial<Schemas["EditBody"]>;
export type SessionInfo = Schemas["SessionFields"];
export type Series = Schemas["SeriesBody"];
export type NoSeries = Schemas["NoSeriesBody"];
export type SeriesQuery = Omit<Schemas["SeriesQueryBody"], "sessionIds">;

/** An answer that says why there is none. */
export class TailcastError extends Error {
  override readonly name = "TailcastError";
  readonly status: number;
  readonly code: string;
  /** When it may be asked again; undefined if never. */
  readonly retryAfterMs: number | undefined;

  constructor(status: number, body: unknown, retryAfter: string | null) {
    const fields = isObject(body) ? body : {};
    super(String(fields.message ?? `The server answered ${status}.`));
    this.status = status;
    this.code = String(fields.code ?? "unavailable");
    const ms = Number(fields.retryAfterMs ?? Number(retryAfter ?? NaN) * 1_000);
    this.retryAfterMs = Number.isNaN(ms) ? undefined : ms;
  }
}

/** Asks one server. */
export class Http {
  readonly #stream: URL;
  readonly #fetch: typeof fetch;
  readonly #token: () => string | undefined | Promise<string | undefined>;

  constructor(
    stream: string,
    ask: typeof fetch,
    token: () => string | undefined | Promise<string | undefined>,
  ) {
    this.#stream = new URL(stream.replace(/^ws/, "http"));
    this.#fetch = ask;
    this.#token = token;
  }

  /** `path` is relative to the stream's, as `url` of what is too long for a message is. */
  async ask(
    path: string,
    query: object = {},
    init: { method?: string; body?: string } = {},
  ): Promise<string> {
    const url = new URL(path, this.#stream);
    for (const [name, value] of Object.entries(query)) {
      for (const one of [value].flat()) {
        if (one != null) url.searchParams.append(name, String(one));
      }
    }
    const headers = new Headers();
    if (init.body) headers.set("Content-Type", "application/json");
    const token = await this.#token();
    if (token !== undefined) headers.set("Authorization", `Bearer ${token}`);
    const answer = await this.#fetch(url, { ...init, headers });
    const text = await answer.text();
    if (answer.ok) return text;
    let body: unknown;
    try {
      body = JSON.parse(text);
    } catch {
      // Something between here and the server has answered.
    }
    throw new TailcastError(answer.status, body, answer.headers.get("Retry-After"));
  }
}

/** A text as JSON, with numbers where JSON has no words for them. */
export function parse(text: string): unknown {
  const value: unknown = JSON.parse(text);
  return mayHaveNonFinite(text) ? revive(value) : value;
}

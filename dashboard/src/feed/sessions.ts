// The sessions that there are, as the list shows them. All of them are asked for once, page
// by page; after that those that moved last, those that are shown, and in turns the others
// that have not ended.

import type { MessageTypes, SessionInfo, TelemetryClient } from "tailcast";
import { within } from "../core/named.js";
import { everything } from "./everything.js";
import { client } from "./server.js";
import { Value, when } from "./value.js";

/** So many are drawn at once, as many as a screen has (index.html asks for them); the rest
 * comes in pages. */
const FIRST = 60;
const PAGE = 1_000;
/** How long whatever else is asked for waits for those. */
const FIRST_MS = 1_000;
/** How often they are asked for anew, and how many of them: those that moved last. */
const ROUND_MS = 2_000;
const LATEST = 40;
const MAX_LATEST_PAGES = 4;
/** What is told of sessions is gathered for so long: thousands may stall together. */
const HEARD_MS = 250;
/** How many a search asks the server for. */
const FOUND = 200;

export interface Listed {
  /** By their names, in the order in which they came. */
  readonly sessions: ReadonlyMap<string, SessionInfo>;
  /** Whether all were asked for and came. */
  readonly isWhole: boolean;
}

/** The sessions of one server. */
export class SessionList {
  readonly listed = new Value<Listed>({ sessions: new Map(), isWhole: false });
  /** Whether the first are there, or do not come: what takes longer waits for them. */
  readonly hasBegun = new Value(false);
  readonly #client: TelemetryClient;
  // The names that somebody sees.
  #shown: readonly string[] = [];
  // Where in all those that have not ended the next round begins.
  #turn = 0;
  #loading: Promise<void> | undefined;
  // Behind which place the next page of all begins.
  #after: string | undefined;
  // What was told of sessions, and which of them are not known yet.
  readonly #heard = new Map<string, Partial<SessionInfo>>();
  #hearing: ReturnType<typeof setTimeout> | undefined;
  readonly #unknown = new Set<string>();
  #learning: Promise<void> | undefined;
  #users = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(of: TelemetryClient) {
    this.#client = of;
  }

  /** Keep them fresh from now on, until the function is called. */
  follow(): () => void {
    this.#users += 1;
    if (this.#users === 1) this.#go();
    setTimeout(() => this.hasBegun.set(true), FIRST_MS);
    return () => {
      this.#users -= 1;
      if (this.#users === 0) clearTimeout(this.#timer);
    };
  }

  /** Say which are seen: these are asked for first. */
  show(names: readonly string[]): void {
    this.#shown = names;
  }

  /** Ask for all of them, once; what failed goes on where it was. */
  load(): Promise<void> {
    this.#loading ??= this.#load().finally(() => (this.#loading = undefined));
    return this.#loading;
  }

  /** Ask the server for those that have these words, while not all are known. */
  async search(q: string): Promise<void> {
    if (this.listed.get().isWhole || q.trim() === "") return;
    const { sessions } = await this.#client.get("/api/sessions", { q, limit: FOUND });
    this.#put(sessions);
  }

  /** Take what is said of a session beside its records. */
  take({ sessionId, event, ...said }: MessageTypes["session"]): void {
    const { status, lastActivity, tags, notes, pinned } = said;
    const edits = event === "edited" ? { tags, notes, pinned } : {};
    const before = this.#heard.get(sessionId);
    this.#heard.set(sessionId, { ...before, status, lastActivity, ...edits } as SessionInfo);
    this.#hearing ??= setTimeout(() => this.#apply(), HEARD_MS);
  }

  /** What was told counts from now on; who is not known is asked for. */
  #apply(): void {
    this.#hearing = undefined;
    const { sessions } = this.listed.get();
    const changed: SessionInfo[] = [];
    for (const [name, said] of this.#heard) {
      const known = sessions.get(name);
      if (known) changed.push({ ...known, ...said });
      else this.#unknown.add(name);
    }
    this.#heard.clear();
    if (changed.length > 0) this.#put(changed);
    void this.#learn();
  }

  /** Ask for those that were told of and are not known, some at a time. */
  #learn(): Promise<void> {
    this.#learning ??= this.#learnAll()
      // Those that are left are asked for with the next that are told of.
      .catch(() => {})
      .finally(() => (this.#learning = undefined));
    return this.#learning;
  }

  async #learnAll(): Promise<void> {
    // Most of them come with the rest.
    while (this.#unknown.size > 0 && this.listed.get().isWhole) {
      for (const name of this.listed.get().sessions.keys()) this.#unknown.delete(name);
      const some = within(this.#unknown);
      await this.#named(some);
      for (const name of some) this.#unknown.delete(name);
    }
  }

  async #load(): Promise<void> {
    let page = this.listed.get().isWhole ? null : this.#page(this.#after);
    while (page !== null) {
      const { sessions, more, cursor } = await page;
      // The server goes on while these are drawn.
      page = more && cursor !== null ? this.#page(cursor) : null;
      this.#after = cursor ?? undefined;
      this.#put(sessions, page === null);
      this.hasBegun.set(true);
    }
    void this.#learn();
  }

  #page(after: string | undefined) {
    const query = after === undefined ? { limit: FIRST } : { limit: PAGE, after };
    return this.#client.get("/api/sessions", query);
  }

  #go(): void {
    const next = () => {
      if (this.#users > 0) this.#timer = setTimeout(() => this.#go(), ROUND_MS);
    };
    clearTimeout(this.#timer);
    // What does not come now is asked for again: that the server is away is told elsewhere.
    void this.#round()
      .catch(() => {})
      .finally(next);
  }

  async #round(): Promise<void> {
    if (!this.listed.get().isWhole) await this.load();
    else if (document.visibilityState !== "hidden") {
      const moved = await this.#latest();
      await this.#named(this.#asked(moved));
    }
  }

  /** Those that moved since the last round, if they are not too many; and some others. */
  async #latest(): Promise<Set<string>> {
    const seen = new Set<string>();
    let after: string | undefined;
    for (let pages = 0; pages < MAX_LATEST_PAGES; pages++) {
      const query = { limit: LATEST, ...(after && { after }) };
      const { sessions, more, cursor } = await this.#client.get("/api/sessions", query);
      const last = sessions.at(-1);
      const known = last && this.listed.get().sessions.get(last.sessionId);
      for (const { sessionId } of sessions) seen.add(sessionId);
      this.#put(sessions);
      if (!more || cursor === null || known?.lastActivity === last?.lastActivity) break;
      after = cursor;
    }
    return seen;
  }

  /** Which are asked for by name: the shown ones, and in turns others that go on. */
  #asked(besides: ReadonlySet<string>): string[] {
    const { sessions } = this.listed.get();
    const open = [...sessions.values()].filter(({ status }) => status !== "ended");
    const begin = this.#turn % Math.max(1, open.length);
    const turns = [...open.slice(begin), ...open.slice(0, begin)].map((one) => one.sessionId);
    const seen = this.#shown.filter((name) => !besides.has(name));
    const others = turns.filter((name) => !besides.has(name) && !seen.includes(name));
    const asked = within([...seen, ...others]);
    const last = asked.slice(seen.length).at(-1);
    if (last !== undefined) this.#turn = begin + turns.indexOf(last) + 1;
    return asked;
  }

  /** Ask for some by name; those that are not there any more go. */
  async #named(names: readonly string[]): Promise<void> {
    if (names.length === 0) return;
    const query = { sessionId: [...names] };
    const { sessions } = await this.#client.get("/api/sessions", query);
    const found = new Set(sessions.map(({ sessionId }) => sessionId));
    this.#put(
      sessions,
      undefined,
      names.filter((name) => !found.has(name)),
    );
  }

  #put(
    sessions: readonly SessionInfo[],
    isWhole = this.listed.get().isWhole,
    gone: readonly string[] = [],
  ): void {
    const all = new Map(this.listed.get().sessions);
    for (const one of sessions) all.set(one.sessionId, one);
    for (const name of gone) all.delete(name);
    this.listed.set({ sessions: all, isWhole });
  }
}

export const sessionList = new SessionList(client);
export const listed = sessionList.listed;

/** Keep the list fresh while it is seen, until the function is called. */
export function followSessions(): () => void {
  const ends = [
    sessionList.follow(),
    when(sessionList.hasBegun, () =>
      everything().on("session", (event) => sessionList.take(event)),
    ),
  ];
  return () => {
    for (const end of ends) end();
  };
}

// The latest emergencies: those of before the page was opened, those that come, and who has
// seen them, here or in another page.

import type { EmergencyMessage, MessageTypes, Subscription, TelemetryClient } from "tailcast";
import {
  brief,
  byTime,
  type Emergency,
  line,
  merge,
  ofListed,
  ofMessage,
  ruleOf,
} from "../core/emergencies.js";
import { everything } from "./everything.js";
import { Remembered, text, texts } from "./remembered.js";
import { client, serverNow, status } from "./server.js";
import { Value } from "./value.js";

/** So many are held here; all of them are in the history. */
const MAX_HELD = 500;
const PAGE = 100;
/** What comes within that time is shown at once. */
const TOGETHER_MS = 50;
/** Until an index has read an emergency that came without a step, and knows one. */
const INDEXED_MS = 4_000;
const MAX_MUTED = 200;

/** Rules whose emergencies are not shown above everything, nor counted. */
export const muted = new Remembered<readonly string[]>("muted", texts(MAX_MUTED));
/** Who sits here, as said when something was acknowledged; "" before. */
export const who = new Remembered<string>("who", text);
/** Whether the desktop is told while the page is not seen. */
export const notifies = new Remembered<boolean>("notifies", (kept) => kept === true);

export interface Held {
  /** The newest first. */
  readonly all: readonly Emergency[];
  /** Whether there are others, which are older. */
  readonly hasMore: boolean;
  /** Sessions whose latest emergencies are missing, as no indexer has read them. */
  readonly behind: number;
}

/** Those of one server. */
export class Emergencies {
  readonly held = new Value<Held>({ all: [], hasMore: false, behind: 0 });
  readonly #client: TelemetryClient;
  readonly #known = new Map<string, Emergency>();
  #hasMore = false;
  #behind = 0;
  #draws: ReturnType<typeof setTimeout> | undefined;
  #asks: ReturnType<typeof setTimeout> | undefined;

  constructor(of: TelemetryClient) {
    this.#client = of;
  }

  /** Take what a subscription brings; `appeared` hears of each that is new, not of before. */
  follow(subscription: Subscription, appeared: (emergency: Emergency) => void): () => void {
    const ends = [
      subscription.on("emergency", (message) => this.#take(message, appeared)),
      subscription.on("acknowledged", (message) => this.#acknowledge(message)),
    ];
    return () => {
      for (const end of ends) end();
    };
  }

  /** Ask for the latest, and for those that nobody has seen. */
  async load(): Promise<void> {
    const latest = await this.#client.emergencies({ limit: PAGE });
    const pages = latest.more
      ? [latest, await this.#client.emergencies({ limit: PAGE, acknowledged: false })]
      : [latest];
    this.#hasMore = latest.more;
    this.#behind = latest.behind ?? 0;
    for (const { data } of pages) for (const one of data) this.#put(ofListed(one));
  }

  /** All of a record that is too long to be told; what it says is known from now on. */
  async open({ id, url }: Emergency): Promise<unknown> {
    const record = await this.#client.whole({ truncated: true, url });
    const known = this.#known.get(id);
    if (known) this.#put({ ...known, data: brief(record) });
    return record;
  }

  /** Say who has seen some, or (null) that nobody has after all. */
  async acknowledge(ids: readonly string[], by: string | null, note = ""): Promise<void> {
    try {
      for (const id of ids) await this.#client.acknowledge(id, by, note);
    } finally {
      // Somebody else may have been the first, who stays.
      await this.load();
    }
  }

  #take(message: EmergencyMessage, appeared: (emergency: Emergency) => void): void {
    const emergency = ofMessage(message, serverNow());
    const isNew = message.replayed !== true && !this.#known.has(emergency.id);
    this.#put(emergency);
    if (!isNew) return;
    appeared(emergency);
    if (emergency.step !== null) return;
    clearTimeout(this.#asks);
    this.#asks = setTimeout(() => void this.load().catch(() => {}), INDEXED_MS);
  }

  #acknowledge({ id, acknowledged }: MessageTypes["acknowledged"]): void {
    const old = this.#known.get(id);
    if (old) this.#put({ ...old, acknowledged });
  }

  #put(emergency: Emergency): void {
    this.#known.set(emergency.id, merge(this.#known.get(emergency.id), emergency));
    this.#draws ??= setTimeout(() => this.#draw(), TOGETHER_MS);
  }

  #draw(): void {
    this.#draws = undefined;
    const all = byTime(this.#known.values());
    for (const { id } of all.splice(MAX_HELD)) {
      this.#known.delete(id);
      this.#hasMore = true;
    }
    this.held.set({ all, hasMore: this.#hasMore, behind: this.#behind });
  }
}

export const emergencies = new Emergencies(client);

/** Those that nobody has seen and that are not muted, the newest first. */
export function unseen(all: readonly Emergency[], rules: readonly string[]): Emergency[] {
  return all.filter((one) => one.acknowledged === null && !rules.includes(ruleOf(one)));
}

/** Follow them for as long as the page is there; the function that ends it. */
export function watchEmergencies(): () => void {
  const load = () => void emergencies.load().catch(() => {});
  let wasFresh = false;
  const look = () => {
    const isFresh = status.get().feed === "fresh";
    // What others have said meanwhile did not come.
    if (isFresh && !wasFresh) load();
    wasFresh = isFresh;
  };
  const ends = [emergencies.follow(everything(), tellDesktop), status.listen(look)];
  look();
  return () => {
    for (const end of ends) end();
  };
}

export function mute(rule: string): void {
  muted.set([...muted.get().filter((one) => one !== rule), rule].slice(-MAX_MUTED));
}

export function unmute(rule: string): void {
  muted.set(muted.get().filter((one) => one !== rule));
}

/** Why the desktop cannot be told; null if it can, or if it was not asked yet. */
export function whyNoNotifications(): string | null {
  if (typeof Notification === "undefined") {
    return window.isSecureContext
      ? "This browser has no notifications."
      : "Browsers allow notifications for localhost and https only.";
  }
  return Notification.permission === "denied"
    ? "This browser was told not to allow notifications of this page."
    : null;
}

/** Have the desktop told, or not. Asks for permission: only when somebody clicks. */
export async function setNotifies(wanted: boolean): Promise<void> {
  const may = wanted && (await Notification.requestPermission()) === "granted";
  notifies.set(may);
}

/** Tell the desktop of one that has come, if that is wanted and nobody sees the page. */
export function tellDesktop(emergency: Emergency): void {
  if (!notifies.get() || document.visibilityState === "visible") return;
  if (typeof Notification === "undefined" || Notification.permission !== "granted") return;
  if (muted.get().includes(ruleOf(emergency))) return;
  const { id } = emergency;
  const shown = new Notification("Tailcast: emergency", { body: line(emergency), tag: id });
  shown.onclick = () => {
    window.focus();
    shown.close();
  };
}

// What the page's address says and what it may say: a link to a view gives that view.

import { COLUMNS, DEFAULT, type Order, STATUSES, type Status } from "./order.js";

export type Axis = "step" | "time" | "record";
export const AXES: readonly Axis[] = ["step", "time", "record"];

/** Pages beside the list and the runs. */
export type Page = "alerts" | "files";
const PAGES: readonly Page[] = ["alerts", "files"];

/** What is looked at. Everything in it stands in the address, and nothing else does. */
export interface View {
  /** The session whose charts are shown; null for the list. */
  readonly session: string | null;
  /** Others beside it. */
  readonly compare: readonly string[];
  /** Those of them all that are not drawn. */
  readonly hide: readonly string[];
  /** Where on the axis they are compared; null for the last place that all have. */
  readonly place: number | null;
  /** The metrics that are drawn; null for those that the page chooses. */
  readonly metrics: readonly string[] | null;
  readonly x: Axis;
  /** The part of the axis that is shown (Unix ms for times); null where it is open. */
  readonly from: number | null;
  readonly to: number | null;
  /** A place that is marked, and shown with what is around it; null where there is none. */
  readonly mark: number | null;
  /** How far a replay is on the axis; null where there is none. */
  readonly at: number | null;
  /** The place of the axis at which the view stands still; null while it follows. */
  readonly paused: number | null;
  /** Whether charts have a logarithmic y. */
  readonly log: boolean;
  /** How much lines are smoothed, from 0 (not at all) to nearly 1. */
  readonly smooth: number;
  /** Whether charts are shown as tables. */
  readonly table: boolean;
  /** What the list is searched for. */
  readonly q: string;
  /** The sessions that it has: of any status if there is none. */
  readonly status: readonly Status[];
  /** What it is sorted by. */
  readonly sort: Order;
  /** A page in the place of the list and the session. */
  readonly show: Page | null;
}

export const HOME: View = {
  session: null,
  compare: [],
  hide: [],
  place: null,
  metrics: null,
  x: "step",
  from: null,
  to: null,
  mark: null,
  at: null,
  paused: null,
  log: false,
  smooth: 0,
  table: false,
  q: "",
  status: [],
  sort: DEFAULT,
  show: null,
};

/** What shows all of a run. */
export const WHOLE = { from: null, to: null, mark: null } satisfies Partial<View>;

/** What leads to a session, or (null) to the list: places in another one are none there. */
export function leadTo(session: string | null): Partial<View> {
  return { ...WHOLE, at: null, paused: null, session, compare: [] };
}

/**
 * Without what is said of runs that are not compared: what they show when they come is open.
 * Those that are compared all go on.
 */
export function fitting(view: View): View {
  const isCompared = view.compare.length > 0;
  const isThere = (name: string) => name === view.session || view.compare.includes(name);
  const hide = isCompared ? view.hide.filter(isThere) : HOME.hide;
  return {
    ...view,
    // What stays is the same: whoever draws by it need not do so anew.
    hide: hide.length === view.hide.length ? view.hide : hide,
    place: isCompared ? view.place : null,
    paused: isCompared ? null : view.paused,
  };
}

/** The view that an address names, and what in it makes no sense, in words. */
export function readView(search: string): { view: View; ignored: string[] } {
  const asked = new URLSearchParams(search);
  const ignored: string[] = [];
  const read = <T>(name: string, otherwise: T, parse: (text: string) => T | undefined): T => {
    const text = asked.get(name);
    if (text === null || text === "") return otherwise;
    const value = parse(text);
    if (value === undefined) ignored.push(`${name}=${text}`);
    return value ?? otherwise;
  };
  const known = new Set(Object.keys(HOME));
  for (const name of new Set(asked.keys())) {
    if (!known.has(name)) ignored.push(`${name}=${asked.get(name)}`);
  }
  const session = read<string | null>("session", null, (text) => text);
  const named = read<readonly string[]>("compare", [], parseNames);
  const view: View = {
    session,
    compare: named.filter((name) => name !== session),
    hide: read<readonly string[]>("hide", [], parseNames),
    place: read<number | null>("place", null, parseNumber),
    metrics: read<readonly string[] | null>("metrics", null, parseNames),
    x: read<Axis>("x", "step", (text) => AXES.find((axis) => axis === text)),
    from: read<number | null>("from", null, parseNumber),
    to: read<number | null>("to", null, parseNumber),
    mark: read<number | null>("mark", null, parseNumber),
    at: read<number | null>("at", null, parseNumber),
    paused: read<number | null>("paused", null, parseNumber),
    log: read("log", false, (text) => (text === "1" ? true : undefined)),
    smooth: read("smooth", 0, parseWeight),
    table: read("table", false, (text) => (text === "1" ? true : undefined)),
    q: read("q", "", (text) => text),
    status: read<readonly Status[]>("status", [], parseStatuses),
    sort: read<Order>("sort", DEFAULT, parseOrder),
    show: read<Page | null>("show", null, (text) => PAGES.find((page) => page === text)),
  };
  const shown = fitting(view);
  const idle = view.hide.filter((name) => !shown.hide.includes(name));
  if (idle.length > 0) ignored.push(`hide=${writeNames(idle)}`);
  if (view.place !== shown.place) ignored.push(`place=${view.place}`);
  if (view.paused !== shown.paused) ignored.push(`paused=${view.paused}`);
  return { view: shown, ignored };
}

/** The query of an address, with its question mark; empty for the list. */
export function writeView(view: View): string {
  const said = new URLSearchParams();
  if (view.session !== null) said.set("session", view.session);
  if (view.compare.length > 0) said.set("compare", writeNames(view.compare));
  if (view.hide.length > 0) said.set("hide", writeNames(view.hide));
  if (view.place !== null) said.set("place", String(view.place));
  if (view.metrics !== null) said.set("metrics", writeNames(view.metrics));
  if (view.x !== "step") said.set("x", view.x);
  if (view.from !== null) said.set("from", String(view.from));
  if (view.to !== null) said.set("to", String(view.to));
  if (view.mark !== null) said.set("mark", String(view.mark));
  if (view.at !== null) said.set("at", String(view.at));
  if (view.paused !== null) said.set("paused", String(view.paused));
  if (view.log) said.set("log", "1");
  if (view.smooth > 0) said.set("smooth", String(view.smooth));
  if (view.table) said.set("table", "1");
  if (view.q !== "") said.set("q", view.q);
  if (view.status.length > 0) said.set("status", view.status.join(","));
  const sort = `${view.sort.isReversed ? "-" : ""}${view.sort.column}`;
  if (sort !== DEFAULT.column) said.set("sort", sort);
  if (view.show !== null) said.set("show", view.show);
  const query = said.toString();
  return query && `?${query}`;
}

/** Names between commas; a JSON list where one of them has a comma itself. */
function parseNames(text: string): readonly string[] | undefined {
  if (!text.startsWith("[")) return text.split(",").filter((name) => name !== "");
  try {
    const names: unknown = JSON.parse(text);
    if (Array.isArray(names) && names.every((name) => typeof name === "string")) return names;
  } catch {
    return undefined;
  }
  return undefined;
}

function writeNames(names: readonly string[]): string {
  const isPlain = names.every((name) => !name.includes(",") && !name.startsWith("["));
  return isPlain ? names.join(",") : JSON.stringify(names);
}

function parseStatuses(text: string): readonly Status[] | undefined {
  const asked = text.split(",");
  const found = STATUSES.filter((status) => asked.includes(status));
  return found.length === asked.length ? found : undefined;
}

/** A column, with a minus before it for the other way round. */
function parseOrder(text: string): Order | undefined {
  const isReversed = text.startsWith("-");
  const column = COLUMNS.find((one) => one === text.slice(isReversed ? 1 : 0));
  return column && { column, isReversed };
}

function parseNumber(text: string): number | undefined {
  const value = Number(text);
  return Number.isFinite(value) ? value : undefined;
}

function parseWeight(text: string): number | undefined {
  const value = Number(text);
  return value >= 0 && value < 1 ? value : undefined;
}

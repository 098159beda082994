// Which metrics a page shows first, and in which groups they stand: told by their names and
// by whether they vary.

export interface Metric {
  readonly name: string;
  /** How many finite values it had. */
  readonly count: number;
  readonly min: number | null;
  readonly max: number | null;
  readonly last: number | string | null;
}

/** Words of a name that say what a run is judged by, the most telling first. */
const TELLING: readonly (readonly string[])[] = [
  ["loss", "cost", "nll", "perplexity", "ppl"],
  ["reward", "return", "score"],
  ["acc", "accuracy", "f1", "auc", "bleu", "map"],
];
/** Words that only tell how it goes. */
const PLAIN = ["lr", "rate", "epoch", "step", "time", "seconds", "eta", "timestamp", "memory"];
/** Words that name no measurement. */
const NONE = ["pid", "rank", "id", "port", "hostname", "seed"];
const TRAINED = ["loss", "train_loss", "train/loss", "training_loss"];
const HELD_OUT = ["val", "valid", "validation", "eval", "test", "dev"];
/** Unix seconds from 2001 on: as large as a time is. */
const UNIX = 978_307_200;

/** At most so many, the most telling first. */
export function choose(metrics: readonly Metric[], most = 6): string[] {
  return metrics
    .filter(isWorthDrawing)
    .map((metric, at) => ({ name: metric.name, rank: rankOf(metric), at }))
    .sort((one, other) => one.rank - other.rank || one.at - other.at)
    .slice(0, most)
    .map(({ name }) => name);
}

function isWorthDrawing({ name, min, max, count }: Metric): boolean {
  const words = wordsOf(name);
  if (words.some((word) => NONE.includes(word))) return false;
  const isTime =
    min !== null && min >= UNIX && words.some((word) => /^(time|ts|timestamp|date)/.test(word));
  return !isTime && (count > 0 || max !== null);
}

/** The lower, the more it tells. */
function rankOf({ name, min, max }: Metric): number {
  const words = wordsOf(name);
  const has = (list: readonly string[]) => words.some((word) => list.includes(word));
  let rank = TELLING.findIndex(has);
  if (rank < 0) rank = has(PLAIN) ? 9 : 5;
  if (TRAINED.includes(name)) rank = -1;
  else if (has(HELD_OUT)) rank += 0.5;
  // What never changes has no course.
  return min === max ? rank + 20 : rank;
}

function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z])([A-Z])/g, "$1 $2")
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u);
}

/** The metrics of several sessions, each once. */
export function merged(all: readonly (readonly Metric[])[]): Metric[] {
  const metrics = new Map<string, Metric>();
  for (const metric of all.flat()) {
    const one = metrics.get(metric.name);
    metrics.set(metric.name, one ? both(one, metric) : metric);
  }
  return [...metrics.values()];
}

function both(one: Metric, other: Metric): Metric {
  const least = [one.min, other.min].filter((value) => value !== null);
  const most = [one.max, other.max].filter((value) => value !== null);
  return {
    ...one,
    count: one.count + other.count,
    min: least.length > 0 ? Math.min(...least) : null,
    max: most.length > 0 ? Math.max(...most) : null,
  };
}

/** What stands before the last slash or dot of a name; empty if there is none. */
export function groupOf(name: string): string {
  return /^(.+?)[/.]./.exec(name)?.[1] ?? "";
}

export type Row =
  | { readonly group: string; readonly of: number; readonly isOpen: boolean }
  | { readonly metric: string };

/** The rows of a list: stars first, then those without a group, then the groups. */
export function rowsOf(
  names: readonly string[],
  {
    filter,
    stars,
    isClosed,
  }: {
    filter: string;
    stars: ReadonlySet<string>;
    isClosed: (group: string) => boolean;
  },
): Row[] {
  const sought = filter.trim().toLowerCase();
  const shown = names.filter((name) => name.toLowerCase().includes(sought));
  const rows: Row[] = shown.filter((name) => stars.has(name)).map((metric) => ({ metric }));
  const groups = new Map<string, string[]>();
  for (const name of shown) {
    if (stars.has(name)) continue;
    const group = groupOf(name);
    const members = groups.get(group);
    if (members) members.push(name);
    else groups.set(group, [name]);
  }
  // A group of one is no group.
  const loose = [...groups].flatMap(([group, members]) =>
    group === "" || members.length === 1 ? members : [],
  );
  rows.push(...loose.map((metric) => ({ metric })));
  for (const [group, members] of groups) {
    if (group === "" || members.length === 1) continue;
    const isOpen = sought !== "" || !isClosed(group);
    rows.push({ group, of: members.length, isOpen });
    if (isOpen) rows.push(...members.map((metric) => ({ metric })));
  }
  return rows;
}

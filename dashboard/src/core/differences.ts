// What runs were started with, side by side: what differs, key by key.

import { isObject } from "./objects.js";

/** Keys of one configuration that are shown; what is beyond is counted. */
const MAX_KEYS = 2_000;
const MAX_DEPTH = 8;

export interface Flat {
  /** Values as JSON, by the path to them: `model.layers`. */
  readonly values: ReadonlyMap<string, string>;
  /** How many keys are not in it. */
  readonly leftOut: number;
}

/** A configuration with one level: `{"model":{"layers":2}}` is `model.layers` = `2`. */
export function flatten(config: unknown): Flat {
  const values = new Map<string, string>();
  let leftOut = 0;
  const walk = (value: unknown, path: string, depth: number): void => {
    const entries = isObject(value) ? Object.entries(value) : [];
    if (entries.length > 0 && depth < MAX_DEPTH) {
      for (const [key, inner] of entries) {
        walk(inner, path === "" ? key : `${path}.${key}`, depth + 1);
      }
    } else if (path === "") return;
    else if (values.size < MAX_KEYS) values.set(path, shown(value));
    else leftOut += 1;
  };
  walk(config, "", 0);
  return { values, leftOut };
}

export interface Difference {
  readonly key: string;
  /** As JSON, in the order of the runs; null where a run has no such key. */
  readonly values: readonly (string | null)[];
}

export interface Differences {
  readonly rows: readonly Difference[];
  /** How many keys have the same value everywhere. */
  readonly same: number;
  readonly leftOut: number;
}

/** The keys whose values are not the same in all of them. */
export function differences(configs: readonly unknown[]): Differences {
  const flat = configs.map(flatten);
  const keys = new Set(flat.flatMap(({ values }) => [...values.keys()]));
  const rows: Difference[] = [];
  for (const key of [...keys].sort()) {
    const values = flat.map((one) => one.values.get(key) ?? null);
    if (values.some((value) => value !== values[0])) rows.push({ key, values });
  }
  const leftOut = flat.reduce((sum, one) => sum + one.leftOut, 0);
  return { rows, same: keys.size - rows.length, leftOut };
}

/** Texts as they are, all else as JSON. */
function shown(value: unknown): string {
  return typeof value === "string" ? value : (JSON.stringify(value) ?? "");
}

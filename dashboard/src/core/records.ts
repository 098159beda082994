// Where records have the values of metrics: the rules of docs/meaning.md, as far as a name
// in the catalogue needs them to be found again in a record.

import type { TelemetryRecord } from "tailcast";
import { isObject } from "./objects.js";

/** Objects that only wrap what is in them. */
const ENVELOPES = [
  "telemetry",
  "data",
  "fields",
  "metrics",
  "payload",
  "payload.metric",
  "payload.metrics",
  "record.extra",
];
/** A record that measures one metric has its name and its value under keys of their own. */
const NAMES = ["name", "metric", "metricName", "key", "tag"];
const VALUES = ["value", "metricValue", "val", "data", "scalar"];
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const WORDS: ReadonlyMap<string, number> = new Map([
  ["NaN", NaN],
  ["nan", NaN],
  ["null", NaN],
  ["Infinity", Infinity],
  ["inf", Infinity],
  ["-Infinity", -Infinity],
  ["-inf", -Infinity],
]);
/** How many names a subscription takes. */
const MAX_NAMES = 100;

/** A value as a number; undefined if it is none. Null is what some write for NaN. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  if (value === null) return NaN;
  if (typeof value !== "string") return undefined;
  return NUMBER.test(value) ? Number(value) : WORDS.get(value);
}

/** The value of a metric in a record; undefined if it has none. */
export function valueIn(record: TelemetryRecord, metric: string): number | undefined {
  const found = find(record, metric);
  if (found !== undefined) return numberOf(found);
  for (const envelope of ENVELOPES) {
    const inner = follow(record, envelope);
    const within = isObject(inner) ? find(inner, metric) : undefined;
    if (within !== undefined) return numberOf(within);
  }
  const isNamed = NAMES.some((key) => own(record, key) === metric);
  const key = isNamed && VALUES.find((one) => numberOf(own(record, one)) !== undefined);
  return key ? numberOf(own(record, key)) : undefined;
}

/**
 * The names under which a subscription finds the metrics in records like these: a server
 * looks at the top, in `telemetry` and along dotted paths. Undefined where whole records
 * have to come, since there would be too many names.
 */
export function namesFor(
  metrics: readonly string[],
  like: readonly TelemetryRecord[],
): string[] | undefined {
  // A name without a letter is none that can be asked for.
  if (metrics.includes("")) return undefined;
  const names = new Set(metrics);
  for (const record of like) {
    for (const envelope of ENVELOPES) {
      if (envelope === "telemetry" || !isObject(follow(record, envelope))) continue;
      for (const metric of metrics) names.add(`${envelope}.${metric}`);
    }
    if (!NAMES.some((key) => metrics.includes(own(record, key) as string))) continue;
    for (const key of [...NAMES, ...VALUES]) if (own(record, key) !== undefined) names.add(key);
  }
  return names.size > 0 && names.size <= MAX_NAMES ? [...names] : undefined;
}

function find(object: Record<string, unknown>, metric: string): unknown {
  const literal = own(object, metric);
  return literal === undefined && metric.includes(".") ? follow(object, metric) : literal;
}

function follow(object: Record<string, unknown>, path: string): unknown {
  let at: unknown = object;
  for (const part of path.split(".")) {
    if (!isObject(at)) return undefined;
    at = own(at, part);
  }
  return at;
}

function own(object: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

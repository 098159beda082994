// What an emergency says, whatever its shape: producers write what they like, and none of it
// is shown as nothing.

import type { Body, EmergencyMessage } from "tailcast";
import { figure } from "./figures.js";
import { isObject } from "./objects.js";

/** As `/api/emergencies` has them. */
export type Listed = Body<"/api/emergencies">["data"][number];

/** Who has seen it, and when by the server's clock (Unix ms). */
export interface Acknowledged {
  readonly who: string;
  readonly note: string;
  readonly at: number;
}

export interface Emergency {
  readonly id: string;
  /** The session that it names; null if it names none. */
  readonly session: string | null;
  /** The file that it came as; null for a line of a session's file. */
  readonly path: string | null;
  /** When it was, by the server's clock (Unix ms). */
  readonly time: number;
  readonly step: number | null;
  /** As the server found it; null where it found none, or was not asked. */
  readonly severity: string | null;
  /** What was written; null where only its address is known. */
  readonly data: unknown;
  /** Where it is to be had whole, if `data` is not all of it; relative to the stream's. */
  readonly url: string | null;
  /** Whether its line is not in the file any more. */
  readonly isRewound: boolean;
  readonly acknowledged: Acknowledged | null;
}

/** An emergency in the words of its producer. */
export interface Words {
  /** The metric, its value and its bound: `phi 0.45 < 0.5`; "" where it names none. */
  readonly measured: string;
  readonly reason: string;
  readonly severity: string;
}

/** So many characters of a text are shown; all of it is behind a link, or a click. */
export const MAX_CHARS = 200;

const LONG = "a long record";

type Fields = Record<string, unknown>;

/** One that a message told, at this time of the server's clock. */
export function ofMessage(message: EmergencyMessage, now: number): Emergency {
  const { id, sessionId, data, time, step } = message;
  const written = Date.parse(String(data.timestamp));
  return {
    id,
    session: sessionId ?? null,
    path: message.cursor === undefined && sessionId === undefined ? fileOf(id) : null,
    time: time ?? (Number.isFinite(written) ? written : now),
    step: step ?? (typeof data.step === "number" ? data.step : null),
    severity: null,
    data,
    url: message.truncated === true ? String(data.url) : null,
    isRewound: message.rewound === true,
    acknowledged: message.acknowledged ?? null,
  };
}

/** One of a list. */
export function ofListed(listed: Listed): Emergency {
  const { id, sessionId, path, time, step, severity, data, url } = listed;
  return {
    id,
    session: sessionId ?? null,
    path: path ?? null,
    time,
    step,
    severity,
    data,
    url: data === null ? url : null,
    isRewound: listed.rewound === true,
    acknowledged: listed.acknowledged ?? null,
  };
}

export function wordsOf(emergency: Emergency): Words {
  const { data, severity } = emergency;
  if (isTold(emergency)) return said(data);
  return { measured: "", reason: size(fieldsOf(data)?.bytes), severity: severity ?? "" };
}

/** Whether it is known what it says, and not only where that is to be had. */
export function isTold({ data, url }: Emergency): boolean {
  return data !== null && !(url !== null && fieldsOf(data)?.truncated === true);
}

/** As much of a long record as its words are made of. */
export function brief(data: unknown): unknown {
  const { reason, severity } = said(data);
  const { metric, value, threshold } = innerOf(data);
  const short = (one: unknown) => (one == null || typeof one === "number" ? one : tell(one));
  const measured = { metric: short(metric), value: short(value), threshold: short(threshold) };
  return { emergency: { ...measured, reason, severity } };
}

/** So many characters of a whole record are shown. */
const MAX_WHOLE_CHARS = 20_000;

/** A record as people read it, and whether that is all of it. */
export function spread(record: unknown): { text: string; isAll: boolean } {
  const text = json(record, 2);
  return { text: text.slice(0, MAX_WHOLE_CHARS), isAll: text.length <= MAX_WHOLE_CHARS };
}

function said(data: unknown): Words {
  const record = fieldsOf(data);
  if (record === null) return { measured: "", reason: tell(data), severity: "" };
  const inner = innerOf(data);
  const { metric, value, threshold, severity } = inner;
  const measured = measure(metric, value, threshold);
  const told = [inner.reason, inner.message, inner.type, record.reason].find(isSaid);
  // An object that says nothing known is shown as it is, with what is beside it if it is empty.
  const whole = Object.keys(inner).length > 0 ? inner : record;
  const reason =
    told !== undefined
      ? tell(told)
      : typeof record.emergency === "string"
        ? tell(record.emergency)
        : measured === ""
          ? tell(whole)
          : "";
  return { measured, reason, severity: severity == null ? "" : tell(severity) };
}

/** What a record says of the emergency, beside what it says as any record. */
function innerOf(data: unknown): Fields {
  const record = fieldsOf(data);
  return fieldsOf(record?.emergency) ?? record ?? {};
}

/** The session that it is of, or the file. */
export function whose({ session, path }: Emergency): string {
  return session ?? path ?? "no session";
}

/** All in one line, for a notification or a reader. */
export function line(emergency: Emergency): string {
  const { measured, reason, severity } = wordsOf(emergency);
  const { step } = emergency;
  const at = step === null ? "" : `step ${figure(step)}`;
  return [whose(emergency), measured, reason, severity, at].filter(Boolean).join(" · ");
}

/** What emergencies have in common that are muted together: numbers in it do not count. */
export function ruleOf(emergency: Emergency): string {
  const { metric } = innerOf(emergency.data);
  const { reason } = wordsOf(emergency);
  const kind = reason.replace(/[+-]?\d+(\.\d+)?(e[+-]?\d+)?/gi, "#");
  return [metric === undefined ? "" : tell(metric), kind].filter(Boolean).join(" · ");
}

/** Of several with the same ID the newest word counts, and what an older one knew stays. */
export function merge(old: Emergency | undefined, now: Emergency): Emergency {
  if (old === undefined) return now;
  return {
    ...now,
    step: now.step ?? old.step,
    data: isTold(now) ? now.data : (old.data ?? now.data),
    severity: now.severity ?? old.severity,
    url: now.url ?? old.url,
    isRewound: now.isRewound || old.isRewound,
  };
}

/** The newest first. */
export function byTime(all: Iterable<Emergency>): Emergency[] {
  return [...all].sort((one, other) => other.time - one.time || (one.id < other.id ? 1 : -1));
}

// Of `emergency/gpu.json/5e1f`: what stands behind the path tells its contents apart.
function fileOf(id: string): string {
  return id.slice(0, id.lastIndexOf("/"));
}

function isSaid(value: unknown): boolean {
  return value !== undefined && value !== null && value !== "";
}

function measure(metric: unknown, value: unknown, threshold: unknown): string {
  if (metric == null && value == null) return "";
  const parts = [metric == null ? "value" : tell(metric)];
  if (value !== undefined) parts.push(show(value));
  if (threshold === undefined || threshold === null) return parts.join(" ");
  const isBelow =
    typeof value === "number" && typeof threshold === "number" && value < threshold;
  const isAbove =
    typeof value === "number" && typeof threshold === "number" && value > threshold;
  parts.push(isBelow ? "<" : isAbove ? ">" : "· threshold", show(threshold));
  return parts.join(" ");
}

function show(value: unknown): string {
  return typeof value === "number" ? figure(value) : tell(value);
}

/** A text as it is, anything else as JSON; cut where it is long. */
function tell(value: unknown): string {
  const text = typeof value === "string" ? value : json(value);
  return text.length > MAX_CHARS ? `${text.slice(0, MAX_CHARS)}…` : text;
}

/** JSON with the numbers that it has no words for. */
function json(value: unknown, indent?: number): string {
  const words = (_: string, one: unknown) =>
    typeof one === "number" && !Number.isFinite(one) ? String(one) : one;
  return JSON.stringify(value, words, indent) ?? String(value);
}

function size(bytes: unknown): string {
  if (typeof bytes !== "number") return LONG;
  const told = bytes < 1e6 ? `${figure(bytes / 1e3)} KB` : `${figure(bytes / 1e6)} MB`;
  return `${LONG}: ${told}`;
}

function fieldsOf(value: unknown): Fields | null {
  return isObject(value) ? value : null;
}

// Curves as rows of figures: for a table on the page, and for a file.

import type { Curve } from "./curve.js";
import { isWithin, type Span } from "./spans.js";

export interface Line {
  readonly session: string;
  readonly curve: Curve;
}

export interface Row {
  readonly session: string;
  readonly x: number;
  readonly mean: number;
  readonly min: number;
  readonly max: number;
  /** For how many records it stands. */
  readonly count: number;
}

/** The rows of some curves within a part of the axis; values that are none among them. */
export function rowsWithin(lines: readonly Line[], span: Span): Row[] {
  const rows: Row[] = [];
  for (const { session, curve } of lines) {
    const those: Row[] = [];
    const { mean, min, max, count } = curve;
    curve.x.forEach((x, at) => {
      const row = { mean: mean[at]!, min: min[at]!, max: max[at]!, count: count[at]! };
      if (isWithin(x, span)) those.push({ session, x, ...row });
    });
    for (const { x, kind, count } of curve.odd) {
      const value = Number(kind);
      if (isWithin(x, span)) {
        those.push({ session, x, mean: value, min: value, max: value, count });
      }
    }
    rows.push(...those.sort((one, other) => one.x - other.x));
  }
  return rows;
}

/** The last rows of each session, as many of each, so many in all at most. */
export function lastOf(rows: readonly Row[], most: number): Row[] {
  const sessions = [...new Set(rows.map(({ session }) => session))];
  const each = Math.floor(most / sessions.length);
  return sessions.flatMap((name) =>
    rows.filter(({ session }) => session === name).slice(-each),
  );
}

/** As RFC 4180 has it, a line for each row and one with their names. */
export function csv(rows: readonly Row[], axis: string): string {
  const lines = [["session", axis, "mean", "min", "max", "count"].join(",")];
  for (const { session, x, mean, min, max, count } of rows) {
    lines.push([field(session), x, mean, min, max, count].join(","));
  }
  return `${lines.join("\r\n")}\r\n`;
}

/** What a spreadsheet would take for a formula is a text in it. */
function field(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** A name that every file system takes. */
export function fileName(...parts: readonly string[]): string {
  const name = parts.join(" ").replace(/[^\p{L}\p{N}._-]+/gu, "_");
  return name.replace(/^[._]+/, "").slice(0, 120) || "tailcast";
}

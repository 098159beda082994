// The values that JSON has no words for, and records that are too long for a message.

const REVIVED: ReadonlyMap<unknown, number> = new Map(
  [NaN, Infinity, -Infinity].map((value) => [String(value), value]),
);
// A quick look: most messages have none, and need no walk.
const HINT = /"(?:NaN|-?Infinity)"/;

/** Whether something is an object with fields. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether a text may have something to revive in it. */
export function mayHaveNonFinite(text: string): boolean {
  return HINT.test(text);
}

/** The value with "NaN", "Infinity" and "-Infinity" as numbers, changed in place. */
export function revive(value: unknown): unknown {
  if (typeof value === "string") return REVIVED.get(value) ?? value;
  if (typeof value !== "object" || value === null) return value;
  const fields = value as Record<string, unknown>;
  for (const key of Object.keys(fields)) {
    const field = fields[key];
    const revived = revive(field);
    // Not for what stays: a field `__proto__` is one of its own, and must remain so.
    if (revived !== field) Object.defineProperty(fields, key, { value: revived });
  }
  return value;
}

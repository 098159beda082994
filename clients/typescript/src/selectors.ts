// Which sessions a subscription is of: one, several by wildcards, or all.

/** One session by its name, several by wildcards (`*`, `?`), or null: all. */
export type Sessions = string | readonly string[] | null | undefined;

/** Sessions as a message names them, and as a test of a name. */
export interface Selector {
  readonly sessions: Sessions;
  readonly key: string;
  /** The one session, undefined for several. */
  readonly one: string | undefined;
  readonly fields: { sessionId: string } | { sessionIds: string[] };
  matches(sessionId: string): boolean;
}

/** What the sessions of a subscription are. */
export function select(sessions: Sessions): Selector {
  if (typeof sessions === "string") {
    return {
      sessions,
      key: JSON.stringify(sessions),
      one: sessions,
      fields: { sessionId: sessions },
      matches: (sessionId) => sessionId === sessions,
    };
  }
  // All is a wildcard too: so it can be ended without ending everything.
  const sessionIds = sessions == null ? ["*"] : [...sessions];
  const patterns = sessionIds.map(expression);
  return {
    sessions,
    key: JSON.stringify(sessionIds),
    one: undefined,
    fields: { sessionIds },
    matches: (sessionId) => patterns.some((pattern) => pattern.test(sessionId)),
  };
}

/** Whether a session may be of both; of two with wildcards that is not known. */
export function overlap(one: Selector, other: Selector): boolean {
  if (one.one !== undefined) return other.matches(one.one);
  return other.one === undefined || one.matches(other.one);
}

function expression(pattern: string): RegExp {
  const source = pattern.replace(/\\[^]|[^]/gu, (part) => {
    if (part === "*") return "[^]*";
    if (part === "?") return "[^]";
    const literal = part.length > 1 && part[0] === "\\" ? part.slice(1) : part;
    return literal.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  });
  return new RegExp(`^${source}$`, "u");
}

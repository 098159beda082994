// The colour and the dash of a session: the same everywhere, also after a reload.

/** How many hues there are: `--hue-0`, `--hue-1` … of the style sheet, light and dark. */
export const HUES = 6;
const DASHES: readonly (readonly number[])[] = [[], [6, 3], [2, 2], [8, 3, 2, 3]];
/** How many sessions can be told apart. */
export const LOOKS = HUES * DASHES.length;

export interface Look {
  /** A property of the style sheet, which has a colour for each scheme. */
  readonly hue: string;
  /** Lengths of strokes and gaps in pixels; none for an unbroken line. */
  readonly dash: readonly number[];
}

/** By the session's name alone. */
export function lookOf(session: string): Look {
  return look(numberOf(session));
}

/**
 * Of sessions that are shown together, by their names: no two of them look the same. Who has
 * the hue and the dash of one before it gets another dash, or else the hue of the next.
 */
export function looksOf(sessions: readonly string[]): ReadonlyMap<string, Look> {
  const taken = new Set<number>();
  return new Map(
    sessions.map((session) => {
      let number = numberOf(session);
      for (let tries = 1; taken.has(number) && tries < LOOKS; tries++) {
        // Round by round of the dashes, which are `HUES` apart.
        const next = tries % DASHES.length === 0 ? HUES + 1 : HUES;
        number = (number + next) % LOOKS;
      }
      taken.add(number);
      return [session, look(number)];
    }),
  );
}

function numberOf(session: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < session.length; at++) {
    hash = Math.imul(hash ^ session.charCodeAt(at), 0x01000193) >>> 0;
  }
  return hash % LOOKS;
}

function look(number: number): Look {
  return {
    hue: `--hue-${number % HUES}`,
    dash: DASHES[Math.floor(number / HUES)]!,
  };
}

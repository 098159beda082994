// Cursors: what orders them, and nothing else that is known of them.

/** A place in a session, null before its first record. */
export type Cursor = string | null;

/** Whether a place is beyond another; any place is beyond none. */
export function isAfter(one: Cursor, other: Cursor | undefined): boolean {
  if (one === null) return false;
  if (other == null) return true;
  const [generation = 0, offset = 0] = one.split("-").map(Number);
  const [otherGeneration = 0, otherOffset = 0] = other.split("-").map(Number);
  return (
    generation > otherGeneration || (generation === otherGeneration && offset > otherOffset)
  );
}

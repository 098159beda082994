// Finds what is meant by a few letters.

/** How well a text has all these words, in any order; null if it has not. More is better. */
export function score(words: readonly string[], text: string): number | null {
  const small = text.toLowerCase();
  let sum = 0;
  for (const word of words) {
    const found = wordScore(word, small);
    if (found === null) return null;
    sum += found;
  }
  // Of two that are alike the shorter one is meant.
  return sum - text.length / 1_000;
}

/** Its words, as `score` takes them. */
export function wordsOf(query: string): string[] {
  return query.toLowerCase().split(/\s+/).filter(Boolean);
}

/** The best of some, the best first. */
export function best<T>(
  items: Iterable<T>,
  query: string,
  textOf: (item: T) => string,
  most: number,
): T[] {
  const words = wordsOf(query);
  const found: { item: T; score: number }[] = [];
  for (const item of items) {
    const value = score(words, textOf(item));
    if (value !== null) found.push({ item, score: value });
  }
  found.sort((one, other) => other.score - one.score);
  return found.slice(0, most).map(({ item }) => item);
}

/** As a whole it counts most, at the beginning of a word more; then letter for letter. */
function wordScore(word: string, text: string): number | null {
  let at = text.indexOf(word);
  let whole = at === -1 ? null : 2;
  for (; at !== -1; at = text.indexOf(word, at + 1)) {
    if (begins(text, at)) whole = at === 0 ? 4 : 3;
    if (whole !== 2) break;
  }
  if (whole !== null) return whole;
  let place = -1;
  let starts = 0;
  for (const letter of word) {
    place = text.indexOf(letter, place + 1);
    if (place === -1) return null;
    if (begins(text, place)) starts += 1;
  }
  return starts / word.length;
}

/** Whether a word begins there. */
function begins(text: string, at: number): boolean {
  return at === 0 || !/[\p{L}\p{N}]/u.test(text[at - 1]!);
}

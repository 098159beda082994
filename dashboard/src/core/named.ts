// Sessions that are asked for by their names, which stand in an address.

/** How many one question names, and how long their names may be together. */
const MOST = 60;
const MAX_CHARS = 3_000;

/** As many of these names as one question may have; one, if there is any. */
export function within(names: Iterable<string>): string[] {
  const some: string[] = [];
  let chars = 0;
  for (const name of names) {
    chars += encodeURIComponent(name).length + "&sessionId=".length;
    if (some.length >= MOST || (some.length > 0 && chars > MAX_CHARS)) break;
    some.push(name);
  }
  return some;
}

// The line that somebody pastes into a shell so that there is something to see.

export interface Root {
  readonly path: string;
  /** What is meant below it; none: whatever holds records. */
  readonly patterns: readonly string[];
  /** Why nothing of it is followed. */
  readonly reason?: string;
}

const RECORD = '{"step":1,"loss":0.5}';
const NAME = "run_1";
const LINES = /\.(jsonl|ndjson|jsonlines)$/;

/** Of the roots, the first one where a line of a new file would be followed. */
export function pasteLine(roots: readonly Root[]): string | null {
  for (const { path, patterns, reason } of roots) {
    const file = LINES.test(path) ? path : fileIn(path, patterns);
    if (file === null) continue;
    const make = reason ? `mkdir -p ${quote(folderOf(file))} && ` : "";
    return `${make}echo ${quote(RECORD)} >> ${quote(file)}`;
  }
  return null;
}

function fileIn(path: string, patterns: readonly string[]): string | null {
  const pattern = patterns.length === 0 ? "*.jsonl" : patterns.find((one) => LINES.test(one));
  if (pattern === undefined) return null;
  const name = pattern
    .replace(/\*\*\//g, "")
    .replace(/\*+/g, NAME)
    .replace(/\?/g, "1");
  return `${path.replace(/\/$/, "")}/${name}`;
}

function folderOf(file: string): string {
  return file.slice(0, file.lastIndexOf("/")) || "/";
}

/** A text as one word of a POSIX shell. */
export function quote(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

// How figures are written: four significant digits, ages and durations in one unit.

const DIGITS = 4;
const MINUS = "−";

/** A figure as people read it: `0.412`, `12 400`, `3.2e-7`, `NaN`. */
export function figure(value: unknown): string {
  if (typeof value !== "number") return value == null ? "–" : String(value);
  if (!Number.isFinite(value)) return String(value).replace("-", MINUS);
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e9) return grouped(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e9)) {
    return trimmed(value.toExponential(DIGITS - 1)).replace("-", value < 0 ? MINUS : "-");
  }
  if (Math.round(size) >= 10 ** (DIGITS - 1)) return grouped(Math.round(value));
  return trimmed(value.toPrecision(DIGITS)).replace("-", MINUS);
}

/** A thin blank at which no line ends. */
const THIN = "\u202f";

/** A whole number with thin blanks between thousands. */
export function grouped(value: number): string {
  const digits = String(Math.abs(Math.trunc(value)));
  const sign = value < 0 ? MINUS : "";
  return sign + digits.replace(/\B(?=(\d{3})+$)/g, THIN);
}

/** So many milliseconds in the largest unit that fits: `2 s`, `14 m`, `3 h`, `5 d`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} m`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** Zeros behind the point say nothing. */
function trimmed(text: string): string {
  return text.replace(/(\.\d*?)0+(e|$)/, "$1$2").replace(/\.(e|$)/, "$1");
}

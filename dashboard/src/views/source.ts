// Whose curve a chart draws, and how.

import type { Look } from "../core/hues.js";
import type { Curves } from "../feed/curves.js";

export interface Source {
  readonly name: string;
  readonly curves: Curves;
  readonly look: Look;
}

// The colour and the dash of a session beside its name.

import type { Look } from "../core/hues.js";

export function Swatch({ look }: { look: Look }) {
  return (
    <svg className="swatch" width="24" height="8" aria-hidden="true" focusable="false">
      <line
        x1="0"
        y1="4"
        x2="24"
        y2="4"
        style={{ stroke: `var(${look.hue})` }}
        strokeWidth="2"
        strokeDasharray={look.dash.join(" ")}
      />
    </svg>
  );
}

// The course of a metric, as small as a word.

import { memo } from "react";
import { sparkPath } from "../core/rows.js";

const WIDTH = 72;
const HEIGHT = 16;

export const Spark = memo(function Spark(props: {
  values: readonly (number | null)[];
  /** As a look has it. */
  hue: string;
}) {
  return (
    <svg className="spark" width={WIDTH} height={HEIGHT} aria-hidden="true" focusable="false">
      <path
        d={sparkPath(props.values, WIDTH - 2, HEIGHT - 4)}
        transform="translate(1 2)"
        fill="none"
        style={{ stroke: `var(${props.hue})` }}
        strokeWidth="1.5"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  );
});

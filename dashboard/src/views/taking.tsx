// What can be taken away from a chart: its figures as a file, and its picture.

import type { RefObject } from "react";
import type { Axis } from "../core/address.js";
import type { Span } from "../core/spans.js";
import { later } from "./later.js";
import type { Source } from "./source.js";
import "./taking.css";

export interface Taken {
  readonly metric: string;
  readonly sources: readonly Source[];
  readonly axis: Axis;
  readonly span: Span;
}

const load = () => import("./taken.js");
export const Figures = later(async () => (await load()).Figures);

export function Taking({ of, plot }: { of: Taken; plot: RefObject<HTMLElement | null> }) {
  const takePicture = async () => {
    const canvas = plot.current?.querySelector("canvas");
    if (canvas) (await load()).savePicture(canvas, of);
  };
  return (
    <span className="taking">
      <button
        type="button"
        title={`${of.metric} as CSV`}
        onClick={async () => (await load()).saveFigures(of)}
      >
        CSV
      </button>
      <button type="button" title={`${of.metric} as PNG`} onClick={takePicture}>
        PNG
      </button>
    </span>
  );
}

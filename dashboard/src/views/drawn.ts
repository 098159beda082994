// Which metrics are drawn: those that somebody chose, or those that the page chooses.

import { type RefObject, useCallback, useEffect, useRef } from "react";
import type { View } from "../core/address.js";
import { choose } from "../core/choice.js";
import type { Known } from "../feed/catalogue.js";
import { go } from "../feed/place.js";

/** How many charts a page chooses, and of how many metrics, if there are too many to wait. */
export const MOST = 6;
const ENOUGH = 1_000;

interface Drawn {
  readonly chosen: readonly string[];
  /** Draw a metric, or not. */
  readonly toggle: (metric: string) => void;
  /** Where the charts are: one that was just chosen is brought into sight. */
  readonly charts: RefObject<HTMLDivElement | null>;
}

/** Whether metrics can be chosen: nothing more is waited for. */
export function isEnough({ isWhole, metrics, problem }: Known): boolean {
  return isWhole || problem !== null || metrics.length >= ENOUGH;
}

/** `main`: the metric that is the first to be drawn, if one is known. */
export function useDrawn(shown: View, known: Known, main?: string): Drawn {
  // Once chosen they stay: charts do not change places while one looks at them.
  const own = useRef<readonly string[]>([]);
  if (own.current.length < MOST && isEnough(known)) {
    const first = main === undefined ? [] : [main];
    const all = new Set([...own.current, ...first, ...choose(known.metrics, MOST)]);
    own.current = [...all].slice(0, MOST);
  }
  const chosen = shown.metrics ?? own.current;

  const added = useRef<string | null>(null);
  const charts = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const sought = added.current;
    added.current = null;
    if (sought === null) return;
    const all = [...(charts.current?.querySelectorAll<HTMLElement>("[data-chart]") ?? [])];
    all.find(({ dataset }) => dataset.chart === sought)?.scrollIntoView({ block: "nearest" });
  });
  const toggle = useCallback(
    (metric: string) => {
      const isIn = chosen.includes(metric);
      const next = isIn ? chosen.filter((one) => one !== metric) : [...chosen, metric];
      go({ metrics: next }, { replace: true });
      added.current = isIn ? null : metric;
    },
    [chosen],
  );
  return { chosen, toggle, charts };
}

// What is known of the runs that are shown, and which metrics they have.

import { useEffect, useMemo, useRef, useState } from "react";
import { merged } from "../core/choice.js";
import { Catalogue, type Known } from "../feed/catalogue.js";
import { Curves } from "../feed/curves.js";

export interface Feeds {
  readonly name: string;
  readonly curves: Curves;
  readonly catalogue: Catalogue;
}

/** What is known of each run; those that stay are not asked for anew when others come. */
export function useRuns(names: readonly string[]): readonly Feeds[] {
  const all = useRef(new Map<string, Feeds>());
  const key = JSON.stringify(names);
  const runs = useMemo(
    () =>
      (JSON.parse(key) as string[]).map((name) => {
        const run = all.current.get(name) ?? {
          name,
          curves: new Curves(name),
          catalogue: new Catalogue(name),
        };
        all.current.set(name, run);
        return run;
      }),
    [key],
  );
  useEffect(() => {
    for (const [name, run] of all.current) {
      if (runs.includes(run)) continue;
      close(run);
      all.current.delete(name);
    }
  }, [runs]);
  useEffect(
    () => () => {
      for (const run of all.current.values()) close(run);
      all.current.clear();
    },
    [],
  );
  return runs;
}

function close({ curves, catalogue }: Feeds): void {
  curves.close();
  catalogue.close();
}

/** The metrics that any of them has. */
export function useMetrics(runs: readonly Feeds[]): Known {
  const [version, changed] = useState(0);
  useEffect(() => {
    const ends = runs.flatMap(({ catalogue, curves }) => {
      const load = () => void catalogue.load();
      load();
      let { isWaiting } = curves.state.get();
      return [
        catalogue.known.listen(() => changed((count) => count + 1)),
        curves.of.listen(() => {
          if (curves.of.get() !== catalogue.known.get().of) load();
        }),
        curves.state.listen(() => {
          if (isWaiting === curves.state.get().isWaiting) return;
          isWaiting = !isWaiting;
          load();
        }),
      ];
    });
    return () => {
      for (const end of ends) end();
    };
  }, [runs]);
  return useMemo(() => {
    const all = runs.map(({ catalogue }) => catalogue.known.get());
    // Of one run as it is: it may have very many.
    if (all.length === 1) return all[0]!;
    const metrics = merged(all.map((known) => known.metrics));
    return {
      metrics,
      of: metrics.length,
      leftOut: all.reduce((sum, known) => sum + known.leftOut, 0),
      isWhole: all.every((known) => known.isWhole),
      problem: all.find((known) => known.problem !== null)?.problem ?? null,
    };
  }, [runs, version]);
}

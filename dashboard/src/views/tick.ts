// Components whose figures change many times a second are drawn anew now and then.

import { useEffect, useState } from "react";
import type { Readable } from "../feed/value.js";

const TICK_MS = 500;

/** Draw the component anew when one of these has changed, twice a second at most. */
export function useTick(values: readonly Readable<unknown>[]): void {
  const [, tick] = useState(0);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const changed = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        tick((count) => count + 1);
      }, TICK_MS);
    };
    const ends = values.map((value) => value.listen(changed));
    return () => {
      for (const end of ends) end();
      clearTimeout(timer);
    };
  }, [values]);
}

// What the screen is like.

import { useMemo } from "react";
import { type Readable, useValue } from "../feed/value.js";

/** Whether a media query is true; drawn anew when that changes. */
export function useMedia(query: string): boolean {
  const value = useMemo((): Readable<boolean> => {
    const media = matchMedia(query);
    return {
      get: () => media.matches,
      listen: (changed) => {
        media.addEventListener("change", changed);
        return () => media.removeEventListener("change", changed);
      },
    };
  }, [query]);
  return useValue(value);
}

// Which lines of a long list are drawn: those that are to be seen, and some beside them. All
// are of one height, so that nothing has to be measured.

import { type RefObject, useEffect, useLayoutEffect, useState } from "react";

/** So many more are drawn above and below, once those that are to be seen were painted. */
const BESIDE = 10;

/** Of a list of so many lines, each so high, the numbers of those that are drawn. */
export function useSeen(
  list: RefObject<HTMLElement | null>,
  count: number,
  px: number,
): readonly number[] {
  const [[first, end], setDrawn] = useState<readonly [number, number]>([0, 0]);
  const [beside, setBeside] = useState(0);
  const isSomeDrawn = end > first;
  useEffect(() => {
    if (isSomeDrawn) setBeside(BESIDE);
  }, [isSomeDrawn]);
  const look = () => {
    const { top = 0 } = list.current?.getBoundingClientRect() ?? {};
    const from = Math.max(0, Math.floor(-top / px) - beside);
    const to = Math.min(count, Math.ceil((innerHeight - top) / px) + beside);
    setDrawn((old) => (old[0] === from && old[1] === to ? old : [from, to]));
  };
  useLayoutEffect(look);
  useEffect(() => {
    const stop = new AbortController();
    const { signal } = stop;
    // Whatever scrolls, the list or what it is in.
    document.addEventListener("scroll", look, { capture: true, passive: true, signal });
    addEventListener("resize", look, { signal });
    return () => stop.abort();
  }, [count, px, beside]);
  return Array.from({ length: Math.max(0, end - first) }, (_, at) => first + at);
}

// A stored run played again, as fast as one likes.

import { useCallback, useEffect, useRef, useState } from "react";
import type { Axis } from "../core/address.js";
import { grouped } from "../core/figures.js";
import { paceOf, SPEEDS, speedFor } from "../core/replay.js";
import type { Extent } from "../core/spans.js";
import type { Curves } from "../feed/curves.js";
import { go } from "../feed/place.js";
import type { Snapshot } from "../feed/snapshot.js";
import { placeText } from "./chart.js";

const TICK_MS = 100;

export interface Replay {
  /** Up to where the run is shown; null for all of it. */
  readonly at: number | null;
  readonly isPlaying: boolean;
  readonly speed: number;
  /** Begin it, stop it where it is, or go on. */
  readonly toggle: () => void;
  readonly seek: (at: number) => void;
  readonly setSpeed: (speed: number) => void;
  /** Show what comes. */
  readonly end: () => void;
}

/** `linked`: where a link says that it is. */
export function useReplay(
  curves: Curves,
  snapshot: Snapshot | null,
  axis: Axis,
  linked: number | null,
): Replay {
  const [at, setAt] = useState(linked);
  const [isPlaying, setPlaying] = useState(false);
  const [chosen, setSpeed] = useState<number | null>(null);
  const place = useRef(at);
  place.current = at;
  useEffect(() => setAt(linked), [linked]);

  const course = {
    records: snapshot?.records ?? 0,
    firstStep: snapshot?.steps?.first ?? null,
    lastStep: snapshot?.steps?.last ?? null,
    firstTime: snapshot?.times?.first ?? null,
    lastTime: snapshot?.times?.last ?? null,
  };
  const whole = curves.whole?.extent ?? null;
  const pace = whole && paceOf(axis, course, whole);
  const speed = chosen ?? (whole && pace ? speedFor(pace, whole) : 1);
  const way = useRef(0);
  way.current = (pace ?? 0) * speed;

  const end = useCallback(() => {
    setPlaying(false);
    setAt(null);
    go({ at: null }, { replace: true });
  }, []);
  useEffect(() => {
    if (!isPlaying) return;
    let last = performance.now();
    const timer = setInterval(() => {
      const now = performance.now();
      const high = curves.whole?.extent?.high ?? -Infinity;
      const next = (place.current ?? high) + (way.current * (now - last)) / 1_000;
      last = now;
      if (next >= high) end();
      else setAt(next);
    }, TICK_MS);
    return () => clearInterval(timer);
  }, [isPlaying, curves, end]);

  const toggle = () => {
    const extent: Extent | null = curves.whole?.extent ?? null;
    if (extent === null) return;
    if (isPlaying) go({ at: place.current && Math.round(place.current) }, { replace: true });
    else if (place.current === null) setAt(extent.low);
    setPlaying(!isPlaying);
  };
  const seek = (to: number) => {
    setAt(to);
    if (!isPlaying) go({ at: to }, { replace: true });
  };
  return { at, isPlaying, speed, toggle, seek, setSpeed, end };
}

export function ReplayBar({
  replay,
  axis,
  whole,
}: {
  replay: Replay;
  axis: Axis;
  whole: Extent | null;
}) {
  const { at, isPlaying, speed } = replay;
  if (at === null || whole === null) {
    return (
      <button type="button" onClick={replay.toggle} title="Play it again (r)">
        replay
      </button>
    );
  }
  return (
    <span className="replay">
      <button type="button" onClick={replay.toggle}>
        {isPlaying ? "stop" : "play"}
      </button>
      <input
        type="range"
        aria-label="Place of the replay"
        aria-valuetext={placeText(at, axis)}
        min={whole.low}
        max={whole.high}
        step="any"
        value={at}
        onInput={(event) => replay.seek(Number(event.currentTarget.value))}
      />
      <span>{placeText(at, axis)}</span>
      <select
        aria-label="Speed"
        value={String(speed)}
        onChange={(event) => replay.setSpeed(Number(event.currentTarget.value))}
      >
        {SPEEDS.map((one) => (
          <option key={one} value={String(one)}>
            {grouped(one)}×
          </option>
        ))}
      </select>
      <button type="button" onClick={replay.end}>
        live
      </button>
    </span>
  );
}

// The whole of a run beneath its charts, with the window that the charts show of it, and
// its replay.

import { type PointerEvent, useEffect, useRef } from "react";
import { upright } from "../core/curve.js";
import { figure } from "../core/figures.js";
import { type Extent, rounded, type Span } from "../core/spans.js";
import { paint } from "./paint.js";
import { redraw, watch } from "./redraw.js";
import type { Source } from "./source.js";

interface Props {
  readonly source: Source;
  readonly metric: string | undefined;
  readonly span: Span;
  readonly until: number | null;
  readonly onSpan: (span: Span) => void;
}

/** Where the strip was taken hold of: an edge of the window, its midst, or beside it. */
interface Hold {
  readonly kind: "from" | "to" | "both" | "new";
  readonly start: number;
  readonly span: { from: number; to: number };
}

const EDGE = 6;

export function Strip(props: Props) {
  const { source, metric, span } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const glass = useRef<HTMLDivElement>(null);
  const latest = useRef(props);
  latest.current = props;
  const whole = useRef<Extent | null>(null);
  const hold = useRef<Hold | null>(null);
  const drawn = useRef({ draw: () => draw(), lines: () => 1 });

  const draw = () => {
    const { current: it } = canvas;
    if (!it) return;
    const { metric: name, source: one, span: part, until } = latest.current;
    const picture = one.curves.whole;
    const curve = name === undefined ? undefined : picture?.curves.get(name);
    const ratio = devicePixelRatio;
    const { clientWidth: width, clientHeight: height } = it;
    it.width = width * ratio;
    it.height = height * ratio;
    whole.current = picture?.extent ?? null;
    placeGlass(glass.current, part, whole.current);
    const ctx = it.getContext("2d");
    const x = whole.current;
    if (!ctx || !curve || x === null || x.high <= x.low) return;
    const y = upright(curve, { from: null, to: null }, false) ?? { low: 0, high: 1 };
    const room = (y.high - y.low) * 0.05 || 1;
    paint(ctx, [{ curve, ends: [], marks: [], look: one.look }], {
      left: 0,
      top: 0,
      width: it.width,
      height: it.height,
      ratio,
      x,
      y: { low: y.low - room, high: y.high + room },
      until,
      axis: "record",
      isLog: false,
      smooth: 0,
    });
  };
  useEffect(() => {
    const unwatch = watch(canvas.current!, drawn.current);
    const resizes = new ResizeObserver(() => redraw(drawn.current));
    resizes.observe(canvas.current!);
    return () => {
      unwatch();
      resizes.disconnect();
    };
  }, []);
  useEffect(() => source.curves.version.listen(() => redraw(drawn.current)), [source]);
  useEffect(() => redraw(drawn.current, true), [source, metric, span, props.until]);

  const placeOf = (event: PointerEvent): number | null => {
    const { left, width } = event.currentTarget.getBoundingClientRect();
    const x = whole.current;
    if (x === null || width === 0) return null;
    return x.low + ((event.clientX - left) / width) * (x.high - x.low);
  };
  const onPointerDown = (event: PointerEvent<HTMLDivElement>) => {
    const place = placeOf(event);
    const x = whole.current;
    if (place === null || x === null) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    const at = { from: span.from ?? x.low, to: span.to ?? x.high };
    const edge = (EDGE * (x.high - x.low)) / event.currentTarget.clientWidth;
    const isOpen = span.from === null && span.to === null;
    let kind: Hold["kind"] = "new";
    if (!isOpen && Math.abs(place - at.from) < edge) kind = "from";
    else if (!isOpen && Math.abs(place - at.to) < edge) kind = "to";
    else if (!isOpen && place > at.from && place < at.to) kind = "both";
    hold.current = { kind, start: place, span: at };
  };
  const moved = (event: PointerEvent<HTMLDivElement>): Span | null => {
    const place = placeOf(event);
    if (place === null || !hold.current || !whole.current) return null;
    return dragged(hold.current, place, whole.current);
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys + - and the arrows do it too
    <div
      className="strip-plot"
      onPointerDown={onPointerDown}
      onPointerMove={(event) => {
        const next = moved(event);
        if (next) placeGlass(glass.current, next, whole.current);
      }}
      onPointerUp={(event) => {
        const next = moved(event);
        hold.current = null;
        if (next && next.to! > next.from!) props.onSpan(rounded(next.from!, next.to!));
        else placeGlass(glass.current, span, whole.current);
      }}
      onDoubleClick={() => props.onSpan({ from: null, to: null })}
    >
      <canvas
        ref={canvas}
        role="img"
        aria-label={`The whole run${metric === undefined ? "" : `: ${metric}`}`}
      />
      <div className="strip-glass" ref={glass} hidden />
    </div>
  );
}

/** The window after it was drawn to a place. */
function dragged({ kind, start, span }: Hold, place: number, whole: Extent): Span {
  const to = Math.min(whole.high, Math.max(whole.low, place));
  if (kind === "from") return { from: Math.min(to, span.to), to: span.to };
  if (kind === "to") return { from: span.from, to: Math.max(to, span.from) };
  if (kind === "new") return { from: Math.min(start, to), to: Math.max(start, to) };
  const by = Math.min(whole.high - span.to, Math.max(whole.low - span.from, place - start));
  return { from: span.from + by, to: span.to + by };
}

function placeGlass(glass: HTMLElement | null, span: Span, whole: Extent | null): void {
  if (!glass) return;
  glass.hidden = whole === null || (span.from === null && span.to === null);
  if (glass.hidden || whole === null) return;
  const part = (x: number) =>
    Math.min(1, Math.max(0, (x - whole.low) / (whole.high - whole.low)));
  const from = part(span.from ?? whole.low);
  glass.style.left = `${from * 100}%`;
  glass.style.width = `max(2px, ${(part(span.to ?? whole.high) - from) * 100}%)`;
}

/** `1.0 M` records in a few letters. */
export function amount(count: number): string {
  if (count >= 1e6) return `${(count / 1e6).toFixed(1)} M`;
  return figure(count);
}

// Paints lines on a canvas: a band from the lowest to the highest of each row, the mean in
// it, and marks where something happened.

import type { Axis } from "../core/address.js";
import { Bitmap, inkFrom } from "../core/bitmap.js";
import { type Curve, smooth } from "../core/curve.js";
import { figure } from "../core/figures.js";
import type { Look } from "../core/hues.js";
import { beside } from "../core/labels.js";
import type { Mark } from "../core/picture.js";
import type { Extent, Span } from "../core/spans.js";
import { bars, type Trace, trace } from "../core/traces.js";
import { inkOf } from "./redraw.js";

export interface Painted {
  readonly curve: Curve;
  /** What its line is at the edges of the axis, if it goes on there. */
  readonly ends: readonly (number | null)[];
  readonly marks: readonly Mark[];
  readonly look: Look;
}

export interface Frame {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** Pixels of the canvas for each of the page. */
  readonly ratio: number;
  readonly x: Extent;
  readonly y: Extent;
  /** Beyond which nothing is drawn; null for no such place. */
  readonly until: number | null;
  readonly axis: Axis;
  readonly isLog: boolean;
  readonly smooth: number;
}

export function paint(ctx: CanvasRenderingContext2D, lines: readonly Painted[], frame: Frame) {
  const { left, top, width, height, ratio } = frame;
  ctx.save();
  ctx.beginPath();
  const end = frame.until === null ? width : alongX(frame)(frame.until) - left;
  ctx.rect(left, top, Math.min(width, end), height);
  ctx.clip();
  ctx.textAlign = "left";
  const bitmap = bitmapOf(frame);
  for (const line of lines) paintLine(ctx, line, frame, bitmap);
  putBitmap(ctx, bitmap);
  for (const { marks } of lines) paintMarks(ctx, marks, frame);
  ctx.font = `${11 * ratio}px system-ui, sans-serif`;
  paintOdd(ctx, lines, frame);
  ctx.restore();
}

/**
 * A line that goes up and down so many times as far as along is thin: wider strokes would take
 * ten times as long. If it turns at each other column, it is drawn column by column.
 */
const STEEP = 4;

function paintLine(
  ctx: CanvasRenderingContext2D,
  { curve, ends, look }: Painted,
  frame: Frame,
  bitmap: Bitmap,
) {
  const { x, min, max, mean, count } = curve;
  const px = alongX(frame);
  const py = alongY(frame);
  const parts = partsOf(curve, { from: frame.x.low, to: frame.x.high });
  ctx.fillStyle = ctx.strokeStyle = inkOf(look.hue);
  ctx.globalAlpha = 0.2;
  for (const [start, end] of parts) {
    if (!isBand(min, max, start, end)) continue;
    putBitmap(ctx, bitmap);
    ctx.beginPath();
    for (let at = start; at < end; at++) ctx.lineTo(px(x[at]!), py(max[at]!));
    for (let at = end - 1; at >= start; at--) ctx.lineTo(px(x[at]!), py(min[at]!));
    ctx.fill();
  }
  ctx.lineJoin = "round";
  const stroke = (values: Float64Array, weight: number) => {
    const traces = parts.map(([first, end]) => {
      const start = first + (isMixed(x, count, first) && end - first > 2 ? 1 : 0);
      const { points, travel } = trace(x, values, [start, end], px, py);
      const [before, behind] = ends;
      if (before != null && first === 0) points.unshift(frame.left, py(before));
      if (behind != null && end === x.length) {
        points.push(frame.left + frame.width, py(behind));
      }
      return { points, travel };
    });
    const sum = (of: (one: Trace) => number) => traces.reduce((all, one) => all + of(one), 0);
    const isSteep = sum(({ travel }) => travel) > STEEP * frame.width;
    const isDense = sum(({ points }) => points.length) > frame.width;
    if (isSteep && isDense) {
      // Without dashes: nobody could tell them in a line that goes up and down all the time.
      const ink = inkFrom(inkOf(look.hue), ctx.globalAlpha);
      for (const one of traces) bitmap.fill(bars(one), ink);
    } else {
      putBitmap(ctx, bitmap);
      paintTraces(ctx, traces, (isSteep ? 1 : weight) * frame.ratio, look, frame.ratio);
    }
    // A row alone is no line: a dot.
    for (const [start, end] of parts) {
      if (end - start > 1) continue;
      putBitmap(ctx, bitmap);
      ctx.beginPath();
      ctx.arc(px(x[start]!), py(values[start]!), 2 * frame.ratio, 0, 7);
      ctx.fill();
    }
  };
  if (frame.smooth > 0) {
    ctx.globalAlpha = 0.3;
    stroke(mean, 1);
    ctx.globalAlpha = 1;
    // What is missing, or is no number, ends no course: a fall-back does.
    const falls = curve.breaks.filter((at) => x[at]! <= x[at - 1]!);
    stroke(smooth(mean, falls, frame.smooth), 1.5);
  } else {
    ctx.globalAlpha = 1;
    stroke(mean, 1.5);
  }
}

/** Whether any row stands for more than one value. */
function isBand(min: Float64Array, max: Float64Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (min[at] !== max[at]) return true;
  return false;
}

function paintTraces(
  ctx: CanvasRenderingContext2D,
  traces: readonly Trace[],
  width: number,
  { dash }: Look,
  ratio: number,
) {
  ctx.lineWidth = width;
  ctx.setLineDash(dash.map((length) => length * ratio));
  ctx.beginPath();
  for (const { points } of traces) {
    for (let at = 0; at < points.length; at += 2) {
      if (at === 0) ctx.moveTo(points[at]!, points[at + 1]!);
      else ctx.lineTo(points[at]!, points[at + 1]!);
    }
  }
  ctx.stroke();
  ctx.setLineDash([]);
}

const bitmaps = new OffscreenCanvas(1, 1);
let latest = new Bitmap(0, 0, 1, 1);

/** An empty one for a chart: mostly that of the chart before, which is as large. */
function bitmapOf(frame: Frame): Bitmap {
  const [left, top] = [Math.floor(frame.left), Math.floor(frame.top)];
  const width = Math.ceil(frame.left + frame.width) - left;
  const height = Math.ceil(frame.top + frame.height) - top;
  const isSame = latest.left === left && latest.top === top;
  if (!isSame || latest.width !== width || latest.height !== height) {
    latest = new Bitmap(left, top, width, height);
    Object.assign(bitmaps, { width, height });
  }
  return latest;
}

/** Put on the canvas what was filled: before whatever is painted over it. */
function putBitmap(ctx: CanvasRenderingContext2D, bitmap: Bitmap): void {
  if (bitmap.isEmpty) return;
  const { bytes, width, left, top } = bitmap;
  bitmaps.getContext("2d")!.putImageData(new ImageData(bytes, width), 0, 0);
  const { globalAlpha } = ctx;
  ctx.globalAlpha = 1;
  ctx.drawImage(bitmaps, left, top);
  ctx.globalAlpha = globalAlpha;
  bitmap.clear();
}

const LABELS = { rewind: "rewind", gap: "gap", emergency: "⚠" } as const;

function paintMarks(ctx: CanvasRenderingContext2D, marks: readonly Mark[], frame: Frame) {
  const px = alongX(frame);
  const inkFor = ({ kind }: Mark) => inkOf(kind === "emergency" ? "--red" : "--quiet");
  ctx.lineWidth = frame.ratio;
  ctx.setLineDash([2 * frame.ratio, 3 * frame.ratio]);
  for (const mark of marks) {
    const { x } = mark;
    if (x === null) continue;
    ctx.strokeStyle = inkFor(mark);
    ctx.beginPath();
    ctx.moveTo(px(x), frame.top);
    ctx.lineTo(px(x), frame.top + frame.height);
    ctx.stroke();
  }
  ctx.setLineDash([]);
  ctx.font = `${10 * frame.ratio}px system-ui, sans-serif`;
  ctx.textBaseline = "top";
  let free = -Infinity;
  for (const mark of [...marks].sort((a, b) => (a.x ?? 0) - (b.x ?? 0))) {
    const { x, kind } = mark;
    if (x === null) continue;
    // Of a time the axis says enough.
    const place = kind === "gap" || frame.axis === "time" ? "" : ` ${figure(x)}`;
    const text = LABELS[kind] + place;
    ctx.fillStyle = inkFor(mark);
    const { width } = ctx.measureText(text);
    const end = frame.left + frame.width;
    if (px(x) < frame.left || px(x) > end) continue;
    const gap = 3 * frame.ratio;
    const at = px(x) + gap + width > end ? px(x) - gap - width : px(x) + gap;
    if (at < free) continue;
    ctx.fillText(text, at, frame.top + 2 * frame.ratio);
    free = at + width + 4 * frame.ratio;
  }
}

/** In what is lower than this, words would be upon the lines. */
const WORDS_PX = 64;

/** Triangles: at the foot for what is no number, at the head for what is infinite. */
function paintOdd(ctx: CanvasRenderingContext2D, lines: readonly Painted[], frame: Frame) {
  const px = alongX(frame);
  const size = 4 * frame.ratio;
  const bases = {
    foot: { baseline: "bottom", y: frame.top + frame.height - size / 2 },
    head: { baseline: "top", y: frame.top + 2 * size },
  } as const;
  const taken: Record<keyof typeof bases, Extent[]> = { foot: [], head: [] };
  const kinds = new Map<string, Extent[]>();
  ctx.strokeStyle = inkOf("--ink");
  ctx.lineWidth = frame.ratio / 2;
  for (const { curve, look } of lines) {
    ctx.fillStyle = inkOf(look.hue);
    for (const { x, kind } of curve.odd) {
      if (x < frame.x.low || x > frame.x.high) continue;
      const side = sideOf(kind);
      const base = bases[side].y;
      const [low, high] = [px(x) - size, px(x) + size];
      ctx.beginPath();
      ctx.moveTo(px(x), base - 2 * size);
      ctx.lineTo(high, base);
      ctx.lineTo(low, base);
      ctx.closePath();
      ctx.fill();
      ctx.stroke();
      taken[side].push({ low, high });
      const those = kinds.get(kind) ?? [];
      kinds.set(kind, those);
      those.push({ low, high });
    }
  }
  if (frame.height < WORDS_PX * frame.ratio) return;
  // One word for each kind, where there is room; what is beneath the chart says all of them.
  ctx.fillStyle = inkOf("--ink");
  const within = { low: frame.left, high: frame.left + frame.width };
  for (const [kind, marks] of kinds) {
    const side = sideOf(kind);
    const text = kind.replace("-", "−");
    const { width } = ctx.measureText(text);
    const left = beside(marks, taken[side], width, size / 2, within);
    if (left === null) continue;
    ctx.textBaseline = bases[side].baseline;
    ctx.fillText(text, left, side === "head" ? frame.top : bases[side].y);
    taken[side].push({ low: left, high: left + width });
  }
}

function sideOf(kind: string): "foot" | "head" {
  return kind === "Infinity" ? "head" : "foot";
}

/** Whether a row stands for records before and behind a fall-back: its mean is of neither. */
function isMixed(x: Float64Array, count: Float64Array, at: number): boolean {
  return at > 0 && x[at]! < x[at - 1]! && count[at]! > 1;
}

/** Rows from and up to which an unbroken line goes, with one more at the edges. */
export function partsOf(curve: Curve, span: Span): [number, number][] {
  const { x } = curve;
  const starts = [0, ...curve.breaks, x.length];
  const parts: [number, number][] = [];
  for (let part = 0; part + 1 < starts.length; part++) {
    let start = starts[part]!;
    let end = starts[part + 1]!;
    while (start + 1 < end && x[start + 1]! < span.from!) start += 1;
    while (end - 1 > start && x[end - 2]! > span.to!) end -= 1;
    if (start < end) parts.push([start, end]);
  }
  return parts;
}

function alongX({ left, width, x }: Frame): (value: number) => number {
  const scale = width / (x.high - x.low);
  return (value) => left + (value - x.low) * scale;
}

function alongY({ top, height, y, isLog }: Frame): (value: number) => number {
  const bend = isLog ? Math.log10 : (value: number) => value;
  const low = bend(y.low);
  const scale = height / (bend(y.high) - low);
  const foot = top + height;
  return (value) => (isLog && value <= 0 ? foot : foot - (bend(value) - low) * scale);
}

// One chart: a metric of one or several sessions, drawn by uPlot's axes and our own lines.

import { memo, Suspense, useEffect, useRef } from "react";
import uPlot from "uplot";
import type { Axis } from "../core/address.js";
import { type Curve, edges, rowAt, upright } from "../core/curve.js";
import { figure } from "../core/figures.js";
import type { Mark } from "../core/picture.js";
import {
  type Extent,
  pad,
  rounded,
  type Span,
  spanOf,
  spread,
  union,
  widen,
} from "../core/spans.js";
import { type Painted, paint } from "./paint.js";
import { inkOf, redraw, watch } from "./redraw.js";
import type { Source } from "./source.js";
import { Figures, Taking } from "./taking.js";
import { listenToTouches } from "./touches.js";
import "./chart.css";

export interface ChartProps {
  readonly metric: string;
  readonly sources: readonly Source[];
  readonly axis: Axis;
  readonly span: Span;
  /** Where the axis ends though there is more, as in a replay; null for nowhere. */
  readonly until: number | null;
  /** A place that is marked: that of an emergency; null for none. */
  readonly mark: number | null;
  readonly isLog: boolean;
  readonly smooth: number;
  /** Whether its figures are shown in the place of the drawing. */
  readonly isTable: boolean;
  /** A part of the axis was chosen; nulls for the whole. */
  readonly onSpan: (span: Span) => void;
}

const SYNC = "charts";
const NOTHING: Extent = { low: 0, high: 1 };
/** 0.01, 0.02, 0.05 …: how far ticks may be apart, for all that a number can be. */
const PAUSES = Array.from({ length: 970 }, (_, at) =>
  Number(`${[1, 2, 5][at % 3]}e${Math.floor(at / 3) - 15}`),
);
const WHOLE_PAUSES = PAUSES.filter((pause) => pause >= 1);

/** Drawn anew by itself when its curves grow, and by its parent when it is another. */
export const Chart = memo(function Chart(props: ChartProps) {
  const { metric, sources, axis, isLog } = props;
  const root = useRef<HTMLElement>(null);
  const plot = useRef<HTMLDivElement>(null);
  const value = useRef<HTMLSpanElement>(null);
  const notes = useRef<HTMLParagraphElement>(null);
  const latest = useRef(props);
  latest.current = props;
  const drawn = useRef<{ draw(): void; lines(): number }>(undefined);

  useEffect(() => {
    const chart = new Plot(plot.current!, root.current!, value.current!, notes.current!, {
      props: () => latest.current,
      axis,
      isLog,
    });
    drawn.current = chart;
    const unwatch = watch(root.current!, chart);
    return () => {
      unwatch();
      chart.close();
    };
  }, [axis, isLog]);
  useEffect(() => {
    const ends = sources.map(({ curves }) => {
      let picture = curves.picture;
      return curves.version.listen(() => {
        // Another one was asked for; the same one has grown.
        const isOther = curves.picture !== picture;
        picture = curves.picture;
        if (drawn.current) redraw(drawn.current, isOther);
      });
    });
    return () => {
      for (const end of ends) end();
    };
  }, [sources]);
  useEffect(() => {
    if (drawn.current) redraw(drawn.current, true);
  });

  return (
    <section className="chart" ref={root} aria-label={metric} data-chart={metric}>
      <div className={sources.length > 1 ? "chart-head chart-many" : "chart-head"}>
        <h2 className="chart-name" title={metric} dir="auto">
          {metric}
        </h2>
        <span className="chart-value" ref={value} />
        <Taking of={props} plot={plot} />
      </div>
      <div className="chart-plot" ref={plot} hidden={props.isTable} />
      {props.isTable && (
        <Suspense fallback={null}>
          <Figures {...props} />
        </Suspense>
      )}
      <p className="chart-notes" ref={notes} />
    </section>
  );
});

/** What is drawn outside of the components' rounds: many times a second. */
class Plot {
  readonly #props: () => ChartProps;
  readonly #isLog: boolean;
  readonly #root: HTMLElement;
  readonly #value: HTMLElement;
  readonly #notes: HTMLElement;
  readonly #u: uPlot;
  readonly #resizes: ResizeObserver;
  readonly #endTouches: () => void;
  #lines: Painted[] = [];
  #x = NOTHING;
  #y = NOTHING;
  #whole: Extent | null = null;
  // What fingers show of the axis while they are there.
  #pulled: Extent | null = null;
  // Where the cursor is on the axis; null if it is on no chart.
  #cursor: number | null = null;

  constructor(
    element: HTMLElement,
    root: HTMLElement,
    value: HTMLElement,
    notes: HTMLElement,
    { props, axis, isLog }: { props: () => ChartProps; axis: Axis; isLog: boolean },
  ) {
    this.#props = props;
    this.#isLog = isLog;
    if (isLog) this.#y = spreadLog(null);
    this.#root = root;
    this.#value = value;
    this.#notes = notes;
    const ink = () => inkOf("--quiet");
    const line = () => inkOf("--line");
    const look = {
      stroke: ink,
      font: "11px system-ui, sans-serif",
      grid: { stroke: line, width: 1 },
      ticks: { show: false },
    };
    this.#u = new uPlot(
      {
        width: element.clientWidth || 300,
        height: element.clientHeight || 180,
        ms: 1,
        legend: { show: false },
        // A word of the axis below reaches beyond its end by half.
        padding: [8, 20, 0, 0],
        scales: {
          x: { time: axis === "time", range: () => [this.#x.low, this.#x.high] },
          y: { distr: isLog ? 3 : 1, range: () => [this.#y.low, this.#y.high] },
        },
        axes: [
          {
            ...look,
            size: 24,
            gap: 2,
            ...(axis === "time" ? { values: timesOf } : { values: figuresOf, incrs: pausesOf }),
          },
          { ...look, size: 52, gap: 4, values: figuresOf },
        ],
        series: [{}, { paths: () => null, points: { show: false } }],
        cursor: {
          y: false,
          points: { show: false },
          drag: { x: true, y: false, setScale: false },
          sync: { key: SYNC, scales: ["x", null] },
          bind: {
            dblclick: () => () => {
              this.#props().onSpan({ from: null, to: null });
              return null;
            },
          },
        },
        hooks: {
          draw: [(u) => this.#paint(u)],
          setCursor: [(u) => this.#point(u)],
          setSelect: [(u) => this.#select(u)],
        },
      },
      [
        [0, 1],
        [null, null],
      ],
      element,
    );
    this.#resizes = new ResizeObserver(() => {
      const { clientWidth: width, clientHeight: height } = element;
      if (width > 0 && (width !== this.#u.width || height !== this.#u.height)) {
        this.#u.setSize({ width, height });
      }
    });
    this.#resizes.observe(element);
    this.#endTouches = listenToTouches(this.#u.over, {
      window: () => this.#whole && { shown: this.#x, whole: this.#whole },
      pull: (window) => this.#pull(window),
      leave: (window, whole) => {
        this.#pull(null);
        this.#props().onSpan(spanOf(window, whole));
      },
    });
  }

  close(): void {
    this.#endTouches();
    this.#resizes.disconnect();
    this.#u.destroy();
  }

  lines(): number {
    return this.#props().sources.length;
  }

  /** Take what is there now, and have it drawn. */
  draw(): void {
    const { metric, sources, span, until, mark } = this.#props();
    this.#lines = [];
    const emergency: Mark[] = mark === null ? [] : [{ kind: "emergency", x: mark, text: "" }];
    const wholes: Curve[] = [];
    let whole: Extent | null = null;
    for (const { curves, look } of sources) {
      const picture = this.#pulled ? curves.shown : curves.picture;
      const curve = picture?.curves.get(metric);
      if (picture === undefined || curve === undefined) continue;
      const { curves: all, marks, extent } = curves.shown ?? picture;
      wholes.push(all.get(metric) ?? curve);
      this.#lines.push({ curve, ends: [], marks: [...marks, ...emergency.splice(0)], look });
      whole = union(whole, extent);
    }
    // An emergency behind the last value is to be seen too.
    if (mark !== null) whole = union(whole, { low: mark, high: mark });
    this.#whole = whole && spread(whole.low, whole.high);
    this.#x = this.#pulled ?? spread(span.from ?? whole?.low ?? 0, span.to ?? whole?.high ?? 1);
    let y: Extent | null = null;
    const shown = { from: this.#x.low, to: this.#x.high };
    this.#lines = this.#lines.map((line, at) => {
      const ends = edges(line.curve, wholes[at]!, this.#x, this.#isLog);
      y = upright(line.curve, shown, this.#isLog, y);
      for (const end of ends) if (end !== null) y = widen(y, end, end);
      return { ...line, ends };
    });
    this.#y = this.#isLog ? spreadLog(y) : y === null ? NOTHING : pad(y);
    this.#u.setData(
      [
        [this.#x.low, this.#x.high],
        [null, null],
      ],
      true,
    );
    this.#tell({ from: shown.from, to: until === null ? shown.to : Math.min(until, shown.to) });
  }

  #pull(window: Extent | null): void {
    this.#pulled = window;
    redraw(this);
  }

  #paint(u: uPlot): void {
    const { smooth, until, axis } = this.#props();
    paint(u.ctx, this.#lines, {
      ...u.bbox,
      ratio: uPlot.pxRatio,
      x: this.#x,
      y: this.#y,
      axis,
      isLog: this.#isLog,
      until,
      smooth,
    });
  }

  /** What tests and people's scripts read, and the value at the head. */
  #tell(shown: Span): void {
    let values = 0;
    let unplaced = 0;
    let hidden = 0;
    let most = 1;
    for (const { curve } of this.#lines) {
      const { x, min, count } = curve;
      for (let at = 0; at < x.length; at++) {
        if (x[at]! >= shown.from! && x[at]! <= shown.to!) {
          values += count[at]!;
          most = Math.max(most, count[at]!);
          if (this.#isLog && min[at]! <= 0) hidden += 1;
        }
      }
      unplaced += curve.unplaced;
    }
    const [first] = this.#lines;
    const { until } = this.#props();
    const last = first && (until === null ? lastOf(first.curve) : meanAt(first.curve, until));
    this.#root.dataset.points = String(values);
    this.#root.dataset.last = last === undefined ? "" : String(last);
    this.#showValue();
    const said = this.#lines.flatMap(({ marks }) =>
      marks.filter(({ x }) => x === null).map(({ text }) => text),
    );
    for (const [kind, count] of this.#odd(shown)) said.push(`${figure(count)} × ${kind}`);
    if (most > 1) said.push(`a point stands for up to ${figure(most)} values`);
    if (unplaced > 0) said.push(`${figure(unplaced)} before the first place on the axis`);
    if (hidden > 0) said.push(`${figure(hidden)} not above zero, at the foot`);
    const text = [...new Set(said)].join(" · ");
    if (this.#notes.textContent !== text) this.#notes.textContent = text;
  }

  /** How many values of each kind are marked, since they are no finite numbers. */
  #odd({ from, to }: Span): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { curve } of this.#lines) {
      for (const { x, kind, count } of curve.odd) {
        if (x >= from! && x <= to!) counts.set(kind, (counts.get(kind) ?? 0) + count);
      }
    }
    return counts;
  }

  #point(u: uPlot): void {
    const { left } = u.cursor;
    this.#cursor = left == null || left < 0 ? null : u.posToVal(left, "x");
    this.#showValue();
  }

  #showValue(): void {
    const { sources, axis, until } = this.#props();
    const x = this.#cursor ?? until;
    const texts = this.#lines.map(({ curve }, at) => {
      const name = sources.length > 1 ? `${sources[at]?.name} ` : "";
      return name + (x === null ? figure(lastOf(curve)) : valueAt(curve, x));
    });
    if (this.#cursor !== null) texts.unshift(placeText(this.#cursor, axis));
    const text = texts.join(" · ");
    if (this.#value.textContent !== text) this.#value.textContent = text;
  }

  #select(u: uPlot): void {
    const { left, width } = u.select;
    if (width < 4) return;
    const from = u.posToVal(left, "x");
    const to = u.posToVal(left + width, "x");
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.#props().onSpan(rounded(from, to));
  }
}

export function placeText(x: number, axis: Axis): string {
  if (axis === "time") return new Date(x).toLocaleString();
  return `${axis === "step" ? "step" : "record"} ${figure(Math.round(x))}`;
}

function lastOf(curve: Curve): number | undefined {
  return curve.last ?? curve.mean.at(-1);
}

function meanAt(curve: Curve, x: number): number | undefined {
  return curve.mean[rowAt(curve, x)];
}

function valueAt(curve: Curve, x: number): string {
  const at = rowAt(curve, x);
  if (at < 0) return "–";
  const mean = figure(curve.mean[at]!);
  if (curve.min[at] === curve.max[at]) return mean;
  return `${mean} (${figure(curve.min[at])} … ${figure(curve.max[at])})`;
}

/** Each figure once: ticks may be closer than four digits tell. */
function figuresOf(_: uPlot, values: number[]): string[] {
  const texts = values.map((value) => (value === null ? "" : short(value)));
  return texts.map((text, at) => (text === texts[at - 1] ? "" : text));
}

/** How far ticks may be apart: steps and records have none between them. */
function pausesOf(_: uPlot, __: number, low: number, high: number): number[] {
  return high - low < 2 ? PAUSES : WHOLE_PAUSES;
}

/** Times as far as they differ: days, minutes, or seconds. */
function timesOf(_: uPlot, values: number[], __: number, ___: number, apart: number): string[] {
  const form: Intl.DateTimeFormatOptions =
    apart >= 86_400_000
      ? { month: "short", day: "numeric" }
      : {
          hour: "2-digit",
          minute: "2-digit",
          hourCycle: "h23",
          ...(apart < 60_000 ? { second: "2-digit" } : {}),
        };
  const format = new Intl.DateTimeFormat(undefined, form);
  return values.map((value) => format.format(value));
}

function short(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e6 && size < 1e9) return `${figure(value / 1e6)}M`;
  if (size >= 1e4 && size < 1e6) return `${figure(value / 1e3)}k`;
  return figure(value);
}

function spreadLog(extent: Extent | null): Extent {
  if (extent === null) return { low: 0.1, high: 1 };
  const [low, high] = uPlot.rangeLog(extent.low, extent.high, 10, false);
  return low! < high! ? { low: low!, high: high! } : { low: low! / 10, high: high! * 10 };
}

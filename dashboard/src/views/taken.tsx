// A chart's figures and its picture, made when somebody takes them.

import { useEffect, useState } from "react";
import type { Axis } from "../core/address.js";
import { figure } from "../core/figures.js";
import { csv, fileName, type Line, lastOf, type Row, rowsWithin } from "../core/tables.js";
import { inkOf } from "./redraw.js";
import type { Taken } from "./taking.js";

/** A table has so many rows at most, the last ones: a browser cannot show more at once. */
const MAX_ROWS = 500;
const TICK_MS = 1_000;

export function saveFigures(of: Taken): void {
  const text = csv(rowsWithin(linesOf(of), of.span), of.axis);
  save(new Blob([text], { type: "text/csv" }), nameOf(of, "csv"));
}

export function savePicture(chart: HTMLCanvasElement, of: Taken): void {
  const name = nameOf(of, "png");
  framed(chart, of).toBlob((blob) => blob && save(blob, name), "image/png");
}

function nameOf({ sources, metric }: Taken, end: string): string {
  const [first] = sources;
  const session = sources.length === 1 ? [first!.name] : [];
  return `${fileName(...session, metric)}.${end}`;
}

/** A chart's figures as a table. */
export function Figures(of: Taken) {
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => {
      if (!document.hidden) tick((count) => count + 1);
    }, TICK_MS);
    return () => clearInterval(timer);
  }, []);
  const rows = rowsWithin(linesOf(of), of.span);
  const shown = lastOf(rows, MAX_ROWS);
  const isMany = of.sources.length > 1;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls is reached by keys
    <section className="figures" tabIndex={0} aria-label={`${of.metric}, as a table`}>
      <table>
        <thead>
          <tr>
            {isMany && <th scope="col">session</th>}
            <th scope="col">{of.axis}</th>
            <th scope="col" title={of.metric}>
              {of.metric}
            </th>
            <th scope="col">min</th>
            <th scope="col">max</th>
            <th scope="col">records</th>
          </tr>
        </thead>
        <tbody>
          {shown.map((row, at) => (
            <tr key={at}>
              {isMany && (
                <th scope="row">
                  <bdi>{row.session}</bdi>
                </th>
              )}
              <td>{placed(row, of.axis)}</td>
              <td>{figure(row.mean)}</td>
              <td>{figure(row.min)}</td>
              <td>{figure(row.max)}</td>
              <td>{figure(row.count)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > shown.length && (
        <p>
          The last {figure(shown.length)} of {figure(rows.length)} rows
          {isMany && ", as many of each session"}; CSV has all.
        </p>
      )}
    </section>
  );
}

function linesOf({ metric, sources }: Taken): Line[] {
  return sources.flatMap(({ name, curves }) => {
    const curve = curves.picture?.curves.get(metric);
    return curve ? [{ session: name, curve }] : [];
  });
}

function placed({ x }: Row, axis: Axis): string {
  return axis === "time" ? new Date(x).toISOString() : figure(x);
}

/** The chart with its name and its sessions above it, on the page's ground. */
function framed(chart: HTMLCanvasElement, { metric, sources }: Taken): HTMLCanvasElement {
  const ratio = chart.width / (chart.clientWidth || chart.width);
  const line = 20 * ratio;
  const margin = 8 * ratio;
  const canvas = document.createElement("canvas");
  canvas.width = chart.width + 2 * margin;
  canvas.height = chart.height + (sources.length + 1) * line + 2 * margin;
  const draw = canvas.getContext("2d")!;
  draw.fillStyle = inkOf("--ground");
  draw.fillRect(0, 0, canvas.width, canvas.height);
  draw.font = `600 ${13 * ratio}px system-ui, sans-serif`;
  draw.fillStyle = inkOf("--ink");
  draw.fillText(metric, margin, margin + 13 * ratio, chart.width);
  draw.font = `${13 * ratio}px system-ui, sans-serif`;
  sources.forEach(({ name, look }, at) => {
    const foot = margin + 13 * ratio + (at + 1) * line;
    const swatch = 24 * ratio;
    draw.strokeStyle = inkOf(look.hue);
    draw.lineWidth = 2 * ratio;
    draw.setLineDash(look.dash.map((length) => length * ratio));
    draw.beginPath();
    draw.moveTo(margin, foot - 4 * ratio);
    draw.lineTo(margin + swatch, foot - 4 * ratio);
    draw.stroke();
    draw.fillText(name, margin + swatch + 8 * ratio, foot, chart.width - swatch);
  });
  draw.drawImage(chart, margin, margin + (sources.length + 1) * line);
  return canvas;
}

function save(blob: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

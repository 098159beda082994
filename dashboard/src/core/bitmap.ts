// A picture that is made pixel by pixel: of columns that would be thousands of rectangles.

import type { Bars } from "./traces.js";

/** A colour as a bitmap has it. */
export type Ink = number;

/** `#rrggbb`, and how much of what is beneath it covers, from 0 to 1. */
export function inkFrom(hex: string, alpha: number): Ink {
  const [red, green, blue] = [1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16));
  const bytes = Uint8ClampedArray.of(red!, green!, blue!, 255 * alpha);
  return new Uint32Array(bytes.buffer)[0]!;
}

/** A part of a canvas, from a corner on. */
export class Bitmap {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  /** Red, green, blue and opacity of each pixel, row by row. */
  readonly bytes: Uint8ClampedArray<ArrayBuffer>;
  readonly #pixels: Uint32Array;
  #isEmpty = true;

  constructor(left: number, top: number, width: number, height: number) {
    this.left = left;
    this.top = top;
    this.width = width;
    this.height = height;
    this.bytes = new Uint8ClampedArray(4 * width * height);
    this.#pixels = new Uint32Array(this.bytes.buffer);
  }

  get isEmpty(): boolean {
    return this.#isEmpty;
  }

  clear(): void {
    this.#pixels.fill(0);
    this.#isEmpty = true;
  }

  /** Fill what a line covers, as far as it is within; each column has one pixel at least. */
  fill({ first, top, bottom }: Bars, ink: Ink): void {
    const { width, height } = this;
    this.#isEmpty = false;
    for (let at = 0; at < top.length; at++) {
      const column = first + at - this.left;
      if (column < 0 || column >= width) continue;
      const from = Math.round(top[at]!) - this.top;
      const to = Math.min(height, Math.max(from + 1, Math.round(bottom[at]!) - this.top));
      for (let row = Math.max(0, from); row < to; row++) {
        this.#pixels[row * width + column] = ink;
      }
    }
  }
}

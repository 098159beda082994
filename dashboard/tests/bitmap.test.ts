import { expect, test } from "vitest";
import { Bitmap, inkFrom } from "../src/core/bitmap.js";

/** Red of each pixel, row by row. */
function reds(bitmap: Bitmap): number[][] {
  const { bytes, width, height } = bitmap;
  return Array.from({ length: height }, (_, row) =>
    Array.from({ length: width }, (_, column) => bytes[4 * (row * width + column)]!),
  );
}

test("columns are filled from their top to their foot, as far as they are within", () => {
  const bitmap = new Bitmap(10, 20, 4, 3);
  expect(bitmap.isEmpty).toBe(true);
  const columns = {
    first: 9,
    top: Float64Array.of(20, 19, 21.2, 22, 21, 20),
    bottom: Float64Array.of(23, 20.6, 22.9, 22, 99, 23),
  };
  bitmap.fill(columns, inkFrom("#ff0000", 1));
  expect(reds(bitmap)).toEqual([
    [255, 0, 0, 0],
    [0, 255, 0, 255],
    [0, 255, 255, 255],
  ]);
  expect(bitmap.isEmpty).toBe(false);
  bitmap.clear();
  expect(reds(bitmap).flat().some(Boolean)).toBe(false);
  expect(bitmap.isEmpty).toBe(true);
});

test("an ink has the bytes of its colour, whatever the machine's order of them", () => {
  const bitmap = new Bitmap(0, 0, 1, 1);
  const one = { first: 0, top: Float64Array.of(0), bottom: Float64Array.of(1) };
  bitmap.fill(one, inkFrom("#0172b3", 0.2));
  expect([...bitmap.bytes]).toEqual([0x01, 0x72, 0xb3, 51]);
});

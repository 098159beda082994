import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HUES, lookOf, looksOf } from "../src/core/hues.js";

describe("the look of a session", () => {
  test("is by its name alone, and all hues and dashes occur", () => {
    const looks = Array.from({ length: 500 }, (_, at) => lookOf(`run_${at}`));
    expect(lookOf("run_7")).toEqual(looks[7]);
    expect(new Set(looks.map(({ hue }) => hue)).size).toBe(HUES);
    expect(new Set(looks.map((look) => JSON.stringify(look))).size).toBe(4 * HUES);
  });

  test("is no other's of those that are shown together, and the first keeps its own", () => {
    const names = fc.uniqueArray(fc.string(), { minLength: 1, maxLength: 24 });
    fc.assert(
      fc.property(names, (sessions) => {
        const looks = looksOf(sessions);
        const told = sessions.map((name) => JSON.stringify(looks.get(name)));
        expect(new Set(told).size).toBe(sessions.length);
        expect(looks.get(sessions[0]!)).toEqual(lookOf(sessions[0]!));
      }),
    );
  });

  test("has its own hue as long as a dash of it is free", () => {
    const alike = Array.from({ length: 200 }, (_, at) => `run_${at}`)
      .filter((name) => lookOf(name).hue === lookOf("run_0").hue)
      .slice(0, 4);
    const looks = looksOf(alike);
    expect(alike.map((name) => looks.get(name)?.hue)).toEqual(
      alike.map(() => lookOf("run_0").hue),
    );
  });
});

/** The colours of a scheme by their names, as the style sheet has them. */
function coloursOf(css: string): Map<string, string> {
  const found = css.matchAll(/(--[\w-]+): (#[\da-f]{3,6});/g);
  return new Map([...found].map(([, name, colour]) => [name!, colour!]));
}

/** How bright a colour is, as WCAG measures it. */
function luminance(colour: string): number {
  const hex = colour.length === 4 ? colour.slice(1).replace(/./g, "$&$&") : colour.slice(1);
  const parts = [0, 2, 4].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * parts[0]! + 0.7152 * parts[1]! + 0.0722 * parts[2]!;
}

const [light, dark] = readFileSync("src/style.css", "utf8")
  .split("prefers-color-scheme: dark")
  .map(coloursOf);

test.each([
  ["light", light!],
  ["dark", dark!],
])("each hue is seen on the ground of the %s scheme", (_, colours) => {
  const ground = luminance(colours.get("--ground")!);
  for (let hue = 0; hue < HUES; hue++) {
    const [low, high] = [ground, luminance(colours.get(`--hue-${hue}`)!)].sort(
      (one, other) => one - other,
    );
    expect((high! + 0.05) / (low! + 0.05)).toBeGreaterThanOrEqual(3);
  }
});

import { expect, test } from "vitest";
import { best, score, wordsOf } from "../src/core/fuzzy.js";

const NAMES = ["vit_b16", "run_lr3e-4", "run_lr1e-3", "eval/run_lr3e-4/long", "Übung 3"];
const found = (query: string) => best(NAMES, query, (name) => name, 3);

test("what begins a name comes first, then what begins a word in it, then what is in it", () => {
  const names = ["alloss", "eval/loss", "loss_scale", "loss"];
  expect(best(names, "LOSS", (name) => name, 9)).toEqual([
    "loss",
    "loss_scale",
    "eval/loss",
    "alloss",
  ]);
});

test("letters that are left out are put up with, others are not", () => {
  expect(found("rl3")).toEqual(["run_lr1e-3", "run_lr3e-4", "eval/run_lr3e-4/long"]);
  expect(found("vb16")).toEqual(["vit_b16"]);
  expect(found("16b")).toEqual([]);
});

test("words may stand in any order; all of them are meant", () => {
  expect(found("3e-4 eval")).toEqual(["eval/run_lr3e-4/long"]);
  expect(found("3e-4 none")).toEqual([]);
  expect(found("ÜBUNG")).toEqual(["Übung 3"]);
});

test("nothing finds everything, the shortest first, and no more than asked for", () => {
  expect(found(" ")).toEqual(["vit_b16", "Übung 3", "run_lr3e-4"]);
  expect(wordsOf(" a  B ")).toEqual(["a", "b"]);
  expect(score([], "x")).toBeGreaterThan(score([], "xx")!);
});

import { describe, expect, test } from "vitest";
import { Curve } from "../src/core/curve.js";
import { csv, fileName, lastOf, rowsWithin } from "../src/core/tables.js";

function curve(): Curve {
  const made = new Curve();
  made.addRow(1, 0.5, 0.7, 0.6, 3);
  made.add(2, Number.NaN);
  made.add(3, 0.4);
  return made;
}

describe("a table of curves", () => {
  test("has the rows within the span, in order, and those that are no numbers", () => {
    const rows = rowsWithin([{ session: "a", curve: curve() }], { from: 2, to: null });
    expect(rows).toEqual([
      { session: "a", x: 2, mean: NaN, min: NaN, max: NaN, count: 1 },
      { session: "a", x: 3, mean: 0.4, min: 0.4, max: 0.4, count: 1 },
    ]);
  });

  test("has the last rows of each session where it has not all", () => {
    const lines = ["a", "b"].map((session) => ({ session, curve: curve() }));
    const rows = rowsWithin(lines, { from: null, to: null });
    expect(lastOf(rows, 5).map(({ session, x }) => [session, x])).toEqual([
      ["a", 2],
      ["a", 3],
      ["b", 2],
      ["b", 3],
    ]);
    expect(lastOf(rows, 6)).toEqual(rows);
    expect(lastOf([], 6)).toEqual([]);
  });

  test("is a file that spreadsheets read as what it is", () => {
    const rows = rowsWithin(
      [
        { session: 'a,"b"', curve: curve() },
        { session: "=SUM(A1)", curve: curve() },
      ],
      { from: null, to: 1 },
    );
    expect(csv(rows, "step")).toBe(
      "session,step,mean,min,max,count\r\n" +
        '"a,""b""",1,0.6,0.5,0.7,3\r\n' +
        "'=SUM(A1),1,0.6,0.5,0.7,3\r\n",
    );
  });

  test.each([
    [["run/1", "train/loss"], "run_1_train_loss"],
    [["../..", "<b>"], "b_"],
    [["", ""], "tailcast"],
    [["損失"], "損失"],
  ])("%j is saved as %s", (parts, name) => expect(fileName(...parts)).toBe(name));
});

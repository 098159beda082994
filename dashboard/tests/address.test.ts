import { describe, expect, test } from "vitest";
import { fitting, HOME, readView, writeView } from "../src/core/address.js";

describe("an address", () => {
  test("gives the view that was written into it", () => {
    const view = {
      session: "a/b, c",
      compare: ["x,y", "z"],
      hide: ["a/b, c", "z"],
      place: 0.5,
      metrics: ["loss", "time/step"],
      x: "time" as const,
      from: -1.5,
      to: 2e12,
      mark: 7,
      at: 12.5,
      paused: null,
      log: true,
      smooth: 0.9,
      table: true,
      q: "lr & co",
      status: ["running", "ended"] as const,
      sort: { column: "value", isReversed: true } as const,
      show: "alerts" as const,
    };
    expect(readView(writeView(view))).toEqual({ view, ignored: [] });
    expect(writeView(HOME)).toBe("");
  });

  test("says what in it makes no sense, and shows the rest", () => {
    const { view, ignored } = readView(
      "?session=a&x=sideways&from=never&compare=[1]&zoom=3&log=2&smooth=1",
    );
    expect(view).toEqual({ ...HOME, session: "a" });
    expect(ignored).toEqual([
      "zoom=3",
      "compare=[1]",
      "x=sideways",
      "from=never",
      "log=2",
      "smooth=1",
    ]);
  });

  test("keeps what is hidden as it is while nothing of it changes", () => {
    const view = { ...HOME, session: "a", compare: ["b"], hide: ["b"] };
    expect(fitting({ ...view, log: true }).hide).toBe(view.hide);
    expect(fitting({ ...view, compare: [] }).hide).toEqual([]);
  });

  test("stands still where a run is shown by itself", () => {
    const { view, ignored } = readView("?session=a&paused=12.5");
    expect([view.paused, ignored]).toEqual([12.5, []]);
    expect(writeView(view)).toBe("?session=a&paused=12.5");
    expect(readView("?session=a&compare=b&paused=3").ignored).toEqual(["paused=3"]);
  });

  test("compares no run with itself", () => {
    expect(readView("?session=a&compare=a").view).toEqual({ ...HOME, session: "a" });
    expect(readView("?session=a&compare=b,a").view.compare).toEqual(["b"]);
  });

  test("hides none but runs that are compared", () => {
    const { view, ignored } = readView("?session=a&compare=b&hide=b,c&place=3");
    expect(view).toEqual({ ...HOME, session: "a", compare: ["b"], hide: ["b"], place: 3 });
    expect(ignored).toEqual(["hide=c"]);
    expect(readView("?session=a&hide=a&place=3")).toEqual({
      view: { ...HOME, session: "a" },
      ignored: ["hide=a", "place=3"],
    });
  });
});

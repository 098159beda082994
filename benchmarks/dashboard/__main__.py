"""`python -m benchmarks.dashboard`: what the page costs whoever looks at it.

Chromium, headless, draws without a graphics card, over all of `tailcast up`. Times are
the page's own, from where its navigation begins or from a key: a `MutationObserver`
says when what is waited for stands in the document, and the browser when it paints.
What the main thread has to do is CPU time of that thread, as the kernel accounts it.
"""

import argparse
import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from random import Random
from statistics import median, quantiles
from typing import Any, Final, cast

import httpx
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from tailcast_gateway.http.page_files import DASHBOARD
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.running import Running, running
from tests.clients.watching import process_of


SESSIONS, METRICS, RATE = 20, 8, 10
VIEWS: Final = ("list", "run", "comparison")
RECORDS = 1_000_000
MANY = 10_000
PATIENCE_MS = 300_000
# How often the heap is looked at while something is watched.
LOOKS: Final = 10
READINGS: Final = 5
# The network of the cold load: a round trip, and bytes a second.
LATENCY_MS, THROUGHPUT = 100, 10_000_000 / 8
WATCH: Final = """
(() => {
  window.firstOf = (selector) => new Promise((found) => {
    const look = () => {
      if (!document.querySelector(selector)) return;
      watcher.disconnect();
      requestAnimationFrame(() => found(performance.now()));
    };
    const watcher = new MutationObserver(look);
    watcher.observe(document, { subtree: true, childList: true, attributes: true });
    look();
  });
  window.inputs = [];
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      if (entry.name === "keydown") window.inputs.push(entry.duration);
    }
  }).observe({ type: "event", durationThreshold: 16 });
})();
"""
# Kept only where it is wanted: it would be most of what a page has after some minutes.
MOMENTS: Final = """() => {
  window.moments = [];
  const painted = (what) => {
    requestAnimationFrame(() => window.moments.push([what, Date.now()]));
  };
  new MutationObserver((changes) => {
    for (const { target } of changes) painted(target.dataset.last);
  }).observe(document, { subtree: true, attributeFilter: ["data-last"] });
}"""
FRAMES: Final = """async (ms) => {
  const times = [];
  const end = performance.now() + ms;
  while (performance.now() < end) {
    times.push(await new Promise((next) => requestAnimationFrame(next)));
  }
  return times;
}"""


def say(what: str, figure: str) -> None:
    """One row of the table."""
    print(f"| {what} | {figure} |", flush=True)


def p95(figures: list[float]) -> float:
    """The 95th percentile."""
    return quantiles(figures, n=20)[-1] if len(figures) > 1 else figures[0]


@contextmanager
def up() -> Generator[Running]:
    """A Tailcast of its own."""
    with (
        tempfile.TemporaryDirectory(prefix="tailcast-") as folder,
        running(Path(folder)) as made,
    ):
        yield made


@contextmanager
def opened(browser: Browser, url: str) -> Generator[tuple[Page, CDPSession]]:
    """A page that has cached nothing."""
    context = browser.new_context(viewport={"width": 1600, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(WATCH)
    page = context.new_page()
    devtools = context.new_cdp_session(page)
    devtools.send("Performance.enable")
    page.goto(url, wait_until="commit")
    try:
        yield page, devtools
    finally:
        context.close()


def first(page: Page, selector: str) -> float:
    """Milliseconds until something stands in the page, from where it began."""
    return float(page.evaluate("(selector) => firstOf(selector)", selector))


def counters(devtools: CDPSession) -> dict[str, float]:
    """What the browser has counted of a page."""
    found = cast(dict[str, Any], devtools.send("Performance.getMetrics"))
    return {one["name"]: one["value"] for one in found["metrics"]}


def heap_mib(devtools: CDPSession) -> float:
    """What is reachable, with what typed arrays have.

    Records come between a collection and the reading, and what they leave behind is not
    reachable: of several readings the lowest has the least of that.
    """
    return min(reading_mib(devtools) for _ in range(READINGS))


def reading_mib(devtools: CDPSession) -> float:
    """What there is right after a collection."""
    devtools.send("HeapProfiler.collectGarbage")
    found = cast(dict[str, Any], devtools.send("Runtime.getHeapUsage"))
    return float(found["usedSize"] + found.get("backingStorageSize", 0)) / 2**20


def gateway_seconds(one_up: Running) -> float:
    """The CPU that its gateway has used."""
    pid = process_of("gateway", one_up.directory / "data")
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")


def answer_of(one_up: Running, path: str, **query: str | int) -> dict[str, Any]:
    """What its gateway answers."""
    url = f"{one_up.url}{path}"
    answer = httpx.get(url, params=query, timeout=PATIENCE_MS / 1_000)
    return cast(dict[str, Any], answer.raise_for_status().json())


def listed(one_up: Running) -> list[dict[str, Any]]:
    """All sessions, page by page."""
    sessions: list[dict[str, Any]] = []
    query: dict[str, str | int] = {"limit": 500}
    while True:
        page = answer_of(one_up, "api/sessions", **query)
        sessions += page["sessions"]
        if not page["more"]:
            return sessions
        query["after"] = page["cursor"]


def wait_until_indexed(one_up: Running, count: int) -> None:
    """Until so many sessions are there, and indexers have nothing more to do."""
    while True:
        found = listed(one_up)
        if len(found) == count and all("indexedTo" not in one for one in found):
            indexers = answer_of(one_up, "api/status")["indexers"]
            if not any(one["behind"] for one in indexers):
                return
        time.sleep(2)


@contextmanager
def writing(write: Callable[[int], None], rate: float) -> Generator[None]:
    """Call with 0, 1, … at a rate, meanwhile."""
    over = threading.Event()

    def run() -> None:
        begun = time.monotonic()
        number = 0
        while not over.wait(max(0, begun + number / rate - time.monotonic())):
            write(number)
            number += 1

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def crowd(browser: Browser, views: Iterable[str], seconds: float) -> None:
    """Many runs at once: what the main thread has to do, and how it answers keys."""
    chance = Random(1)
    names = [f"run_{number:02}" for number in range(SESSIONS)]

    def write(step: int) -> None:
        for name in names:
            metrics = {f"metric_{one}": chance.random() for one in range(METRICS)}
            one_up.write(name, {"step": step, **metrics})

    queries = {
        "list": "",
        "run": f"?session={names[0]}",
        "comparison": f"?session={names[0]}&compare={','.join(names[1:])}",
    }
    with up() as one_up, writing(write, RATE):
        for view in views:
            with opened(browser, f"{one_up.url}{queries[view]}") as (page, devtools):
                first(page, "[data-chart], [data-session]")
                page.wait_for_timeout(3_000)
                heaps = [heap_mib(devtools)]
                busy = wall = 0.0
                while wall < seconds:
                    before, begun = counters(devtools), time.monotonic()
                    while time.monotonic() < begun + seconds / LOOKS:
                        page.keyboard.press("j" if view == "list" else "l")
                        page.wait_for_timeout(500)
                    wall += time.monotonic() - begun
                    # Looking at the heap is not counted.
                    busy += counters(devtools)["ThreadTime"] - before["ThreadTime"]
                    heaps.append(heap_mib(devtools))
                inputs: list[float] = page.evaluate("inputs")
            scene = f"{SESSIONS} runs of {METRICS} metrics at {RATE}/s, {view}"
            say(f"{scene}: main thread", f"{busy / wall:.0%}")
            # Those of less than 16 ms are not told.
            answer = f"{p95(inputs):.0f} ms" if inputs else "under 16 ms"
            say(f"{scene}: input to paint, p95", answer)
            say(f"{scene}: heap, MiB, of {wall:.0f} s", heap_text(heaps))


def heap_text(heaps: list[float]) -> str:
    """How it was at first, and from half of the time on."""
    later = heaps[len(heaps) // 2 :]
    spread = (max(later) - min(later)) / median(later)
    around = f"{min(later):.1f} to {max(later):.1f}"
    return f"{heaps[0]:.1f}, from the middle {around} (±{spread / 2:.1%})"


def pixel(browser: Browser, seconds: float) -> None:
    """From a line's write to its point's paint."""
    written: dict[str, float] = {}

    def write(number: int) -> None:
        written[str(number)] = time.time() * 1_000
        one_up.write("run", {"step": number, "count": number})

    with up() as one_up, writing(write, 4):
        query = "?session=run&metrics=count"
        with opened(browser, f"{one_up.url}{query}") as (page, _):
            first(page, '[data-chart="count"]')
            page.evaluate(MOMENTS)
            page.wait_for_timeout(seconds * 1_000)
            moments: list[tuple[str, float]] = page.evaluate("moments")
    late = [at - written[value] for value, at in moments if value in written]
    say("write to pixel, median", f"{median(late):.0f} ms")
    say("write to pixel, p95", f"{p95(late):.0f} ms")


def million(browser: Browser) -> None:
    """A long run: its first chart, and what is finer when one looks closer."""
    chance = Random(2)
    with up() as one_up:
        for begin in range(0, RECORDS, 10_000):
            lines = (
                json.dumps({"step": step, "loss": chance.random()})
                for step in range(begin, begin + 10_000)
            )
            one_up.write_lines("long", *lines)
        with opened(browser, f"{one_up.url}?session=long") as (page, _):
            # Until all of it is indexed.
            page.get_by_text(f"{RECORDS - 1:,}".replace(",", " ")).first.wait_for()
        drawn = '[data-chart="loss"]:not([data-points="0"])'
        query = "?session=long&metrics=loss"
        figures: list[float] = []
        zooms: list[float] = []
        for _ in range(3):
            with opened(browser, f"{one_up.url}{query}") as (page, _):
                figures.append(first(page, drawn))
                page.wait_for_timeout(1_000)
                points = page.locator(drawn).get_attribute("data-points")
                begun = page.evaluate("performance.now()")
                page.keyboard.press("+")
                selector = f'[data-chart="loss"]:not([data-points="{points}"])'
                zooms.append(first(page, selector) - begun)
    say(f"{RECORDS:,} records: first chart", f"{median(figures):.0f} ms")
    say(f"{RECORDS:,} records: zoom refined", f"{median(zooms):.0f} ms")


def long_list(browser: Browser) -> None:
    """Thousands of sessions."""
    with up() as one_up:
        for number in range(MANY):
            one_up.write(f"run_{number:05}", {"step": 1, "loss": 0.5})
        wait_until_indexed(one_up, MANY)
        before = gateway_seconds(one_up)
        listed(one_up)
        each = (gateway_seconds(one_up) - before) / MANY
        shown: list[float] = []
        whole: list[float] = []
        for _ in range(3):
            with opened(browser, one_up.url) as (page, _):
                shown.append(first(page, "[data-session]"))
                page.get_by_text("so far …").wait_for(state="detached")
                whole.append(page.evaluate("performance.now()"))
        with opened(browser, one_up.url) as (page, _):
            first(page, "[data-session]")
            # There have to be as many as are scrolled through.
            page.wait_for_timeout(1_000)
            early = scrolled(page)
            page.get_by_text("so far …").wait_for(state="detached")
            page.evaluate("scrollTo(0, 0)")
            late = scrolled(page)
    say(f"{MANY:,} sessions: list", f"{median(shown):.0f} ms")
    say(f"{MANY:,} sessions: all of them known", f"{median(whole):.0f} ms")
    say(f"{MANY:,} sessions: gateway's CPU of each", f"{each * 1e6:.0f} µs")
    for when, pauses in (("while they come", early), ("once all are known", late)):
        what = f"{MANY:,} sessions, scrolling {when}"
        say(f"{what}: frames", f"{1_000 / median(pauses):.0f}/s")
        say(f"{what}: pause between two, p95", f"{p95(pauses):.0f} ms")


def scrolled(page: Page) -> list[float]:
    """The pauses between frames while a list is scrolled through, milliseconds."""
    page.mouse.move(800, 450)
    page.evaluate(f"() => {{ window.rolled = ({FRAMES})(3000); }}")
    for _ in range(60):
        page.mouse.wheel(0, 400)
        page.wait_for_timeout(30)
    times: list[float] = page.evaluate("() => window.rolled")
    return [later - at for at, later in pairwise(times)]


def cold(browser: Browser) -> None:
    """The first visit, from far away."""
    figures: dict[str, list[float]] = {"list": [], "run": []}
    with up() as one_up:
        for step in range(200):
            one_up.write("run", {"step": step, "loss": 1 / (1 + step)})
        for _ in range(3):
            for view, query, selector in (
                ("list", "", '[data-session="run"]'),
                ("run", "?session=run", '[data-chart="loss"]:not([data-points="0"])'),
            ):
                with opened(browser, "about:blank") as (page, devtools):
                    devtools.send("Network.enable")
                    devtools.send(
                        "Network.emulateNetworkConditions",
                        {
                            "offline": False,
                            "latency": LATENCY_MS,
                            "downloadThroughput": THROUGHPUT,
                            "uploadThroughput": THROUGHPUT,
                        },
                    )
                    page.goto(f"{one_up.url}{query}", wait_until="commit")
                    figures[view].append(first(page, selector))
    for view, found in figures.items():
        say(f"cold, 100 ms and 10 Mbit/s: {view}", f"{median(found):.0f} ms")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20, help="of each watching")
    parser.add_argument("--only", choices=SCENES, nargs="+", default=[*SCENES])
    parser.add_argument(
        "--views", choices=VIEWS, nargs="+", default=VIEWS, help="of the crowd"
    )
    asked = parser.parse_args()
    if not (DASHBOARD / "index.html").is_file():
        parser.exit(1, "the page is not built: `make dashboard` builds it\n")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        print("| what | figure |\n|---|---|")
        for name in asked.only:
            SCENES[name](browser, asked)
        browser.close()


SCENES: Final[dict[str, Callable[[Browser, argparse.Namespace], None]]] = {
    "cold": lambda browser, _: cold(browser),
    "pixel": lambda browser, asked: pixel(browser, asked.seconds),
    "crowd": lambda browser, asked: crowd(browser, asked.views, asked.seconds),
    "list": lambda browser, _: long_list(browser),
    "million": lambda browser, _: million(browser),
}


if __name__ == "__main__":
    main()

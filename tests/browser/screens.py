"""`make screens`: pictures of the page in every state, to be looked at one by one.

Each in light and dark, wide and on a phone: `NAME-SCHEME-WIDTH.png`. With `--readme`
the three of the README.
"""

import argparse
import contextlib
import math
import os
import random
import signal
import tempfile
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.looking import ROOT
from tests.browser.running import BY_TOKENS, Running, running, token_for


SCREENS: Final = ROOT / "build" / "screens"
PICTURES: Final = ROOT / "docs" / "pictures"
SIZES: Final = {1600: 900, 360: 780}
SCHEMES: Final = ("light", "dark")
# Of the README's pictures, which are to be below 60 KB.
SMALL: Final[ViewportSize] = {"width": 1000, "height": 420}
# Until what is shown has been drawn, and does not move any more.
SETTLED_MS: Final = 1_500
# For ten thousand sessions to come, and to be in four pages at once, on a busy machine.
PATIENCE_MS: Final = 600_000
MANY: Final = 10_000
LONG: Final = "a_run_whose_name_says_all_that_was_tried_" * 4

# What is waited for: a chart's line, a row of the list, an emergency.
DRAWN: Final = "[data-last]:not([data-last=''])"
ROW: Final = "[data-session]"
ALARM: Final = "[data-emergency]"

Doing = Callable[[Page], None]


def nothing(_page: Page) -> None:
    """Look at it as it is."""


def pressing(*keys: str) -> Doing:
    """Press keys, one after another."""

    def press(page: Page) -> None:
        for key in keys:
            page.keyboard.press(key)

    return press


def acknowledge(page: Page) -> None:
    """Say that one has seen it."""
    page.keyboard.press("a")
    page.keyboard.type("ada")
    page.keyboard.press("Enter")


@dataclass(frozen=True, slots=True)
class State:
    """What a picture is of."""

    name: str
    query: str = ""
    do: Doing = nothing
    # What is to be seen before anything is done.
    shows: str = ".shell"


class Camera:
    """Takes each state in every scheme and size."""

    def __init__(self, browser: Browser, only: frozenset[str]) -> None:
        self._browser = browser
        self._only = only
        SCREENS.mkdir(parents=True, exist_ok=True)

    def wants(self, name: str) -> bool:
        """Whether a picture of this state is asked for."""
        return not self._only or name in self._only

    def take(self, up: Running, *states: State) -> None:
        """Pictures of these."""
        for state in states:
            if not self.wants(state.name):
                continue
            with self.opened(up, state.query) as pages:
                for page in pages.values():
                    page.locator(state.shows).first.wait_for()
                for page in pages.values():
                    state.do(page)
                for name, page in pages.items():
                    save(page, SCREENS / f"{state.name}-{name}.png")

    @contextlib.contextmanager
    def opened(self, up: Running, query: str) -> Generator[dict[str, Page]]:
        """The page in every scheme and size, once it is settled."""
        with contextlib.ExitStack() as contexts:
            pages: dict[str, Page] = {}
            for scheme in SCHEMES:
                for width, height in SIZES.items():
                    context = contexts.enter_context(
                        self._browser.new_context(
                            viewport={"width": width, "height": height},
                            color_scheme=scheme,
                        )
                    )
                    page = pages[f"{scheme}-{width}"] = context.new_page()
                    page.set_default_timeout(PATIENCE_MS)
                    page.goto(f"{up.url}{query}")
            for page in pages.values():
                page.locator("[data-feed=live]").wait_for(state="attached")
            yield pages


def save(page: Page, path: Path) -> None:
    """A picture of what is seen now."""
    page.wait_for_timeout(SETTLED_MS)
    page.screenshot(path=path)
    print(path.relative_to(ROOT), flush=True)  # noqa: T201  # the answer


def curve(steps: int, seed: int) -> Iterator[dict[str, Any]]:
    """A training whose loss falls, with an evaluation now and then."""
    chance = random.Random(seed)
    began = time.time() - 600
    for step in range(steps):
        far = step / steps
        loss = 2.5 * math.exp(-(2 + seed) * far) + 0.3 + chance.gauss(0, 0.03)
        metrics: dict[str, Any] = {
            "loss": loss,
            "grad_norm": 1 + abs(chance.gauss(0, 0.3)),
            "lr": 3e-4 * (1 - far),
            "throughput": 1200 + chance.gauss(0, 30),
        }
        if step % 50 == 49:
            metrics["eval/accuracy"] = 0.9 - 0.8 * math.exp(-4 * far)
            metrics["eval/loss"] = loss * 1.1
        at = began + 600 * far
        yield {
            "step": step,
            "timestamp": at,
            "total_steps": 2 * steps,
            **metrics,
        }


def write_sweep(up: Running) -> None:
    """Runs that differ in what they were started with."""
    for number, lr in enumerate(("1e-4", "3e-4", "1e-3")):
        header = {"config": {"lr": float(lr), "batch_size": 256 * (1 + number % 2)}}
        up.write(f"run_lr{lr}", header, *curve(1_000, number))


def write_runs(up: Running) -> None:
    """Runs of all kinds."""
    write_sweep(up)
    up.write("nan", *curve(200, 4))
    up.write_lines(
        "nan",
        *(f'{{"step":{step},"loss":NaN,"grad_norm":1}}' for step in range(200, 215)),
    )
    up.write("nan", *({"step": step, "loss": 0.9} for step in range(215, 300)))
    up.write("rewound", *curve(400, 5))
    up.write("rewound", *({"step": step, "loss": 0.6} for step in range(250, 500)))
    up.write(LONG, *curve(100, 6))
    for name, age in (("stalled", 200), ("ended", 90_000)):
        up.write(name, *curve(300, 7))
        old = time.time() - age
        os.utime(up.logs / "telemetry" / f"{name}.jsonl", (old, old))


def raise_alarm(up: Running, session: str, step: int, reason: str) -> None:
    """An emergency of a session."""
    emergency = {"reason": reason, "severity": "high"}
    up.write(session, {"step": step, "emergency": emergency})


def wait_for(up: Running, browser: Browser, session: str) -> None:
    """Until a session has come to the page."""
    page = browser.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{up.url}?session={session}")
    page.locator("[data-chart]").first.wait_for()
    page.close()


def take_all(camera: Camera, browser: Browser) -> None:
    """Every state, in the order in which they can be had."""
    run = "?session=run_lr3e-4"
    pair = f"{run}&compare=run_lr1e-4,run_lr1e-3"
    with up() as one:
        camera.take(one, State("empty"))
        write_runs(one)
        wait_for(one, browser, "ended")
        with one.simulating("--sessions", "2"):
            simulated = f"session_{time.strftime('%Y%m%d', time.gmtime())}_001"
            live = f"?session={simulated}"
            wait_for(one, browser, simulated)
            camera.take(
                one,
                State("list", shows=ROW),
                # Before it counts as ended.
                State("stalled", "?session=stalled", shows=DRAWN),
                State("live", live, shows=DRAWN),
                State("paused", live, pressing(" "), DRAWN),
                State("replay", run, pressing("r"), DRAWN),
            )
        camera.take(
            one,
            State("run", run, shows=DRAWN),
            State("zoomed", f"{run}&from=400&to=600", shows=DRAWN),
            State(
                "compare",
                f"{pair}&metrics=eval/loss,eval/accuracy",
                shows=DRAWN,
            ),
            State(
                "compare-tables",
                f"{pair}&hide=run_lr1e-4&place=500&metrics=loss,lr",
                pressing("End"),
                DRAWN,
            ),
            State("table", run, pressing("t"), DRAWN),
            State("palette", run, pressing("Control+k", "l", "o", "s"), DRAWN),
            State("nan", "?session=nan", shows=DRAWN),
            State("rewind", "?session=rewound", shows=DRAWN),
            State("ended", "?session=ended", shows=DRAWN),
            State("long-names", f"?session={LONG}", shows=DRAWN),
            State("long-names-in-the-list", "?q=tried", shows=ROW),
            State("chosen", "", pressing("j", "x", "j", "x"), ROW),
            State("unknown", "?session=run_lr2e-4"),
            State("waiting", "?session=zebra"),
            State("keys", run, pressing("?"), DRAWN),
            State("not-understood", f"{run}&x=sideways&colour=red", shows=DRAWN),
            State("files", "?show=files"),
        )
        take_emergencies(camera, one, run)
        for name, part, feed in (
            ("stale", "valkey", "stale"),
            ("reconnecting", "gateway", "down"),
        ):
            take_fault(camera, one, run, name, part, feed)
    take_gap(camera, browser)
    take_down(camera, browser)
    take_signed_in(camera, browser)
    take_many(camera, browser)


def take_emergencies(camera: Camera, up: Running, run: str) -> None:
    """Two of them, until one is acknowledged."""
    up.write("nan", {"step": 300, "emergency": {"reason": "loss 0.9 > 0.5"}})
    raise_alarm(up, "run_lr1e-3", 1_000, "gradients exploded")
    camera.take(
        up,
        State("emergency", run, shows=ALARM),
        State("emergency-in-the-list", shows=ALARM),
        State("alerts", "?show=alerts", shows=ALARM),
        State("emergency-gone-to", "", pressing("e"), ALARM),
        State("acknowledging", run, pressing("a"), ALARM),
        State("acknowledged", run, acknowledge, ALARM),
    )


def take_many(camera: Camera, browser: Browser) -> None:
    """As many metrics, and sessions, as anybody has."""
    if camera.wants("many-metrics"):
        with up() as one:
            many = {f"metric_{number:05}": number / 7 for number in range(MANY)}
            one.write("wide", *({"step": step, **many} for step in range(5)))
            wait_for(one, browser, "wide")
            camera.take(one, State("many-metrics", "?session=wide", shows=DRAWN))
    if camera.wants("many-sessions"):
        with up() as one:
            names = [f"sweep-{at % 40}/trial_{at:05}" for at in range(MANY)]
            for name in names:
                one.write(name, {"step": 1, "loss": 0.5})
            wait_for(one, browser, names[-1])
            # All of them are known: nothing is said of so many so far.
            whole = f".shell:has({ROW}):not(:has-text('so far'))"
            camera.take(one, State("many-sessions", shows=whole))


def take_fault(
    camera: Camera, up: Running, query: str, name: str, part: str, feed: str
) -> None:
    """Pages that were well before a part was frozen."""
    if not camera.wants(name):
        return
    with camera.opened(up, query) as pages:
        up.signal(part, signal.SIGSTOP)
        for page in pages.values():
            page.locator(f"[data-feed={feed}]").wait_for(state="attached")
        for variant, page in pages.items():
            save(page, SCREENS / f"{name}-{variant}.png")
        up.signal(part, signal.SIGCONT)


def take_gap(camera: Camera, browser: Browser) -> None:
    """A run whose beginning was there before anybody looked."""
    if not camera.wants("gap"):
        return
    steps = list(curve(400, 3))
    with tempfile.TemporaryDirectory(prefix="tailcast-") as folder:
        Running(Path(folder), "").write("gap", *steps[:200])
        with running(Path(folder), TAILCAST_START_AT="end") as one:
            one.write("gap", *steps[200:])
            wait_for(one, browser, "gap")
            camera.take(one, State("gap", "?session=gap"))


def take_down(camera: Camera, browser: Browser) -> None:
    """A page whose server has ended."""
    if not camera.wants("down"):
        return
    with contextlib.ExitStack() as pages, contextlib.ExitStack() as server:
        one = server.enter_context(up())
        one.write("run", *curve(400, 3))
        wait_for(one, browser, "run")
        opened = pages.enter_context(camera.opened(one, "?session=run"))
        for page in opened.values():
            page.locator(DRAWN).first.wait_for()
        server.close()
        for variant, page in opened.items():
            page.locator("[data-feed=down]").wait_for(state="attached")
            save(page, SCREENS / f"down-{variant}.png")


def take_signed_in(camera: Camera, browser: Browser) -> None:
    """What is said of who looks: not this one, not for long, not any more."""
    names = ("may-not-be-read", "sign-in-ends", "signed-out")
    if not any(map(camera.wants, names)):
        return
    view = quote("?session=run", safe="")
    with up(**BY_TOKENS) as one:
        one.write("run", *curve(400, 3))
        for name, seconds, sessions, shows in (
            (names[0], 3_600, "team-a/*", ".empty"),
            (names[1], 59, "run", ".sign-in"),
            (names[2], 59, "run", "[data-feed=unauthorised]"),
        ):
            signing_in = f"login#token={token_for(seconds, sessions)}&view={view}"
            camera.take(one, State(name, signing_in, shows=shows))


def take_readme(browser: Browser) -> None:
    """The list, a run with an emergency above it, and runs side by side."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    with up() as one:
        write_sweep(one)
        page = browser.new_page(viewport=SMALL)
        page.set_default_timeout(PATIENCE_MS)
        page.goto(one.url)
        page.locator('[data-session="run_lr1e-3"]').first.wait_for()
        # Nothing is wrong any more, as with no indexer at first.
        page.get_by_role("link", name="files").wait_for()
        save(page, PICTURES / "list.png")
        page.goto(
            f"{one.url}?session=run_lr3e-4&compare=run_lr1e-4,run_lr1e-3&smooth=0.9"
        )
        page.locator(DRAWN).first.wait_for()
        page.get_by_role("link", name="files").wait_for()
        page.set_viewport_size({"width": 900, "height": 340})
        save(page, PICTURES / "compare.png")
        page.set_viewport_size(SMALL)
        raise_alarm(one, "run_lr1e-3", 1_000, "gradients exploded")
        page.goto(f"{one.url}?session=run_lr1e-3")
        page.locator("[data-emergency]").first.wait_for()
        page.locator("[data-chart]").first.wait_for()
        save(page, PICTURES / "run.png")


@contextlib.contextmanager
def up(**settings: str) -> Generator[Running]:
    """A Tailcast in a folder whose name is fit to be seen."""
    with (
        tempfile.TemporaryDirectory(prefix="tailcast-") as folder,
        running(Path(folder), **settings) as made,
    ):
        yield made


def main() -> None:
    """Take what is asked for: everything by default."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--readme", action="store_true", help="those of the README")
    parser.add_argument("only", nargs="*", help="names of states")
    asked = parser.parse_args()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        if asked.readme:
            take_readme(browser)
        else:
            take_all(Camera(browser, frozenset(asked.only)), browser)
        browser.close()


if __name__ == "__main__":
    main()

"""An address is a view: who opens it elsewhere sees the same, pixel for pixel."""

import base64
import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Looker, Scheme
from tests.browser.looking import Look
from tests.browser.running import Running, running
from tests.patience import PATIENCE_SECONDS


# So long ago that it has ended, and that its age does not change while one looks.
AGO_SECONDS = 10.5 * 24 * 3600
RUNS = ("first", "second")
RECORDS = 3_000
# The edges of round corners differ by that, after what order they were drawn in.
BY_CHANCE = 1


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Two runs that nobody writes any more."""
    with running(tmp_path_factory.mktemp("ended")) as up:
        began = time.time() - AGO_SECONDS
        for number, name in enumerate(RUNS, 1):
            records = (
                {
                    "step": step,
                    "timestamp": began + step,
                    "loss": 1 / (1 + step % (50 * number)),
                    "accuracy": step / RECORDS,
                }
                for step in range(RECORDS)
            )
            header = f'# {{"config":{{"lr":{number}}}}}'
            up.write_old(name, began + RECORDS, header, *map(json.dumps, records))
        yield up


def pressing(*keys: str) -> Callable[[Look], None]:
    """By keys."""

    def go(one: Look) -> None:
        for key in keys:
            one.page.keyboard.press(key)

    return go


def search_and_sort(one: Look) -> None:
    """In the list."""
    one.page.get_by_label("Search sessions").fill("s")
    one.page.get_by_role("button", name="name", exact=True).click()


def hide_and_place(one: Look) -> None:
    """In a comparison: one run is not drawn, and all stand as they were somewhere."""
    one.page.get_by_role("button", name="hide second").click()
    one.page.get_by_role("spinbutton").fill("1000")


class Way(NamedTuple):
    """From a view to another one, and what the other's address has."""

    query: str
    go: Callable[[Look], None]
    address: str
    # How many values its first chart has; None where there is none.
    points: int | None


RUN, BOTH = "?session=first", "?session=first&compare=second"
HALF = "from=750&to=2249"
WAYS = {
    "zoomed": Way(RUN, pressing("+"), HALF, 1_500),
    "logarithmic": Way(RUN, pressing("l", "]"), "log=1&smooth=0.6", RECORDS),
    "along time": Way(RUN, pressing("2"), "x=time", RECORDS),
    "paused": Way(RUN, pressing(" "), f"paused={RECORDS - 1}", RECORDS),
    "table": Way(RUN, pressing("+", "t"), f"{HALF}&table=1", 1_500),
    "compared": Way(BOTH, pressing("+"), HALF, 2 * 1_500),
    "one hidden": Way(BOTH, hide_and_place, "hide=second&place=1000", RECORDS),
    "list": Way("", search_and_sort, "q=s&sort=name", None),
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_the_same_is_seen_elsewhere(
    ended: Running, look: Looker, tmp_path: Path, way: Way, scheme: Scheme
) -> None:
    """By keys and buttons to a view, and by its address to the same."""
    one = look(ended.url, way.query, scheme=scheme)
    if way.points is None:
        is_there(one, None)
    else:
        is_there(one, (2 if way.query == BOTH else 1) * RECORDS)
    before = picture(one)
    way.go(one)
    expect(one.page).to_have_url(re.compile(re.escape(way.address) + "$"))
    # What the mouse is over, and what has the focus, is no part of the view.
    one.page.mouse.move(0, 0)
    one.page.evaluate("document.activeElement.blur()")
    other = look(one.page.url, scheme=scheme)
    for each in (one, other):
        is_there(each, way.points)
    blank = one.context.new_page()
    until = time.monotonic() + PATIENCE_SECONDS
    while apart(blank, seen := picture(one), there := picture(other)) > BY_CHANCE:
        if time.monotonic() > until:
            (tmp_path / "here.png").write_bytes(seen)
            (tmp_path / "there.png").write_bytes(there)
            pytest.fail(f"it looks otherwise elsewhere: {tmp_path}")
    assert apart(blank, seen, before) > BY_CHANCE
    one.is_quiet()


def is_there(one: Look, points: int | None) -> None:
    """Until all data have come."""
    one.is_fed("live")
    if points is not None:
        one.shows("loss", points=points)
        return
    for name in RUNS:
        expect(one.row(name)).to_have_attribute("data-status", "ended")
        expect(one.row(name).locator(".cell-value")).not_to_be_empty()


def apart(blank: Page, one: bytes, other: bytes) -> int:
    """How far two pictures are apart at most, of 255: in any colour of any pixel."""
    texts = [base64.b64encode(each).decode() for each in (one, other)]
    return int(blank.evaluate(_APART, texts))


_APART = """async ([one, other]) => {
  const pixels = async (text) => {
    const image = new Image();
    image.src = `data:image/png;base64,${text}`;
    await image.decode();
    const { width, height } = image;
    const draw = new OffscreenCanvas(width, height).getContext("2d");
    draw.drawImage(image, 0, 0);
    return draw.getImageData(0, 0, width, height).data;
  };
  const [here, there] = await Promise.all([pixels(one), pixels(other)]);
  if (here.length !== there.length) return 255;
  return here.reduce((most, is, at) => Math.max(most, Math.abs(is - there[at])), 0);
}"""


def picture(one: Look) -> bytes:
    """What is seen; but for the head, which says how late records are now."""
    return one.page.screenshot(mask=[one.page.locator(".head")], caret="hide")

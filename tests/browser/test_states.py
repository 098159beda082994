"""Whatever state the page is in, everybody can use it: axe says so, also of a phone."""

import json
import math
import re
import signal
import time
from collections.abc import Iterator
from typing import NamedTuple

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Looker
from tests.browser.looking import Look
from tests.browser.running import Running, numbered, running


class State(NamedTuple):
    """How the page comes into it, and what is to be seen then."""

    query: str
    keys: tuple[str, ...]
    shows: str


RUN = "?session=state"
STATES = {
    "list, a row chosen": State("", ("j", "x"), "text=1 chosen"),
    "keys": State(RUN, ("?",), "role=dialog[name='Keys']"),
    "palette": State(RUN, ("Control+k",), "role=dialog >> role=combobox"),
    "paused": State(RUN, (" ",), ".run-paused"),
    "zoomed": State(RUN, ("+",), "role=button[name='whole run']"),
    "replay": State(f"{RUN}&at=49", (), "role=slider[name='Place of the replay']"),
    "logarithmic, smooth": State(RUN, ("l", "]"), "role=button[name='log'][pressed]"),
    "marks": State(RUN, (), "text=1 \u00d7 NaN"),
    "table": State(RUN, ("t",), ".figures td >> nth=0"),
    "acknowledging": State(RUN, ("a",), "role=textbox[name=/seen by/i]"),
    "stalled": State("?session=stalled", (), ".status-stalled"),
    "ended": State("?session=ended", (), ".status-ended"),
    "not understood": State(f"{RUN}&zoom=9", (), "text=Not understood"),
}


@pytest.fixture(scope="module")
def alarmed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A run with all kinds of marks, and an emergency."""
    with running(tmp_path_factory.mktemp("alarmed")) as up:
        up.write("state", *numbered(0, 100, accuracy=0.5), *numbered(50, 120))
        up.write("state", {"step": 120, "loss": math.nan})
        up.write("state", {"step": 121, "emergency": {"reason": "collapse"}})
        lines = [json.dumps(record) for record in numbered(0, 50)]
        up.write_old("stalled", time.time() - 300, *lines)
        up.write_old("ended", time.time() - 90_000, *lines)
        yield up


@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
def test_everybody_can_use_it(alarmed: Running, look: Looker, state: State) -> None:
    """On a phone in the light, and on a desk in the dark."""
    for one in (
        look(alarmed.url, state.query, width=360, scheme="light"),
        look(alarmed.url, state.query, width=1600, scheme="dark"),
    ):
        if state.query:
            expect(one.chart("loss")).to_have_attribute(
                "data-points", re.compile("[1-9]")
            )
        else:
            expect(one.row("state")).to_be_visible()
        for key in state.keys:
            one.page.keyboard.press(key)
        expect(one.page.locator(state.shows).first).to_be_visible()
        is_for_everybody(one)


def test_everybody_can_use_it_while_nobody_answers(
    own_up: Running, look: Looker
) -> None:
    """What was drawn stays, and when it is tried again is said."""
    own_up.write("run", *numbered(0, 100))
    pages = [
        look(own_up.url, "?session=run", width=360, scheme="light"),
        look(own_up.url, "", width=1600, scheme="dark"),
    ]
    for one in pages:
        one.is_fed("live")
    own_up.signal("gateway", signal.SIGSTOP)
    try:
        for one in pages:
            one.is_fed("down")
            is_for_everybody(one)
    finally:
        own_up.signal("gateway", signal.SIGCONT)


def is_for_everybody(one: Look) -> None:
    """Nothing is beyond the edge or moves by itself, and axe finds nothing."""
    one.is_within_its_width()
    one.is_accessible()
    assert one.page.evaluate(_MOVING) == []


# What an animation or a transition moves, whether or not somebody asked for less.
_MOVING = """() => [...document.querySelectorAll("body, body *")]
  .filter((node) => {
    const style = getComputedStyle(node);
    return style.animationName !== "none" || style.transitionDuration !== "0s";
  })
  .map(({ outerHTML }) => outerHTML.slice(0, 120))"""

"""Emergencies: told above everything, whoever looks, until somebody has seen them."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Looker, Scheme
from tests.browser.looking import Look
from tests.browser.running import Running, numbered


REASON = "consciousness_collapse"


def emergency(step: int, reason: str = REASON, *, minutes_ago: int = 0) -> str:
    """A line as a producer writes it that looks at a metric."""
    time = datetime.now(UTC) - timedelta(minutes=minutes_ago)
    return json.dumps(
        {
            "timestamp": time.isoformat(),
            "step": step,
            "emergency": {
                "reason": reason,
                "severity": "high",
                "metric": "phi",
                "value": 0.45,
                "threshold": 0.5,
            },
        }
    )


def alarm(one: Look) -> Locator:
    """What stands above everything."""
    return one.page.get_by_role("alert")


def has_title(one: Look, title: str) -> None:
    """Until the page is called so."""
    expect(one.page).to_have_title(title)


def acknowledge(page: Page, who: str, note: str) -> None:
    """By keyboard alone."""
    page.keyboard.press("a")
    page.keyboard.type(who)
    page.keyboard.press("Tab")
    page.keyboard.type(note)
    page.keyboard.press("Enter")


def test_one_of_before_is_told_to_whoever_comes(own_up: Running, look: Looker) -> None:
    """With all that it says, and how long ago that was by the server's clock."""
    own_up.write("run", *numbered(0, 50))
    own_up.write_lines("run", emergency(50, minutes_ago=10))
    one = look(own_up.url)
    said = f"run · phi 0.45 < 0.5 · {REASON} · high · step 50"
    expect(alarm(one)).to_contain_text(said)
    has_title(one, "(1) Tailcast")
    wrong = one.context.new_page()
    wrong.clock.install(time=datetime.now(UTC) + timedelta(hours=3))
    wrong.goto(own_up.url)
    expect(wrong.get_by_role("alert")).to_contain_text("10 m ago")


def test_one_that_comes_is_told_at_once(own_up: Running, look: Looker) -> None:
    """Above all of the page, which it does not cover; its key leads to its step."""
    own_up.write("run", *numbered(0, 1_000))
    one = look(own_up.url, "?session=run")
    one.shows("loss", points=1_000)
    own_up.write_lines("run", emergency(1_000))
    expect(alarm(one)).to_contain_text("step 1\u202f000")
    box, chart = alarm(one).bounding_box(), one.chart("loss").bounding_box()
    assert box is not None
    assert chart is not None
    assert box["y"] + box["height"] <= chart["y"]
    one.page.mouse.wheel(0, 400)
    expect(alarm(one)).to_be_in_viewport()
    one.page.keyboard.press("e")
    place = "?session=run&from=900&mark=1000"
    expect(one.page).to_have_url(f"{own_up.url}{place}")
    one.shows("loss", points=100)
    # It is behind the last value, and the axis goes as far.
    plot = one.chart("loss").locator(".u-over")
    room = plot.bounding_box()
    assert room is not None
    plot.hover(position={"x": room["width"] - 1, "y": 50})
    expect(one.chart("loss")).to_contain_text("step 1\u202f000")
    # The whole run has no mark any more, and the key leads there again.
    one.page.keyboard.press("Escape")
    expect(one.page).to_have_url(f"{own_up.url}?session=run")
    one.page.keyboard.press("e")
    expect(one.page).to_have_url(f"{own_up.url}{place}")


def test_as_much_is_shown_beside_it_of_a_run_that_seldom_writes(
    own_up: Running, look: Looker
) -> None:
    """Not as many steps, but as many records."""
    seldom = [{"step": 500 * at, "telemetry": {"loss": at}} for at in range(1_000)]
    own_up.write("rare", *seldom[:201])
    own_up.write_lines("rare", emergency(100_000))
    own_up.write("rare", *seldom[201:])
    one = look(own_up.url)
    expect(alarm(one)).to_contain_text("step 100\u202f000")
    one.page.keyboard.press("e")
    place = re.compile(r"\?session=rare&from=5[01]\d00&to=1[45]\d\d00&mark=100000$")
    expect(one.page).to_have_url(place)
    records = re.compile(r"^(19|20)\d$")
    expect(one.chart("loss")).to_have_attribute("data-points", records)


def test_who_has_seen_it_is_known_to_all(own_up: Running, look: Looker) -> None:
    """At once in other pages, later in the history; and it can be taken back."""
    own_up.write_lines("run", emergency(1))
    one, other = look(own_up.url), look(own_up.url, "?show=alerts", width=360)
    has_title(other, "(1) Tailcast")
    expect(alarm(one)).to_be_visible()
    acknowledge(one.page, "ada", "looked at it")
    for page in (one, other):
        has_title(page, "Tailcast")
        expect(alarm(page)).to_have_count(0)
    row = other.page.locator("main li")
    expect(row).to_contain_text("Seen by ada")
    expect(row).to_contain_text("looked at it")
    row.get_by_role("button", name="nobody has after all").click()
    has_title(one, "(1) Tailcast")
    # Who sits here is asked once.
    one.page.keyboard.press("a")
    expect(one.page.get_by_label("Seen by")).to_have_value("ada")


def test_a_rule_that_is_muted(own_up: Running, look: Looker) -> None:
    """Stays so over a reload, for all that differs in figures alone; not for ever."""
    own_up.write_lines("run", emergency(1, "loss 3.5 at step 1"))
    one = look(own_up.url)
    expect(alarm(one)).to_be_visible()
    one.page.keyboard.press("m")
    expect(alarm(one)).to_have_count(0)
    one.page.reload()
    own_up.write_lines("run", emergency(2, "loss 9 at step 2"), emergency(3, "other"))
    expect(alarm(one)).to_contain_text("other")
    has_title(one, "(1) Tailcast")
    one.go("?show=alerts")
    one.page.get_by_role("button", name="unmute").click()
    has_title(one, "(3) Tailcast")


ODD = [
    '{"emergency":{}}',
    '{"emergency":{"metric":"loss","value":NaN,"threshold":1}}',
    '{"emergency":{"reason":{"code":[1,null]}}}',
    '{"emergency":{"reason":"<img src=x onerror=alert(1)>","severity":7}}',
    json.dumps({"emergency": {"blob": "x" * 1_000_000}}),
]
ODD_FILES = {"words": '{"emergency":"node lost"}', "what": '{"what":"ever"}'}


def test_of_any_shape_they_are_shown(own_up: Running, look: Looker) -> None:
    """Literally, and none of them as nothing."""
    own_up.write_lines("odd", *ODD)
    folder = own_up.logs / "emergency"
    folder.mkdir(exist_ok=True)
    for name, text in ODD_FILES.items():
        (folder / f"{name}.json").write_text(text)
    one = look(own_up.url, "?show=alerts", width=360)
    has_title(one, "(7) Tailcast")
    told = one.page.locator("main [data-emergency]")
    expect(told).to_have_count(7)
    said = "\n".join(told.all_inner_texts())
    for words in (
        '{"emergency":{}}',
        "loss NaN · threshold 1",
        '{"code":[1,null]}',
        "<img src=x onerror=alert(1)> · 7",
        "node lost",
        'emergency/what.json · {"what":"ever"}',
    ):
        assert words in said
    # Whoever was there when it came has its beginning, others the way to all of it.
    assert "a long record" in said or '{"blob":"xxx' in said
    one.is_within_its_width()


def test_a_long_one_is_shown_when_it_is_opened(own_up: Running, look: Looker) -> None:
    """It says what it is about from then on, and can be muted by that."""
    long = {"emergency": {"reason": "disk full", "at": "x" * 20_000}}
    own_up.write_lines("run", json.dumps(long))
    look(own_up.url).row("run").wait_for()
    one = look(own_up.url, width=360)
    expect(alarm(one)).to_contain_text("a long record")
    mute = one.page.get_by_role("button", name="mute rule")
    expect(mute).to_have_count(0)
    one.page.get_by_role("button", name="show record").click()
    record = one.page.get_by_role("region", name="Record")
    expect(record).to_contain_text('"reason": "disk full"')
    expect(alarm(one)).to_contain_text("run · disk full")
    expect(mute).to_be_visible()
    one.is_within_its_width()
    one.is_accessible()
    one.page.get_by_role("button", name="hide record").click()
    expect(record).to_have_count(0)


def test_the_history_is_searched_and_paged(own_up: Running, look: Looker) -> None:
    """By session, and by whether somebody has seen them; the oldest can be had."""
    own_up.write_lines("early", *(emergency(step) for step in range(60)))
    own_up.write_lines("late", emergency(1, "of late"))
    one = look(own_up.url, "?show=alerts")
    has_title(one, "(61) Tailcast")
    rows = one.page.locator("main li")
    expect(rows).to_have_count(50)
    one.page.get_by_role("button", name="older").click()
    expect(rows).to_have_count(11)
    one.page.get_by_label("Session").fill("LATE".lower())
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("of late")
    one.page.get_by_label("Severity").fill("low")
    expect(one.page.locator("main")).to_contain_text("None.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1600, 360])
def test_everybody_can_use_them(
    own_up: Running, look: Looker, scheme: Scheme, width: int
) -> None:
    """The banner, who has seen it, and the history."""
    own_up.write_lines("run", emergency(1), emergency(2))
    one = look(own_up.url, "?show=alerts", width=width, scheme=scheme)
    has_title(one, "(2) Tailcast")
    expect(one.page.locator("main li")).to_have_count(2)
    one.is_accessible()
    one.page.keyboard.press("a")
    expect(one.page.get_by_label("Seen by")).to_be_focused()
    one.is_accessible()
    one.is_within_its_width()

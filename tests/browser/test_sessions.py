"""The list of sessions: many, in order, by keyboard, and whatever they are called."""

import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Route, expect

from tests.browser.conftest import Looker
from tests.browser.looking import Look
from tests.browser.running import Running, numbered, running


MANY = 10_000
STALLED = 257
# What a screen holds, and some above and below.
MOST_ROWS = 120
VIEW_HEIGHT = 900
NAMES = (
    "<img src=x onerror=alert(1)>",
    "a & b",
    "🚀 launch",
    "שלום-עולם",
    "x" * 180,
    "sweep/lr=0.1",
    "50%2F50",
)


def rows(one: Look) -> Locator:
    """The sessions that are drawn."""
    return one.page.locator("[data-session]")


def names(one: Look) -> list[str | None]:
    """Which ones, in their order."""
    return [row.get_attribute("data-session") for row in rows(one).all()]


def described(number: int) -> dict[str, Any]:
    """A session as the gateway lists it: the last runs, some have stalled or ended."""
    status = "running" if number == MANY - 1 else "ended"
    return {
        "sessionId": f"run_{number:05}",
        "status": "stalled" if number < STALLED else status,
        "records": 10,
        "rejected": 0,
        "firstStep": 0,
        "lastStep": number,
        "firstTime": None,
        "lastTime": None,
        "lastActivity": int(time.time() * 1_000) - 60_000 - number,
        "rate": 1.0,
        "emergencies": 0,
        "oldest": None,
        "head": None,
        "totalSteps": None,
        "etaMs": None,
        "spark": {"metric": "loss", "values": [3, 2, 1], "last": 1},
    }


@pytest.fixture
def many(up: Running, look: Looker) -> Look:
    """A page over a gateway that lists ten thousand sessions, the latest first."""
    sessions = [described(number) for number in range(MANY)]

    def answer(route: Route) -> None:
        asked = parse_qs(urlsplit(route.request.url).query)
        named, q = asked.get("sessionId"), asked.get("q", [""])[0]
        found = [
            one
            for one in sessions
            if (named is None or one["sessionId"] in named) and q in one["sessionId"]
        ]
        start = int(asked.get("after", ["0"])[0])
        end = start + int(asked.get("limit", ["1000"])[0])
        page = {"sessions": found[start:end], "cursor": str(end), "more": end < MANY}
        route.fulfill(json=page)

    one = look(up.url, "?show=files")
    one.page.route("**/api/sessions?*", answer)
    one.go()
    return one


def test_what_is_typed_before_the_palette_has_come_is_in_it(
    up: Running, look: Looker
) -> None:
    """It is for the palette, and no key of the page beneath."""
    one = look(up.url)
    held: list[Route] = []
    palette = re.compile(r"/assets/palette-[^/]*\.js$")

    def hold(route: Route) -> None:
        held.append(route)

    one.page.route(palette, hold)
    # What is asked for in the moment in which routes are set is held by none of them.
    one.go()
    expect(rows(one).first).to_be_visible()
    with one.page.expect_request(palette):
        one.page.keyboard.press("Control+k")
    one.page.keyboard.type("run_1")
    expect(one.page.get_by_role("combobox", name="Session, metric")).to_have_count(0)
    held[0].continue_()
    expect(one.page.get_by_role("combobox", name="Session, metric")).to_have_value(
        "run_1"
    )
    one.page.keyboard.press("Enter")
    expect(one.page.get_by_role("heading", name="run_1")).to_be_visible()
    one.is_quiet()


def test_ten_thousand_are_few_rows(many: Look) -> None:
    """And each is reached by scrolling."""
    expect(many.page.get_by_text("so far …")).to_be_hidden()
    expect(many.page.get_by_role("button", name="ended 9\u202f742")).to_be_visible()
    assert rows(many).count() < MOST_ROWS
    many.is_accessible()
    many.page.get_by_role("button", name="name", exact=True).click()
    expect(many.row("run_00000")).to_be_visible()
    many.page.keyboard.press("End")
    expect(many.row(f"run_{MANY - 1:05}")).to_be_visible()
    expect(many.row("run_00000")).to_have_count(0)
    assert rows(many).count() < MOST_ROWS


def test_rows_that_are_seen_stand_before_those_beside_them(many: Look) -> None:
    """They alone are drawn for the first picture."""
    many.page.add_init_script(_FIRST_DRAWN)
    many.go()
    expect(rows(many).last).not_to_be_in_viewport()
    first: list[float] = many.page.evaluate("window.first")
    assert max(first) < VIEW_HEIGHT
    assert rows(many).count() > len(first)


# Where the rows begin that are drawn when the first of them are to be painted.
_FIRST_DRAWN = """new MutationObserver((_, watcher) => {
  const rows = document.querySelectorAll("[data-session]");
  if (rows.length === 0) return;
  watcher.disconnect();
  window.first = [...rows].map((row) => row.getBoundingClientRect().top);
}).observe(document, { subtree: true, childList: true })"""


def test_rows_that_go_out_of_sight_become_those_that_come(many: Look) -> None:
    """But one that was clicked on loses the focus: no key is for another session."""
    page = many.page
    expect(page.get_by_text("so far …")).to_be_hidden()
    page.get_by_role("button", name="name", exact=True).click()
    page.evaluate("scrollBy(0, 3000)")
    box = many.row("run_00110").get_by_role("checkbox")
    box.click()
    expect(box).to_be_focused()
    page.evaluate(f"for (const row of {_ROWS}) row.wasThere = true")
    page.evaluate("scrollBy(0, 3000)")
    expect(many.row("run_00220")).to_be_visible()
    assert page.evaluate(f"{_ROWS}.filter((row) => !row.wasThere).length") <= 1
    assert page.evaluate(f"!{_ROWS}.some((row) => row.matches(':focus-within'))")
    expect(rows(many).get_by_role("checkbox", checked=True)).to_have_count(0)
    page.evaluate("scrollBy(0, -3000)")
    expect(box).to_be_checked()


_ROWS = "[...document.querySelectorAll('[data-session]')]"


def test_what_runs_is_before_all_that_have_stalled(many: Look) -> None:
    """Though it is the last that the gateway tells."""
    expect(many.page.get_by_text("so far …")).to_be_hidden()
    assert names(many)[:2] == [f"run_{MANY - 1:05}", "run_00000"]
    expect(rows(many).first).to_have_attribute("data-status", "running")


def test_words_find_a_session_among_all(many: Look) -> None:
    """At once, and the address has them."""
    expect(many.row("run_00000")).to_be_visible()
    many.page.keyboard.press("/")
    expect(many.page.get_by_label("Search sessions")).to_be_focused()
    many.page.keyboard.type("09876")
    expect(rows(many)).to_have_count(1)
    expect(many.row("run_09876")).to_be_visible()
    expect(many.page.get_by_text("1 found")).to_be_visible()
    expect(many.page).to_have_url(f"{many.url}?q=09876")
    many.page.reload()
    expect(rows(many)).to_have_count(1)
    expect(many.row("run_09876")).to_be_visible()
    many.page.get_by_label("Search sessions").fill("no such run")
    expect(many.page.get_by_text("No session has “no such run”")).to_be_visible()


def test_by_keyboard_alone_into_a_run(own_up: Running, look: Looker) -> None:
    """And back, and to a comparison of two."""
    for session in ("a", "b", "c"):
        own_up.write(session, *numbered(0, 10))
    one = look(own_up.url)
    expect(rows(one)).to_have_count(3)
    order = names(one)
    press = one.page.keyboard.press
    press("j")
    press("j")
    press("Enter")
    expect(one.page).to_have_url(f"{own_up.url}?session={order[1]}")
    one.shows("loss", points=10)
    press("Escape")
    expect(rows(one)).to_have_count(3)
    press("x")
    press("j")
    press("x")
    expect(one.page.get_by_text("2 chosen")).to_be_visible()
    press("c")
    expect(one.page).to_have_url(f"{own_up.url}?session={order[1]}&compare={order[2]}")
    press("?")
    keys = one.page.get_by_role("dialog", name="Keys")
    expect(keys).to_be_visible()
    press("Escape")
    expect(keys).to_have_count(0)
    press("g")
    press("s")
    expect(one.page).to_have_url(own_up.url)
    press("Control+k")
    expect(one.page.get_by_role("combobox", name="Session, metric")).to_be_focused()
    one.page.keyboard.type(str(order[0]))
    press("Enter")
    expect(one.page).to_have_url(f"{own_up.url}?session={order[0]}")


def test_by_keyboard_alone_to_a_part_of_a_comparison(
    own_up: Running, look: Looker
) -> None:
    """From the list to two runs, closer, along them, and back to the whole."""
    for session in ("a", "b"):
        own_up.write(session, *numbered(0, 1_001))
    one = look(own_up.url)
    expect(rows(one)).to_have_count(2)
    press = one.page.keyboard.press
    for key in ("j", "x", "j", "x", "c"):
        press(key)
    one.shows("loss", points=2_002)
    press("?")
    keys = one.page.get_by_role("dialog", name="Keys")
    for does in ("Closer", "Wider", "Earlier", "Later", "The whole run"):
        shown = keys.get_by_text(does, exact=True)
        expect(shown).to_have_count(0 if does == "The whole run" else 1)
    press("Escape")
    expect(keys).to_have_count(0)
    for key, part, points in (
        ("+", "from=250&to=750", 1_002),
        ("+", "from=375&to=625", 502),
        ("ArrowRight", "from=437.5&to=687.5", 500),
        ("ArrowLeft", "from=375&to=625", 502),
        ("-", "from=250&to=750", 1_002),
    ):
        press(key)
        expect(one.page).to_have_url(re.compile(re.escape(part)))
        one.shows("loss", points=points)
    one.is_accessible()
    press("Escape")
    one.shows("loss", points=2_002)
    assert "from=" not in one.page.url
    press("Escape")
    expect(one.page).to_have_url(own_up.url)
    one.is_quiet()


@pytest.mark.parametrize(
    "query", ["", "?session=a", "?session=a&compare=b", "?show=files"]
)
def test_each_link_can_be_opened_beside(
    own_up: Running, look: Looker, query: str
) -> None:
    """By a click with Ctrl, in another tab; this one stays where it is."""
    for session in ("a", "b"):
        own_up.write(session, *numbered(0, 10))
    own_up.write_lines("a", '{"step":11,"emergency":{"reason":"collapse"}}')
    one = look(own_up.url)
    expect(rows(one)).to_have_count(2)
    one.go(query)
    expect(one.page.get_by_role("alert")).to_be_visible()
    one.is_fed("live")
    links = one.page.locator("a:visible")
    expect(links.nth(2 if query == "?session=a" else 3)).to_be_visible()
    here = one.page.url
    for link in links.all():
        address = link.evaluate("link => link.href")
        with one.context.expect_page() as opened:
            link.click(modifiers=["Control"])
        expect(opened.value).to_have_url(address)
        opened.value.close()
        assert one.page.url == here


def test_rows_move_when_somebody_asks_for_it(own_up: Running, look: Looker) -> None:
    """Not before, however their figures change."""
    own_up.write("a", *numbered(0, 10))
    own_up.write("b", *numbered(0, 20))
    # Rows do not move for what comes to be known later.
    before = look(own_up.url)
    for name, step in (("a", "9"), ("b", "19")):
        expect(before.row(name)).to_contain_text(step)
    one = look(own_up.url, "?sort=step")
    expect(rows(one)).to_have_count(2)
    assert names(one) == ["b", "a"]
    own_up.write("a", *numbered(10, 30))
    expect(one.page.get_by_role("button", name="1 moved")).to_be_visible()
    expect(one.row("a")).to_contain_text("29")
    assert names(one) == ["b", "a"]
    one.page.get_by_role("button", name="1 moved").click()
    assert names(one) == ["a", "b"]
    expect(one.page.get_by_role("button", name="1 moved")).to_be_hidden()


def test_a_session_that_begins_is_there_by_itself(
    own_up: Running, look: Looker
) -> None:
    """With its emergencies, and what the chips count."""
    own_up.write("a", *numbered(0, 10))
    one = look(own_up.url)
    expect(rows(one)).to_have_count(1)
    own_up.write_lines("b", '{"step":3,"emergency":{"reason":"collapse"}}')
    expect(rows(one)).to_have_count(2)
    expect(
        one.row("b").get_by_title("1 emergencies that nobody has seen")
    ).to_be_visible()
    expect(one.page.get_by_role("button", name="running 2")).to_be_visible()
    one.page.get_by_role("button", name="ended 0").click()
    expect(rows(one)).to_have_count(0)
    expect(one.page.get_by_text("No session that is ended.")).to_be_visible()


@pytest.mark.parametrize("width", [1600, 360])
def test_names_are_shown_as_they_are(tmp_path: Path, look: Looker, width: int) -> None:
    """Markup, slashes, emoji, right to left, very long: none is run, none cut off."""
    with running(tmp_path) as up:
        for name in NAMES:
            up.write(name, *numbered(0, 3))
        one = look(up.url, width=width)
        expect(rows(one)).to_have_count(len(NAMES))
        for name in NAMES:
            expect(one.row(name).locator(".name bdi")).to_have_text(name)
        one.is_within_its_width()
        one.is_accessible()
        one.row(NAMES[0]).get_by_role("link").click()
        one.shows("loss", points=3)
        one.is_quiet()


def test_a_phone_goes_by_the_bar_at_its_foot(own_up: Running, look: Looker) -> None:
    """From the list to a run, to the emergencies, and back."""
    own_up.write("run_1", *numbered(0, 100))
    one = look(own_up.url, width=360)
    expect(one.row("run_1")).to_be_visible()
    bar = one.page.get_by_role("navigation", name="Views")
    bar.get_by_role("link", name="Run").click()
    one.shows("loss", points=100)
    bar.get_by_role("link", name="Alerts").click()
    expect(one.page).to_have_url(f"{own_up.url}?show=alerts")
    bar.get_by_role("link", name="Sessions").click()
    expect(one.row("run_1")).to_be_visible()


def test_on_a_phone_runs_are_chosen_and_compared(own_up: Running, look: Looker) -> None:
    """By a finger on the box before their names."""
    for name in ("run_1", "run_2"):
        own_up.write(name, *numbered(0, 10))
    one = look(own_up.url, width=360)
    for name in ("run_1", "run_2"):
        one.row(name).get_by_role("checkbox").check()
    one.page.get_by_role("button", name="compare").click()
    one.shows("loss", points=20)
    one.is_within_its_width()

"""The page loads fast, shows what comes, and is for everybody."""

import pytest
from playwright.sync_api import Response, Route, WebSocketRoute, expect

from tests.browser.conftest import Looker, Scheme
from tests.browser.looking import Look
from tests.browser.running import Running, numbered


# Bytes that are transferred: bodies as they are compressed, and their headers.
LARGEST_LOAD = 80_000
VIEWS = {"list": "", "run": "?session=run_1"}


def shows(one: Look, view: str) -> None:
    """Until all of it is there."""
    one.is_fed("live")
    if view == "run":
        one.shows("loss", points=100)
    else:
        # Other tests wrote runs too, so that this one may be further below.
        expect(one.page.locator("[data-session]").first).to_be_visible()


def transferred(response: Response) -> int:
    """How many bytes came."""
    sizes = response.request.sizes()
    return sizes["responseHeadersSize"] + sizes["responseBodySize"]


@pytest.mark.parametrize("view", VIEWS)
def test_it_loads_little_and_from_its_gateway_alone(
    up: Running, look: Looker, view: str
) -> None:
    """The page with all that it is made of, as it is sent, without what it shows."""
    one = look(up.url, VIEWS[view])
    shows(one, view)
    parts = [found for found in one.responses if "/api/" not in found.url]
    assert all(found.url.startswith(up.url) for found in one.responses)
    assert all(found.ok for found in parts)
    sent = {found.url: transferred(found) for found in parts}
    assert 0 < sum(sent.values()) <= LARGEST_LOAD, sent
    one.is_quiet()


@pytest.mark.parametrize(("view", "begun_by"), [("list", ["link"]), ("run", [])])
def test_what_the_list_shows_first_is_asked_for_before_its_program_is_there(
    up: Running, look: Looker, view: str, begun_by: list[str]
) -> None:
    """By the page itself, once, and only where the list is shown."""
    one = look(up.url, VIEWS[view])
    shows(one, view)
    assert one.page.evaluate(_FIRST_OF_LIST) == begun_by
    one.is_quiet()


_FIRST_OF_LIST = """() => performance
  .getEntriesByType("resource")
  .filter(({ name }) => name.endsWith("/api/sessions?limit=60"))
  .map(({ initiatorType }) => initiatorType)"""


@pytest.mark.parametrize(
    ("query", "program"),
    [
        ("", "sessions"),
        ("?session=run_1", "run"),
        ("?session=run_1&compare=run_2", "compare"),
    ],
)
def test_what_draws_the_first_view_is_asked_for_before_the_program_is_there(
    up: Running, look: Looker, query: str, program: str
) -> None:
    """By the page's head, so that nothing has to run first; and each part once."""
    one = look(up.url, "?show=files")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    one.page.route("**/assets/index-*.js", hold)
    one.responses.clear()
    with (
        one.page.expect_request("**/assets/index-*.js"),
        one.page.expect_response(f"**/assets/{program}-*.js"),
    ):
        one.page.goto(f"{up.url}{query}", wait_until="commit")
    held[0].continue_()
    expect(one.page.locator("[data-session], [data-chart]").first).to_be_visible()
    parts = [found.url for found in one.responses if "/assets/" in found.url]
    assert len(parts) == len({*parts})
    one.is_quiet()


def test_nothing_moves_when_the_page_is_connected(up: Running, look: Looker) -> None:
    """On a phone too, where there is little room in the head."""
    one = look(up.url, width=360)
    shows(one, "list")
    place = one.page.locator(".head").bounding_box()

    def say_nothing(_socket: WebSocketRoute) -> None:
        """Nobody answers."""

    one.page.route_web_socket("**/ws/telemetry*", say_nothing)
    one.go()
    expect(one.page.locator(".head")).to_contain_text("connecting")
    assert one.page.locator(".head").bounding_box() == place


def test_on_a_phone_a_bar_leads_everywhere(up: Running, look: Looker) -> None:
    """It says where one is, also after a link to a run, and stands over nothing."""
    one = look(up.url, VIEWS["run"], width=360)
    shows(one, "run")
    bar = one.page.get_by_role("navigation", name="Views")
    run = bar.get_by_role("link", name="Run")
    expect(run).to_have_attribute("aria-current", "page")
    foot, top = one.page.locator(".strip").bounding_box(), bar.bounding_box()
    assert foot is not None
    assert top is not None
    assert foot["y"] + foot["height"] <= top["y"] + 0.5
    bar.get_by_role("link", name="Sessions").click()
    run.click()
    one.shows("loss", points=100)


def test_on_a_phone_the_tools_of_a_run_stand_in_one_line(
    up: Running, look: Looker
) -> None:
    """None of them is beneath the others, where it takes a line from the charts."""
    one = look(up.url, VIEWS["run"], width=360)
    shows(one, "run")
    tools = one.page.locator(".run-head .run-tools > *")
    expect(tools).to_have_count(5)
    boxes = [box for tool in tools.all() if (box := tool.bounding_box())]
    assert max(box["y"] for box in boxes) < min(
        box["y"] + box["height"] for box in boxes
    )


def test_the_strip_covers_nothing_of_the_list_of_metrics(
    up: Running, look: Looker
) -> None:
    """Also where a note above the charts has pushed the list down."""
    one = look(up.url, f"{VIEWS['run']}&zoom=9")
    shows(one, "run")
    expect(one.page.get_by_text("Not understood")).to_be_visible()
    foot = one.page.locator(".metrics-foot").bounding_box()
    strip = one.page.locator(".strip").bounding_box()
    assert foot is not None
    assert strip is not None
    assert foot["y"] + foot["height"] <= strip["y"] + 0.5


def test_from_the_list_to_a_chart_that_moves(up: Running, look: Looker) -> None:
    """What is written while one looks is drawn, and the list says how far it is."""
    up.write("moving", *numbered(0, 10))
    one = look(up.url)
    one.row("moving").get_by_role("link").first.click()
    one.shows("loss", points=10, last="0.1")
    up.write("moving", *numbered(10, 20))
    one.shows("loss", points=20, last="0.05")
    one.is_quiet()


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1600, 360])
def test_everybody_can_use_it(
    up: Running, look: Looker, view: str, scheme: Scheme, width: int
) -> None:
    """Whoever sees little, uses no mouse, or holds a phone."""
    one = look(up.url, VIEWS[view], width=width, scheme=scheme)
    shows(one, view)
    one.is_within_its_width()
    one.is_accessible()
    one.is_quiet()

"""The page below a prefix that a proxy strips, as portals of clusters have it."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from anyio.from_thread import start_blocking_portal
from playwright.sync_api import expect

from tests.browser.conftest import Looker
from tests.browser.running import Running, numbered
from tests.integration.proxies import rewriting, stripped


PREFIX = "/rnode/n1/5000"


@pytest.fixture
def below(up: Running) -> Iterator[str]:
    """Where the page is then, without a slash at the end."""
    gateway = urlsplit(up.url).port
    assert gateway is not None
    with (
        start_blocking_portal() as portal,
        portal.wrap_async_context_manager(rewriting(gateway, stripped(PREFIX))) as port,
    ):
        yield f"http://localhost:{port}{PREFIX}"


def test_it_works_below_a_prefix(below: str, up: Running, look: Looker) -> None:
    """From the list into a run that goes on, to a comparison, and back."""
    up.write("below", *numbered(0, 10))
    one = look(f"{below}/")
    one.is_fed("live")
    one.row("below").get_by_role("link").first.click()
    expect(one.page).to_have_url(f"{below}/?session=below")
    one.shows("loss", points=10)
    up.write("below", *numbered(10, 20))
    one.shows("loss", points=20)
    one.go("?session=below&compare=run_1")
    one.shows("loss", points=120)
    one.page.get_by_role("button", name="Take run_1 out").click()
    one.shows("loss", points=20)
    one.page.go_back()
    one.shows("loss", points=120)
    # Nothing was asked for beside it.
    assert all(response.url.startswith(f"{below}/") for response in one.responses)
    one.is_quiet()


@pytest.mark.parametrize("query", ["", "?session=run_1&log=1"])
def test_an_address_without_its_slash(below: str, look: Looker, query: str) -> None:
    """Leads to the one with it, and keeps what it says."""
    one = look(below, query)
    expect(one.page).to_have_url(re.compile(re.escape(f"{below}/{query}") + "$"))
    one.is_fed("live")
    if query:
        one.shows("loss", points=100)
    else:
        # Of many sessions only those on the screen are in the document.
        one.page.get_by_role("searchbox", name="Search sessions").fill("run_1")
        expect(one.row("run_1")).to_be_visible()

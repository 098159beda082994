"""A page that only those who say who they are may see."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Looker
from tests.browser.running import Running, numbered, running


TOKEN = "0123456789-abcdefghij-ABCDEFGHIJ"


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Running]:
    """A Tailcast that wants a token."""
    settings = {"TAILCAST_AUTH": "token", "TAILCAST_AUTH_TOKEN": TOKEN}
    with running(tmp_path, **settings) as made:
        made.write("run_1", *numbered(0, 10))
        yield made


def test_whoever_signs_in_sees_what_there_is(look: Looker, guarded: Running) -> None:
    """Without that the page is that of signing in; a wrong token is said to be one."""
    looked = look(guarded.url)
    page = looked.page
    expect(page).to_have_title("Tailcast: sign in")
    page.fill("#token", "x" * len(TOKEN))
    page.click("button")
    expect(page.get_by_role("status")).to_contain_text("does not count")
    # What the browser says of that answer is no fault of the page.
    assert all("401" in text for text in looked.complaints)
    looked.complaints.clear()
    page.fill("#token", TOKEN)
    page.click("button")
    expect(looked.row("run_1")).to_be_visible()
    looked.is_fed("live")


def test_a_link_signs_in(look: Looker, guarded: Running) -> None:
    """Also where the page is open already; the token does not stay in the address."""
    looked = look(guarded.url)
    expect(looked.page).to_have_title("Tailcast: sign in")
    looked.go(f"login#token={TOKEN}")
    expect(looked.row("run_1")).to_be_visible()
    assert TOKEN not in looked.page.url
    assert TOKEN not in str(looked.page.evaluate("history.state"))

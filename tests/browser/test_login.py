"""A page that only those who say who they are may see."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Looker
from tests.browser.running import BY_TOKENS, Running, numbered, running, token_for


TOKEN = "0123456789-abcdefghij-ABCDEFGHIJ"


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Running]:
    """A Tailcast that wants a token."""
    settings = {"TAILCAST_AUTH": "token", "TAILCAST_AUTH_TOKEN": TOKEN}
    with running(tmp_path, **settings) as made:
        made.write("run_1", *numbered(0, 10))
        yield made


@pytest.fixture
def for_some(tmp_path: Path) -> Iterator[Running]:
    """A Tailcast that wants a token which says what may be read."""
    with running(tmp_path, **BY_TOKENS) as made:
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


def test_a_link_to_a_run_leads_there_after_signing_in(
    look: Looker, guarded: Running
) -> None:
    """And to nothing outside the page, whatever the link says."""
    looked = look(guarded.url, "?session=run_1&metrics=loss")
    looked.page.fill("#token", TOKEN)
    looked.page.click("button")
    looked.shows("loss", points=10)
    looked.go("login#view=//example.org/")
    looked.page.fill("#token", TOKEN)
    looked.page.click("button")
    expect(looked.row("run_1")).to_be_visible()


def test_a_sign_in_that_ends_is_said_and_another_goes_on(
    look: Looker, for_some: Running
) -> None:
    """Before it ends, and afterwards; what was seen stays."""
    looked = look(for_some.url, "?session=run_1")
    looked.page.fill("#token", token_for(25, "run_*"))
    looked.page.click("button")
    looked.shows("loss", points=10)
    said = looked.page.locator(".sign-in")
    expect(said).to_contain_text("You are signed in for")
    looked.is_fed("unauthorised")
    expect(said).to_contain_text("You are not signed in any more")
    looked.shows("loss", points=10)
    looked.complaints.clear()
    for_some.write("run_1", *numbered(10, 20))
    said.get_by_role("link", name="Sign in").click()
    looked.page.fill("#token", token_for(600, "run_*"))
    looked.page.click("button")
    looked.is_fed("live")
    looked.shows("loss", points=20)


def test_a_cookie_that_does_not_count_any_more_is_said(
    look: Looker, for_some: Running
) -> None:
    """Also where the browser only knows that a WebSocket was refused."""
    looked = look(for_some.url)
    looked.page.fill("#token", token_for(600, "run_*"))
    looked.page.click("button")
    expect(looked.row("run_1")).to_be_visible()
    (cookie,) = looked.context.cookies()
    name, address = cookie.get("name", ""), for_some.url
    looked.context.add_cookies([{"name": name, "value": "spoiled", "url": address}])
    for_some.signal("gateway", signal.SIGKILL)
    looked.is_fed("unauthorised")


def test_what_may_not_be_read_is_said(look: Looker, for_some: Running) -> None:
    """Whether there is such a session or not."""
    looked = look(for_some.url, f"login#token={token_for(600, 'team-a/*')}")
    looked.is_fed("live")
    for session in ("run_1", "run_that_never_was"):
        looked.go(f"?session={session}")
        expect(looked.page.get_by_role("main")).to_contain_text(
            "You may not read this session, if there is one"
        )

"""A page whose name is made to mean the address of a Tailcast, in a real browser."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Playwright

from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.looking import PATIENCE_MS, blank_page
from tests.browser.running import Running


EVIL = "evil.example"
# Newer versions of Chromium ask before a page reads from loopback; other browsers, and
# older versions, do not. (The page of a test comes from nowhere, and so is asked too.)
UNASKED = (
    "--disable-features=LocalNetworkAccessChecks,LocalNetworkAccessChecksWebSockets"
)
# What a page tries: each way ends with what it has read, or how it failed.
ATTACK = """
async () => {
    const fetched = async (path) => {
        const answer = await fetch(path);
        return `${answer.status} ${await answer.text()}`;
    };
    const opened = (source, url) => new Promise((done) => {
        const made = new source(url);
        made.onopen = () => done("opened");
        made.onerror = () => done("failed");
    });
    const socket = `ws://${location.host}/ws/telemetry`;
    return {
        sessions: await fetched("/api/sessions"),
        metrics: await fetched("/metrics"),
        page: await fetched("/"),
        socket: await opened(WebSocket, socket),
        events: await opened(EventSource, "/sse/telemetry?sessionId=run_1"),
    };
}
"""


@pytest.fixture(scope="module")
def rebound(playwright: Playwright) -> Iterator[Browser]:
    """A browser to which an owner of a name has said that it is this machine."""
    rules = f"--host-resolver-rules=MAP {EVIL} 127.0.0.1"
    browser = playwright.chromium.launch(
        executable_path=CHROMIUM, args=[*FLAGS, rules, UNASKED, "--no-proxy-server"]
    )
    yield browser
    browser.close()


def attacked(browser: Browser, up: Running, host: str) -> dict[str, str]:
    """What a page of this host reads, which was loaded before the name was rebound."""
    context = browser.new_context()
    context.set_default_timeout(PATIENCE_MS)
    try:
        page = blank_page(context, f"http://{host}:{urlsplit(up.url).port}/attack")
        found: dict[str, str] = page.evaluate(ATTACK)
        return found
    finally:
        context.close()


def test_a_page_of_a_rebound_name_reads_nothing(rebound: Browser, up: Running) -> None:
    """Neither sessions nor metrics nor the page, by no way that a browser has."""
    found = attacked(rebound, up, EVIL)
    for name in ("sessions", "metrics", "page"):
        assert found[name].startswith("421 "), found
    assert (found["socket"], found["events"]) == ("failed", "failed")
    assert "run_1" not in str(found)


def test_a_page_of_its_own_name_reads_all(rebound: Browser, up: Running) -> None:
    """Which shows that the attack would work."""
    found = attacked(rebound, up, "localhost")
    for name in ("sessions", "metrics", "page"):
        assert found[name].startswith("200 "), found
    assert (found["socket"], found["events"]) == ("opened", "opened")
    assert "run_1" in found["sessions"]

"""The page tells what is so: whether records come, and why there is nothing to see."""

import contextlib
import signal
import subprocess
from collections.abc import Generator

import pytest
from playwright.sync_api import Locator, WebSocket, expect
from redis import Redis

from tests.browser.conftest import Looker, Scheme
from tests.browser.looking import Look
from tests.browser.running import PARTS, Running, numbered


SAYS_MS = 6_000
# Until all is well again, on a busy machine.
PATIENCE_MS = 90_000
# What the page says of a part that does not move.
FROZEN = {
    "valkey": "the broker does not answer",
    "gateway": "the server does not answer",
    "tailer": "gives no sign of life",
}


class Watched:
    """A run that is drawn while things happen to what brings it."""

    def __init__(self, up: Running, look: Looker) -> None:
        self._up = up
        self._written = 0
        self._write()
        self.page = look(up.url, "?session=run")
        self.is_well()

    def says_what_is_so(self) -> None:
        """A record that is written now is drawn in time, or is not expected."""
        self._write()
        drawn = f'[data-chart="loss"][data-last="{self._written}"]'
        told = self.page.page.locator(
            f'[data-feed="stale"], [data-feed="down"], {drawn}'
        )
        expect(told.first).to_be_attached(timeout=SAYS_MS)

    def is_well(self) -> None:
        """Each record is drawn once, and what comes now is expected."""
        self._write()
        last, points = str(self._written), self._written
        self.page.shows("loss", last=last, points=points, within_ms=PATIENCE_MS)
        self.page.is_fed("live", within_ms=PATIENCE_MS)

    def _write(self) -> None:
        self._written += 1
        record = {"step": self._written, "loss": self._written}
        self._up.write("run", record)


def head(one: Look) -> Locator:
    """The head of the page."""
    return one.page.locator(".head")


@contextlib.contextmanager
def frozen(up: Running, part: str) -> Generator[None]:
    """A part stands still meanwhile."""
    up.signal(part, signal.SIGSTOP)
    try:
        yield
    finally:
        up.signal(part, signal.SIGCONT)


@pytest.mark.timeout(600)
def test_parts_are_killed_and_emptied(own_up: Running, look: Looker) -> None:
    """Each in turn; the page says so in time, and has all of it afterwards."""
    watched = Watched(own_up, look)
    place = head(watched.page).bounding_box()
    for part in PARTS:
        own_up.signal(part, signal.SIGKILL)
        if part == "gateway":
            retry = watched.page.page.get_by_role("button", name="try now")
            expect(retry).to_be_visible(timeout=SAYS_MS)
            # Nothing moves for what is said.
            assert head(watched.page).bounding_box() == place
        watched.says_what_is_so()
        watched.is_well()
    with Redis(unix_socket_path=str(own_up.socket)) as broker:
        broker.flushall()
    watched.says_what_is_so()
    watched.is_well()


@pytest.mark.timeout(600)
def test_parts_are_frozen(own_up: Running, look: Looker) -> None:
    """The page says within six seconds which one it is, and goes on by itself."""
    watched = Watched(own_up, look)
    for part, words in FROZEN.items():
        with frozen(own_up, part):
            watched.says_what_is_so()
            expect(head(watched.page)).to_contain_text(words)
            expect(head(watched.page)).to_contain_text("What you see is kept")
        watched.is_well()
    with frozen(own_up, "indexer"):
        watched.is_well()
        expect(head(watched.page)).to_contain_text("no indexer")
    watched.is_well()


def test_there_is_nothing_yet(own_up: Running, look: Looker) -> None:
    """What is watched is told, and a line that begins, which a shell understands."""
    one = look(own_up.url)
    expect(one.page.locator("main")).to_contain_text(
        f"Watching {own_up.logs / 'telemetry'} for **/*.jsonl"
    )
    line = one.page.locator("main code").inner_text()
    subprocess.run(["/bin/sh", "-c", line], check=True)
    expect(one.row("run_1")).to_be_visible()


def test_a_session_that_is_not_there_yet(own_up: Running, look: Looker) -> None:
    """Those of a similar name are told; it is shown when its first line comes."""
    own_up.write("session_001", {"step": 1, "loss": 1})
    look(own_up.url).row("session_001").wait_for()
    one = look(own_up.url, "?session=session_002&zoom=9")
    main = one.page.locator("main")
    expect(main).to_contain_text("waiting for its first line")
    expect(main.get_by_role("link", name="session_001")).to_be_visible()
    expect(main.get_by_role("link", name="Back to the sessions")).to_be_visible()
    expect(one.page.locator(".note")).to_have_text("Not understood: zoom=9.")
    own_up.write("session_002", {"step": 1, "loss": 3})
    one.shows("loss", last="3")


def test_what_is_not_followed_is_named(own_up: Running, look: Looker) -> None:
    """Problems are counted in the head; each is told with what mends it."""
    own_up.write("run", {"step": 1, "loss": 1})
    own_up.write_lines("run", "this is no record")
    (own_up.logs / "lonely.jsonl").write_text('{"step":1}\n')
    one = look(own_up.url, "?show=files")
    problem = one.page.locator('[data-problem="rejected"]')
    expect(problem).to_contain_text("lines that are no records: 1")
    expect(problem).to_contain_text("mend its writer")
    expect(head(one)).to_contain_text("problem")
    followed = one.page.locator('[data-source="followed"]')
    expect(followed).to_contain_text("run.jsonl")


def test_a_defect_of_the_page_is_said(up: Running, look: Looker) -> None:
    """In words, with details; a reload shows the same view."""
    one = look(up.url, "?session=run_1&log=1")
    one.shows("loss", points=100)
    one.page.evaluate("setTimeout(() => { throw new Error('boom') })")
    said = one.page.locator(".note")
    expect(said).to_contain_text("Error: boom")
    assert one.complaints == ["boom"]
    one.complaints.clear()
    said.get_by_role("button", name="reload").click()
    expect(said).to_have_count(0)
    one.shows("loss", points=100)
    expect(one.page).to_have_url(f"{up.url}?session=run_1&log=1")


def test_one_socket_serves_all_views(up: Running, look: Looker) -> None:
    """The list, a run, a comparison, and whatever comes and goes."""
    for session in ("side_1", "side_2"):
        up.write(session, *numbered(0, 10))
    one = look(up.url)
    one.is_fed("live")
    sockets: list[WebSocket] = []
    one.page.on("websocket", lambda socket: sockets.append(socket))  # noqa: PLW0108  # Playwright takes no methods of built-in types
    one.page.reload()
    one.is_fed("live")
    expect(one.row("side_1")).to_be_visible()
    for _ in range(2):
        one.row("side_1").get_by_role("link").first.click()
        one.shows("loss", last="0.1")
        one.page.keyboard.press("Escape")
        head(one).get_by_role("link").last.click()
        expect(one.page.locator("main h1")).to_have_text("Status and files")
        one.page.keyboard.press("Escape")
        expect(one.row("side_1")).to_be_visible()
    for session in ("side_1", "side_2"):
        one.row(session).get_by_role("checkbox").check()
    one.page.keyboard.press("c")
    one.shows("loss", points=20)
    up.write("side_2", *numbered(10, 15))
    one.shows("loss", points=25)
    assert len(sockets) == 1


def test_a_view_that_opens_is_no_alarm(up: Running, look: Looker) -> None:
    """What a run is asked for besides is not told as a connection that is lost."""
    up.write("opened", *numbered(0, 10))
    one = look(up.url)
    one.is_fed("live")
    one.page.evaluate(_NOTE_FEEDS)
    for _ in range(3):
        one.row("opened").get_by_role("link").first.click()
        one.shows("loss", points=10)
        one.page.keyboard.press("Escape")
    assert one.page.evaluate("window.feeds") == []


_NOTE_FEEDS = """() => {
  const root = document.querySelector("[data-feed]");
  window.feeds = [];
  new MutationObserver(() => window.feeds.push(root.dataset.feed)).observe(root, {
    attributeFilter: ["data-feed"],
  });
}"""


def test_what_is_so_is_read_out(up: Running, look: Looker) -> None:
    """In a sentence, for who hears the page."""
    one = look(up.url)
    one.is_fed("live")
    said = one.page.locator('[aria-live="polite"]')
    expect(said).to_contain_text("Live")
    expect(said).to_contain_text("running")


def test_nobody_hears_that_there_is_no_connection_yet(
    up: Running, look: Looker
) -> None:
    """The first that is read out is that it is live."""
    one = look(up.url)
    one.page.add_init_script(_NOTE_WHAT_IS_READ_OUT)
    one.go()
    expect(one.row("run_1")).to_be_visible()
    expect(one.page.locator('[aria-live="polite"]')).not_to_be_empty()
    heard: list[str] = one.page.evaluate("window.heard")
    assert heard[0].startswith("Live")


_NOTE_WHAT_IS_READ_OUT = """
window.heard = [];
new MutationObserver(() => {
  const said = document.querySelector('[aria-live="polite"]')?.textContent;
  if (said && window.heard.at(-1) !== said) window.heard.push(said);
}).observe(document, { subtree: true, childList: true, characterData: true });
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1600, 360])
@pytest.mark.parametrize("query", ["?session=run_2", "?show=files"])
def test_everybody_can_use_them(
    up: Running, look: Looker, query: str, scheme: Scheme, width: int
) -> None:
    """An unknown session, and what became of files."""
    one = look(up.url, query, width=width, scheme=scheme)
    one.is_fed("live")
    expect(one.page.locator("main")).to_contain_text("run_1")
    one.is_within_its_width()
    one.is_accessible()


def test_a_feed_that_is_stale_can_be_used_by_everybody(
    own_up: Running, look: Looker
) -> None:
    """What is said then is no wider than a phone."""
    pages = [
        look(own_up.url, width=360, scheme="light"),
        look(own_up.url, width=1600, scheme="dark"),
    ]
    for one in pages:
        one.is_fed("live")
    with frozen(own_up, "valkey"):
        for one in pages:
            one.is_fed("stale")
            expect(head(one)).to_contain_text("the broker does not answer now")
            one.is_within_its_width()
            one.is_accessible()

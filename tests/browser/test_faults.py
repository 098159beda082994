"""What a person is told while parts of `tailcast up` are killed, frozen and emptied.

Within six seconds the chart has what was written since, or the page is not `live`.
Afterwards the chart has each record, once.
"""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect
from redis import Redis

from tests.browser.conftest import Looker
from tests.browser.looking import Look
from tests.browser.running import PARTS, Running, running


SAYS_MS = 6_000
# That a tailer is not there, a gateway learns when its presence expires.
PRESENCE_MS = 15_000
SESSION = "run"


class Watched:
    """A run that writes its own number, and the page that shows it."""

    def __init__(self, up: Running, look: Looker) -> None:
        self.up = up
        self.written = 0
        self.write()
        self.page: Look = look(up.url, f"?session={SESSION}&metrics=count")

    def write(self) -> None:
        """One more record."""
        self.written += 1
        record = {"step": self.written, "count": self.written}
        self.up.write(SESSION, record)

    def says_what_is_so(self, within_ms: int = SAYS_MS) -> None:
        """A record that is written now is there in time, or is not expected."""
        self.write()
        shown = f'[data-chart="count"][data-last="{self.written}"]'
        said = f'[data-feed="stale"], [data-feed="down"], {shown}'
        expect(self.page.page.locator(said).first).to_be_attached(timeout=within_ms)

    def is_well(self) -> None:
        """Each record is there once, and what comes now is expected."""
        self.write()
        self.page.shows("count", last=str(self.written), points=self.written)
        self.page.is_fed("live")


@pytest.fixture
def watched(tmp_path: Path, look: Looker) -> Iterator[Watched]:
    """A page that is well, over a Tailcast of its own."""
    with running(tmp_path) as up:
        made = Watched(up, look)
        made.is_well()
        yield made


@pytest.mark.timeout(300)
def test_parts_are_killed(watched: Watched) -> None:
    """Each of them comes back by itself, and so does the page."""
    for part in PARTS:
        watched.up.signal(part, signal.SIGKILL)
        watched.says_what_is_so()
        watched.is_well()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("part", PARTS)
def test_a_part_is_frozen(watched: Watched, part: str) -> None:
    """Nothing ends, and nothing comes: the page must not call that live."""
    watched.up.signal(part, signal.SIGSTOP)
    watched.says_what_is_so(SAYS_MS + (PRESENCE_MS if part == "tailer" else 0))
    watched.up.signal(part, signal.SIGCONT)
    watched.is_well()


def test_the_broker_forgets_everything(watched: Watched) -> None:
    """The files still have it."""
    with Redis(unix_socket_path=str(watched.up.socket)) as broker:
        broker.flushall()
    watched.says_what_is_so()
    watched.is_well()


def test_a_run_begins_anew(watched: Watched) -> None:
    """In its file: what was drawn of before is gone."""
    for _ in range(5):
        watched.write()
    watched.is_well()
    file = watched.up.logs / "telemetry" / f"{SESSION}.jsonl"
    file.write_text("")
    watched.written = 100
    watched.write()
    watched.page.shows("count", last="101", points=1)

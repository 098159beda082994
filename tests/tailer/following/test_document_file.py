"""From a file that is written somehow to one document in the broker."""

# nothing else runs while the test writes

import os
from pathlib import Path

import pytest

from tailcast_streams.entries import Document, Entry
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_tailer.core.documents import MAX_DOCUMENT_BYTES
from tailcast_tailer.following.document_file import DocumentFile
from tailcast_tailer.instruments import Instruments
from tests.tailer.harness import entries_of
from tests.tailer.single import AtOnce, Clock


class Lab:
    """A document's file, its follower and a broker."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "e.json"
        self.broker = MemoryBroker()
        self.clock = Clock()
        self.forgotten = 0
        self.restart()

    def restart(self) -> None:
        """Another tailer, with nothing in its memory."""
        self.instruments = Instruments(clock=self.clock)
        self.file = DocumentFile(
            str(self.path),
            "emergency/e.json",
            writer=self.broker,
            instruments=self.instruments,
            jobs=AtOnce(),
            clock=self.clock,
            wall_clock=self.clock,
            on_forgotten=self._note_forgotten,
        )

    def _note_forgotten(self) -> None:
        self.forgotten += 1

    def write(self, text: str) -> None:
        """Write the file, at the time of our clock."""
        self.path.write_text(text)
        os.utime(self.path, (self.clock.now, self.clock.now))

    async def settle(self, seconds: float = 60.0) -> list[Entry]:
        """Give turns for so long, or until it rests; what the broker has then."""
        until = self.clock.now + seconds
        while self.clock.now < until:
            delay = await self.file.turn()
            if delay is None:
                break
            self.clock.now += delay
        return await entries_of(self.broker, EMERGENCIES)


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """A laboratory of the test's own."""
    return Lab(tmp_path)


async def test_document_written_in_pieces_is_added_when_whole(lab: Lab) -> None:
    """Half of it is no document, however long it stands still."""
    lab.write('{"value"')
    assert await lab.settle(5.0) == []
    lab.write('{"value": 1}')
    [entry] = await lab.settle()
    assert entry.record == b'{"value":1}'


async def test_document_that_never_is_one_is_rejected_and_taken_later(lab: Lab) -> None:
    """The rejection is told once; a change gives it another chance."""
    lab.write("[]")
    assert await lab.settle() == []
    assert await lab.settle() == []
    lab.write('{"late": 1}')
    assert len(await lab.settle()) == 1


async def test_other_content_is_another_document(lab: Lab) -> None:
    """Once per path and content."""
    for text in ('{"a": 1}', '{"a": 2}', '{"a": 1}'):
        lab.write(text)
        lab.clock.now += 1
        await lab.settle()
    assert len(await lab.settle()) == 2


async def test_restart_repeats_nothing(lab: Lab) -> None:
    """The broker knows which it has."""
    lab.write('{"a": 1}')
    await lab.settle()
    lab.restart()
    assert len(await lab.settle()) == 1


async def test_loss_is_noticed_by_asking_again(lab: Lab) -> None:
    """What was added and is new again was forgotten."""
    lab.write('{"a": 1}')
    await lab.settle()
    lab.file.reload_state()
    await lab.settle()
    assert lab.forgotten == 0
    lab.broker.wipe()
    lab.file.reload_state()
    assert len(await lab.settle()) == 1
    assert lab.forgotten == 1


@pytest.mark.parametrize(("age", "news"), [(3_600, "1"), (86_500, "0")])
async def test_old_documents_are_no_news(lab: Lab, age: float, news: str) -> None:
    """Listed, not announced, when the file is older than a day."""
    lab.clock.now = 1e6
    lab.write('{"a": 1}')
    os.utime(lab.path, (1e6 - age, 1e6 - age))
    [entry] = await lab.settle()
    assert entry.details is not None
    assert entry.details["news"] == news


class Choking(MemoryBroker):
    """An adapter that fails over documents, in a way of its own, for a while."""

    is_broken = True

    async def add_document(self, document: Document) -> bool:
        if self.is_broken:
            raise ValueError("cannot encode this")
        return await super().add_document(document)


async def test_document_over_which_something_fails_is_rejected(lab: Lab) -> None:
    """Told once; a change gives it another chance, as with any that is none."""
    lab.broker = broker = Choking()
    lab.restart()
    lab.write('{"value": 1}')
    assert await lab.settle() == []
    told = lab.instruments.registry.get_sample_value(
        "tailcast_tailer_documents_total", {"outcome": "rejected"}
    )
    assert told == 1
    broker.is_broken = False
    lab.write('{"value": 12}')
    [entry] = await lab.settle()
    assert entry.record == b'{"value":12}'


async def test_document_that_is_too_large_is_rejected(lab: Lab) -> None:
    """It is not even read."""
    lab.write('{"a": 1}')
    os.truncate(lab.path, MAX_DOCUMENT_BYTES + 1)
    assert await lab.settle() == []


async def test_file_that_is_gone_is_waited_for(lab: Lab) -> None:
    """Absence is no event."""
    assert await lab.settle() == []
    lab.write('{"a": 1}')
    assert len(await lab.settle()) == 1

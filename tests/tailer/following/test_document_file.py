"""From a file that is written somehow to one document in the broker."""

# nothing else runs while the test writes

import errno
import gzip
import json
import os
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tailcast_streams.entries import Document, Entry
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.sources import Source, SourceState
from tailcast_tailer.core.allowance import Allowance
from tailcast_tailer.core.documents import MAX_DOCUMENT_BYTES, SHOWN_BYTES
from tailcast_tailer.core.register import Register
from tailcast_tailer.files.file_system import CannotBeSeen
from tailcast_tailer.following import document_file
from tailcast_tailer.following.document_file import DocumentFile
from tailcast_tailer.instruments import Instruments
from tests.tailer.harness import entries_of
from tests.tailer.single import AtOnce, Clock


class Lab:
    """A document's file, its follower and a broker."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / "e.json"
        self.name = "emergency/e.json"
        self.broker = MemoryBroker()
        self.clock = Clock()
        self.forgotten = 0
        self.allowance = Allowance(100, seconds=3_600)
        self.restart()

    def restart(self) -> None:
        """Another tailer, with nothing in its memory."""
        self.instruments = Instruments(clock=self.clock)
        self.register = Register()
        self.file = DocumentFile(
            str(self.path),
            self.name,
            writer=self.broker,
            instruments=self.instruments,
            register=self.register,
            allowance=self.allowance,
            jobs=AtOnce(),
            clock=self.clock,
            wall_clock=self.clock,
            on_forgotten=self._note_forgotten,
        )

    def _note_forgotten(self) -> None:
        self.forgotten += 1

    def write(self, text: str) -> None:
        """Write the file, at the time of our clock."""
        self.write_bytes(text.encode())

    def write_bytes(self, data: bytes) -> None:
        """The same with any bytes."""
        self.path.write_bytes(data)
        os.utime(self.path, (self.clock.now, self.clock.now))

    def count(self, outcome: str) -> float:
        """How often documents came to this, with this tailer."""
        found = self.instruments.registry.get_sample_value(
            "tailcast_tailer_documents_total", {"outcome": outcome}
        )
        return found or 0.0

    async def settle(self, seconds: float = 60.0) -> list[Entry]:
        """Give turns for so long, or until it rests; what the broker has then."""
        until = self.clock.now + seconds
        while self.clock.now < until:
            delay = await self.file.turn()
            if delay is None:
                break
            self.clock.now += delay
        return await entries_of(self.broker, EMERGENCIES)

    async def told(self, seconds: float = 60.0) -> list[dict[str, Any]]:
        """As `settle`: the emergencies as clients get them."""
        return [json.loads(entry.record) for entry in await self.settle(seconds)]

    def state(self) -> SourceState:
        """The same in one word."""
        return self.source.state

    @property
    def source(self) -> Source:
        """What became of the file."""
        return self.register.sources[str(self.path)]


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


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "the file is empty"),
        (b" \n", "the file is empty"),
        (b"\0\0\0", "the file has nothing but NUL bytes"),
        (b"[]", "not a JSON object"),
        (b'{"a":1}\n{"a":2}', "not JSON"),
        (b'{"a":', "not JSON"),
        ('{"a":1}'.encode("utf-16"), "it is UTF-16, not UTF-8"),
        ('{"a":1}'.encode("utf-16-be"), "it is UTF-16, not UTF-8"),
        (gzip.compress(b'{"a":1}', mtime=0), "it is gzip, not JSON"),
        (b'{"a":"\xff"}', "not UTF-8"),
    ],
)
async def test_what_is_no_document_is_told_as_such(
    lab: Lab, data: bytes, why: str
) -> None:
    """With the reason and its first bytes; once, and a document that follows too."""
    lab.write_bytes(data)
    assert await lab.told(29.0) == []
    assert lab.state() is SourceState.WAITING
    [told] = await lab.told()
    assert told["reason"] == "unreadable emergency file"
    assert told["path"] == "emergency/e.json"
    assert told["why"].startswith(why)
    assert told["head"] == data.decode(errors="backslashreplace")
    assert lab.state() is SourceState.REFUSED
    assert lab.source.reason.startswith(why)
    assert lab.source.mend
    lab.restart()
    assert await lab.told() == [told]
    lab.write('{"late": 1}')
    assert await lab.told() == [told, {"late": 1}]
    assert lab.source == Source(str(lab.path), SourceState.FOLLOWED)


async def test_a_file_that_never_rests_is_told_too(lab: Lab) -> None:
    """Its writer appends more often than it pauses, for longer than is waited for."""
    written = b"{"
    for _ in range(400):
        written += b" "
        lab.write_bytes(written)
        await lab.file.turn()
        lab.clock.now += 0.1
    [told] = await lab.told(0.0)
    assert told["reason"] == "unreadable emergency file"
    lab.write_bytes(written + b"}")
    assert (await lab.told())[1:] == [{}]


async def test_more_of_the_same_is_waited_for_longer_each_time(lab: Lab) -> None:
    """A log that was put there by mistake is not told line by line."""
    for number in range(2_000):
        lab.write(f"line {number}")
        await lab.settle(3.0)
    told = await lab.told()
    assert 3 <= len(told) <= 9


@pytest.mark.parametrize("call", ["glimpse", "read_regular"])
@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO])
async def test_a_file_that_cannot_be_read_is_told(
    lab: Lab, call: str, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And is read once that is mended, though nothing of it may show that."""

    def fails(*_: object, **__: object) -> NoReturn:
        raise CannotBeSeen(OSError(number, os.strerror(number)))

    lab.write('{"a": 1}')
    with monkeypatch.context() as patch:
        patch.setattr(document_file, call, fails)
        assert await lab.told(29.0) == []
        assert lab.state() is SourceState.WAITING
        [told] = await lab.told()
        assert (told["why"], told["head"]) == (os.strerror(number), "")
        assert lab.state() is SourceState.REFUSED
        assert await lab.told() == [told]
        lab.restart()
        assert await lab.told() == [told]
    assert await lab.told(15.0) == [told, {"a": 1}]
    assert lab.state() is SourceState.FOLLOWED


async def test_a_document_that_was_read_is_not_told_for_its_file_system(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that goes away has thousands of them, and nothing is new in them."""
    lab.write('{"a": 1}')
    assert await lab.told() == [{"a": 1}]
    with monkeypatch.context() as patch:

        def stale(*_: object, **__: object) -> NoReturn:
            raise CannotBeSeen(OSError(errno.ESTALE, "Stale file handle"))

        patch.setattr(document_file, "glimpse", stale)
        assert await lab.told(3_600.0) == [{"a": 1}]
        assert lab.state() is SourceState.WAITING
    lab.write('{"a": 2}')
    assert await lab.told() == [{"a": 1}, {"a": 2}]


async def test_what_is_no_file_is_told(lab: Lab) -> None:
    """A pipe would be waited for, for ever."""
    os.mkfifo(lab.path)
    [told] = await lab.told()
    assert told["why"] == "not a regular file"


async def test_so_many_unreadable_files_are_told_and_the_others_later(lab: Lab) -> None:
    """They must not crowd out what can be read; none is forgotten."""
    lab.allowance = Allowance(1, seconds=3_600)
    assert lab.allowance.take(lab.clock.now)
    lab.restart()
    lab.write("[]")
    assert await lab.told(600.0) == []
    assert lab.count("rejected") == 1
    assert lab.state() is SourceState.WAITING
    assert len(await lab.told(3_600.0)) == 1
    assert lab.count("unreadable") == 1


async def test_what_was_said_of_a_file_is_said_again_to_a_broker_that_forgot(
    lab: Lab,
) -> None:
    """As a document is added again."""
    lab.write("[]")
    told = await lab.told()
    lab.broker.wipe()
    lab.file.reload_state()
    assert await lab.told() == told
    assert lab.forgotten == 1
    lab.file.reload_state()
    assert await lab.told() == told
    assert lab.forgotten == 1


async def test_a_rewrite_that_puts_the_time_back_is_another_document(lab: Lab) -> None:
    """In place, of the same length, as `rsync --inplace --times` does it."""
    lab.write('{"a": 1}')
    await lab.settle()
    before = lab.path.stat()
    lab.path.write_text('{"a": 2}')
    os.utime(lab.path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert await lab.told() == [{"a": 1}, {"a": 2}]


async def test_a_name_that_is_no_utf_8_is_shown_escaped(
    lab: Lab, tmp_path: Path
) -> None:
    """To clients and in the list of files; it spoils nothing."""
    lab.path = tmp_path / os.fsdecode(b"\xff.json")
    lab.name = os.fsdecode(b"emergency/\xff.json")
    lab.restart()
    lab.write('{"a": 1}')
    [entry] = await lab.settle()
    assert entry.details is not None
    assert entry.details["path"] == r"emergency/\xff.json"
    (path,) = lab.register.sources
    assert path.endswith(r"/\xff.json")


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
    assert lab.count("rejected") == 1
    assert lab.state() is SourceState.REFUSED
    broker.is_broken = False
    lab.write('{"value": 12}')
    [entry] = await lab.settle()
    assert entry.record == b'{"value":12}'


async def test_document_that_is_too_large_is_told(lab: Lab) -> None:
    """By its first bytes; the rest is not even read."""
    lab.write('{"a": 1}')
    os.truncate(lab.path, MAX_DOCUMENT_BYTES + 1)
    [told] = await lab.told()
    assert told["why"] == f"it is larger than {MAX_DOCUMENT_BYTES} bytes"
    assert told["head"] == '{"a": 1}' + "\0" * (SHOWN_BYTES - 8)


async def test_file_that_is_gone_is_waited_for(lab: Lab) -> None:
    """Absence is no event."""
    assert await lab.settle() == []
    lab.write('{"a": 1}')
    assert len(await lab.settle()) == 1

"""What may happen to a channel while a client is away, and what it must then be told.

A channel is a stream as clients know it: a session's file, or the emergencies that are
files of their own. What a client is told of it is a list of items: a line by its text,
`rewind`, or `gap` with its reason.
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping

from tailcast_streams.entries import Document
from tailcast_streams.keys import EMERGENCIES
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.position import EntryID
from tests.properties.gateway_shapes import is_emergency
from tests.properties.gateway_sources import WIDTH, File, tail


REWIND = "rewind"
# How many lines are written at a time; the last of each four is an emergency.
BLOCK = 4
# Longer than any file here.
ALL = 100


class Channel(ABC):
    """One stream, and all that it has been given, in order."""

    def __init__(self, broker: MemoryBroker) -> None:
        self.broker = broker
        self.items: list[str] = []
        # The items before this one were trimmed.
        self.kept = 0
        # Whether it is another one than the client knew, under the same name.
        self.is_another = False
        # A session that began beside it.
        self.born: Lines | None = None

    @property
    @abstractmethod
    def name(self) -> str:
        """The session as which clients have its place."""

    @abstractmethod
    async def bear(self) -> None:
        """It is there, as far as it can be without an item."""

    @abstractmethod
    async def write(self, count: int) -> None:
        """So many lines are written, and stored."""

    @abstractmethod
    async def rewrite(self) -> None:
        """What was written is overwritten."""

    @abstractmethod
    async def store_again(self) -> None:
        """A tailer stores it in a broker that has nothing."""

    @abstractmethod
    async def store_another(self) -> None:
        """A tailer stores another one, not shorter, in a broker that has nothing."""

    @abstractmethod
    def _id(self, at: int) -> EntryID:
        """The ID of the entry of an item."""

    async def trim(self, kept: int) -> None:
        """Retention drops the items before this one."""
        if kept <= self.kept:
            return
        self.kept = kept
        last = self._id(kept - 1)
        await self.broker.trim(self.name, EntryID(last.generation, last.offset + 1))

    def beside(self) -> "Lines":
        """Another session, as the same client is given it."""
        return Lines(self.broker, "b")

    def shown(self, items: list[str]) -> list[str]:
        """Those of some items that the client asks for."""
        return items

    def owed(self, place: int) -> list[str]:
        """What a client is told that has the items before a place."""
        return [*self.shown(self._owed(place))]

    def _owed(self, place: int) -> list[str]:
        if self.is_another:
            return [REWIND, *self.items] if place else self.items
        if place < self.kept:
            return ["gap: trimmed", *self.items[self.kept :]]
        if 0 < place == self.kept < len(self.items):
            # What would prove the place is gone, and nothing that follows it.
            return ["gap: unknown_cursor", *self.items[place:]]
        return self.items[place:]


class Lines(Channel):
    """A session's file, which its tailer reads at once.

    A run that is written as numbered files is the same to a gateway: its offsets count
    on from part to part.
    """

    def __init__(self, broker: MemoryBroker, session: str = "a") -> None:
        super().__init__(broker)
        self.file = File(session)
        # The generations of its items, and how many lines of it lie up to each.
        self._ids: list[EntryID] = []

    @property
    def name(self) -> str:
        return self.file.session

    async def bear(self) -> None:
        await tail(self.broker, self.file, ALL)

    async def write(self, count: int) -> None:
        start = len(self.file.lines)
        if not self.items:
            # What a tailer finds in a file that it sees first would be no news.
            await self.bear()
        self.file.write(count)
        await tail(self.broker, self.file, ALL)
        self._note(start)

    async def rewrite(self) -> None:
        self.file.replace(BLOCK)
        await tail(self.broker, self.file, ALL)
        self.items.append(REWIND)
        self._ids.append(EntryID(self.file.life + 1, 0))
        self._note(0)

    async def store_again(self) -> None:
        await tail(self.broker, self.file, ALL)

    async def store_another(self) -> None:
        self.file.replace(len(self.file.lines) + BLOCK)
        await tail(self.broker, self.file, ALL)
        self.items, self._ids, self.is_another = [], [], True
        self._note(0)

    def _note(self, start: int) -> None:
        for number in range(start, len(self.file.lines)):
            self.items.append(f"{self.file.life}/{number}")
            self._ids.append(EntryID(self.file.life + 1, (number + 1) * WIDTH))

    def _id(self, at: int) -> EntryID:
        return self._ids[at]


class EmergencyLines(Lines):
    """The same for a client whose filter holds back all but the emergencies."""

    def beside(self) -> Lines:
        return EmergencyLines(self.broker, "b")

    def shown(self, items: list[str]) -> list[str]:
        return [
            one
            for one in items
            if "/" not in one or is_emergency(int(one.split("/")[1]))
        ]


class Documents(Channel):
    """Emergencies that are files of their own, each of which names this session."""

    session = ""

    def __init__(self, broker: MemoryBroker) -> None:
        super().__init__(broker)
        self._stored: list[Document] = []

    @property
    def name(self) -> str:
        return EMERGENCIES

    async def bear(self) -> None:
        """Without a file there is nothing."""

    async def write(self, count: int) -> None:
        for _ in range(count):
            await self._add(f"emergency/{len(self._stored)}.json", "first")

    async def rewrite(self) -> None:
        """A file that has other content is another emergency."""
        await self._add("emergency/0.json", "second")

    async def store_again(self) -> None:
        for document in self._stored:
            await self.broker.add_document(document)

    async def store_another(self) -> None:
        count = len(self._stored) + BLOCK
        self.items, self._stored, self.is_another = [], [], True
        for number in range(count):
            await self._add(f"emergency/{number}.json", "another")

    async def _add(self, path: str, content: str) -> None:
        item = f"{path} {content}"
        record = json.dumps({"n": item}).encode()
        document = Document(path, content, record, self.session, is_news=True)
        self._stored.append(document)
        self.items.append(item)
        await self.broker.add_document(document)

    def _id(self, at: int) -> EntryID:
        return EntryID(1, at + 1)


class DocumentsOfSession(Documents):
    """Such emergencies that name a session; it need not be there."""

    session = "a"


CHANNELS: tuple[type[Channel], ...] = (
    Lines, EmergencyLines, Documents, DocumentsOfSession,
)  # fmt: skip  # one glance


# What happens while a client is away that has the items before a place.


async def nothing(_channel: Channel, _place: int) -> None:
    """Nothing."""


async def added(channel: Channel, _place: int) -> None:
    """More is written."""
    await channel.write(BLOCK)


async def trimmed_below(channel: Channel, place: int) -> None:
    """Retention drops what the client has, but for the last that it has."""
    await channel.write(BLOCK)
    await channel.trim(place - 1)


async def trimmed_to_the_place(channel: Channel, place: int) -> None:
    """Retention drops all that the client has, and nothing else."""
    await channel.write(BLOCK)
    await channel.trim(place)


async def trimmed_above(channel: Channel, place: int) -> None:
    """Retention drops something that the client has not."""
    await channel.write(BLOCK)
    await channel.trim(place + 2)


async def trimmed_wholly(channel: Channel, _place: int) -> None:
    """Retention drops everything."""
    await channel.write(BLOCK)
    await channel.trim(len(channel.items))


async def rewritten(channel: Channel, _place: int) -> None:
    """What was written is overwritten."""
    await channel.write(BLOCK)
    await channel.rewrite()


async def rolled_back(channel: Channel, _place: int) -> None:
    """The broker loses what came last, and is given it again."""
    checkpoint = channel.broker.checkpoint()
    await channel.write(BLOCK)
    channel.broker.roll_back(checkpoint)
    await channel.store_again()


async def emptied(channel: Channel, _place: int) -> None:
    """The broker loses everything, and is given it again."""
    await channel.write(BLOCK)
    channel.broker.wipe()
    await channel.store_again()


async def emptied_for_another(channel: Channel, _place: int) -> None:
    """The broker loses everything, and is given something else."""
    await channel.write(BLOCK)
    channel.broker.wipe()
    await channel.store_another()


async def another_born(channel: Channel, _place: int) -> None:
    """Another session begins."""
    await channel.write(BLOCK)
    channel.born = channel.beside()
    await channel.born.write(BLOCK)


Happening = Callable[[Channel, int], Awaitable[None]]
HAPPENINGS: tuple[Happening, ...] = (
    nothing, added, trimmed_below, trimmed_to_the_place, trimmed_above, trimmed_wholly,
    rewritten, rolled_back, emptied, emptied_for_another, another_born,
)  # fmt: skip  # one glance
# The broker forgets its named clients in these.
FORGETTING: tuple[Happening, ...] = (emptied, emptied_for_another)
# How many items a client has been given at each place; None before there was a stream.
PLACES: Mapping[str, int | None] = {
    "null": None,
    "beginning": 0,
    "middle": BLOCK,
    "head": 2 * BLOCK,
}

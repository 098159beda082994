"""Whoever comes back is told what was added since, wherever it was, whatever happened.

Every kind of channel, with every place that a client can have been given there and each
way to say it, with everything that can happen while it is away.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from enum import Enum
from typing import Any

import pytest

from tailcast_gateway.replica import Replica
from tailcast_streams.memory.broker import MemoryBroker
from tailcast_streams.position import NOTHING
from tests.patience import PATIENCE_SECONDS
from tests.properties.gateway_away import (
    BLOCK,
    CHANNELS,
    FORGETTING,
    HAPPENINGS,
    PLACES,
    Channel,
    EmergencyLines,
    Happening,
)
from tests.properties.gateway_model import without_pauses
from tests.properties.gateway_reader import Reader, reading


class Way(Enum):
    """How a client says where it was, and to whom."""

    # It names the sessions, and says the cursors that it was told.
    CURSORS = "cursors"
    # It wants all sessions, and says all that `positions` told it: to another replica.
    EVERYTHING = "everything"
    # It has a name, under which its places are kept.
    NAME = "name"
    # Its address has the name, and its messages say nothing: to another replica.
    ADDRESS = "address"

    @property
    def has_name(self) -> bool:
        """Whether its places are kept for it."""
        return self in (Way.NAME, Way.ADDRESS)

    @property
    def is_elsewhere(self) -> bool:
        """Whether it comes back to another replica."""
        return self in (Way.EVERYTHING, Way.ADDRESS)


# The sessions that it names; the second is not there at first.
SESSIONS = ["a", "b"]


@pytest.mark.parametrize("way", Way, ids=lambda way: way.value)
@pytest.mark.parametrize("happening", HAPPENINGS, ids=lambda one: one.__name__)
@pytest.mark.parametrize("kind", CHANNELS, ids=lambda kind: kind.__name__)
def test_what_comes_is_what_was_added(
    kind: type[Channel],
    happening: Happening,
    way: Way,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Once, in order, or a gap or rewind says what does not come; from every place."""
    without_pauses(monkeypatch)
    for place in PLACES:
        asyncio.run(Absence(kind, place, way).play(happening))


class Absence:
    """A client that was given a place, was away, and is back."""

    def __init__(self, kind: type[Channel], place: str, way: Way) -> None:
        self.broker = MemoryBroker()
        self.channel = kind(self.broker)
        # What the place is called, and how many items it is behind; None if there was
        # no stream.
        self.called, self.place = place, PLACES[place]
        self.way = way

    async def play(self, happening: Happening) -> None:
        """Let it be away while something happens."""
        async with replica_over(self.broker) as second:
            if self.way.is_elsewhere:
                async with replica_over(self.broker) as first:
                    places = await self._leave(first)
            else:
                places = await self._leave(second)
            await self._happen(happening)
            await self._until_known(second)
            with reading(second, **self._address()) as back:
                await back.subscribe(**self._names(), **places)
                await self._check(back, happening)

    async def _leave(self, replica: Replica) -> dict[str, Any]:
        """Be given the place; returns how a client says it that comes back."""
        channel, count = self.channel, self.place
        if count is not None:
            await channel.bear()
            await channel.write(count)
        start: dict[str, Any] = {"from": "start", "cursors": {channel.name: None}}
        if self.way.has_name:
            start |= {"ack": "manual"}
        if self.way is Way.NAME:
            start |= {"clientId": "me"}
        with reading(replica, **self._address()) as reader:
            await reader.subscribe(**self._names(), **start)
            for item in channel.owed(0):
                await reader.until(channel.name, item)
            if self.way.has_name and count:
                await reader.acknowledge(channel.name)
        await replica.saver.finish()
        return self._places(reader)

    async def _happen(self, happening: Happening) -> None:
        """Something that the client was not given is there already, and then this."""
        if self.place is not None:
            await self.channel.bear()
            await self.channel.write(2 * BLOCK - self.place)
        await happening(self.channel, self.place or 0)

    async def _until_known(self, replica: Replica) -> None:
        """Until a replica that followed it knows what happened, so that it can tell.

        Who comes back before is told as who never was away: `tests/gateway/commands`.
        """
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not await self._is_known(replica):
                await asyncio.sleep(0)

    async def _is_known(self, replica: Replica) -> bool:
        name = self.channel.name
        watched = replica.hub.channels.get(name)
        if watched is None:
            return True
        head = (await self.broker.heads([name]))[0]
        position = None if head.state is None else head.state.position
        incarnation = "" if position is None else position.incarnation
        is_same = watched.incarnation == incarnation or watched.is_documents
        is_read = watched.window.end == (head.cursor or NOTHING)
        return is_same and is_read and replica.feed.is_current(name)

    async def _check(self, back: Reader, happening: Happening) -> None:
        channel = self.channel
        owed = {channel.name: channel.owed(self.place or 0)}
        if channel.born is not None:
            owed[channel.born.name] = channel.born.owed(0)
        if happening in FORGETTING and self.way.has_name:
            # Nobody knows where it was, as it is told: it begins now.
            assert back.answer["recovered"] is False
            owed = {channel.name: list[str]()}
        # What is written now follows; so all that was owed has come when this has.
        start = len(channel.items)
        await channel.write(BLOCK)
        owed[channel.name] += channel.shown(channel.items[start:])
        for session, items in owed.items():
            await back.until(session, items[-1])
        assert back.told() == owed, (self.called, back.log)

    def _address(self) -> dict[str, str]:
        if self.way is Way.ADDRESS:
            return {"clientId": "me", "from": "resume"}
        return {}

    def _names(self) -> dict[str, Any]:
        """Which sessions it wants, and what of them."""
        fields: dict[str, Any] = {}
        if self.way in (Way.CURSORS, Way.NAME):
            fields["sessionIds"] = SESSIONS
        if isinstance(self.channel, EmergencyLines):
            fields["where"] = {"metric": "n", "op": "exists", "value": False}
        return fields

    def _places(self, reader: Reader) -> dict[str, Any]:
        """How it says where it was when it comes back."""
        match self.way:
            case Way.CURSORS:
                return {"cursors": reader.cursors}
            case Way.EVERYTHING:
                return {"cursors": reader.cursors, "at": reader.at}
            case Way.NAME:
                return {"clientId": "me", "from": "resume"}
            case Way.ADDRESS:
                return {}


@asynccontextmanager
async def replica_over(broker: MemoryBroker) -> AsyncGenerator[Replica]:
    """A replica that runs, with a window that holds little."""
    replica = Replica(broker, window_bytes=1_200, step_keys=("n",), time_keys=())
    async with replica.running():
        yield replica
        assert replica.why_over is None, replica.why_over

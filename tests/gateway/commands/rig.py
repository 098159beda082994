"""A whole replica over a broker in memory, and clients that keep what they are told."""

import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from tailcast_gateway.commands.queries import Query
from tailcast_gateway.delivery.core.channel import Client
from tailcast_gateway.protocol.client_messages import Ack, Subscribe, parse
from tailcast_gateway.replica import Replica
from tailcast_gateway.scheduling.core.fair_queue import Account
from tests.gateway.sessions.rig import turns
from tests.gateway.stage import Socket, told
from tests.gateway.stored import AskedBroker, store


class Wire(Socket):
    """A socket that a connection owns."""

    def __init__(self) -> None:
        super().__init__()
        self.account = Account()
        self.remote_address: tuple[str, int] | None = None
        self.buffered_bytes = 0

    def pause_reading(self) -> None:
        """Nothing is read here."""

    def resume_reading(self) -> None:
        """Nothing is read here."""


class Commanding:
    """A replica, none of whose loops runs: what it does is what a test has it do."""

    def __init__(self, replica: Replica, broker: AskedBroker) -> None:
        self.replica = replica
        self.broker = broker

    @property
    def commands(self) -> Any:
        """What carries out messages."""
        return self.replica.commands

    def listen(self) -> None:
        """From now on what is appended would be heard."""
        self.replica.feed._hearing.begin(0.0)

    def client(self) -> Client:
        """A connection that wants nothing yet."""
        return Client(Socket())

    async def subscribe(self, client: Client, **fields: Any) -> list[dict[str, Any]]:
        """Subscribe; all that the client is told."""
        message = message_of("subscribe", **fields)
        assert isinstance(message, Subscribe)
        if not self.replica.commands.subscribe_at_once(client, message):
            unserved = await self.replica.commands.subscribe(client, message)
            if unserved is not None:
                client.send(unserved.error)
        return told(client)

    async def bring(self, session: str, *offsets: int) -> None:
        """Append records, and read them into the session's window."""
        await store(self.broker, session, *offsets)
        self.replica.feed.mark(session)
        await self.replica.feed.read_dirty()

    async def ask(
        self, client: Client, kind: str, *, taken: int = 1_000, **fields: Any
    ) -> list[dict[str, Any]]:
        """Ask; the answers, of which the socket takes so many."""
        left = taken

        async def writable() -> bool:
            nonlocal left
            left -= 1
            return left >= 0

        message = message_of(kind, **fields)
        assert isinstance(message, Query)
        await self.replica.commands.query(client, message, writable)
        return told(client)

    async def acknowledge(self, client: Client, **fields: Any) -> list[dict[str, Any]]:
        """Acknowledge; all that the client is told."""
        message = message_of("ack", **fields)
        assert isinstance(message, Ack)
        await self.replica.commands.acknowledge(client, message)
        return told(client)

    def counted(self, line: str) -> bool:
        """Whether the metrics have a line."""
        return line in self.replica.instruments.exposition().decode()


def message_of(kind: str, **fields: Any) -> Any:
    """A client's message, as it is parsed."""
    return parse(json.dumps({"type": kind, **fields}).encode())


@asynccontextmanager
async def commanding(**options: Any) -> AsyncGenerator[Commanding]:
    """A replica that serves whom it is given."""
    broker = AskedBroker()
    replica = Replica(broker, step_keys=("o",), time_keys=(), **options)
    async with replica.running({}):
        yield Commanding(replica, broker)
        # What was started ends by itself.
        await turns()


def kinds(messages: list[dict[str, Any]]) -> list[str]:
    """Of which types messages are."""
    return [message["type"] for message in messages]

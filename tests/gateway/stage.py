"""Clients and watched sessions, for tests of what delivers from one to the other.

A stage has the hub and what belongs to it, and nobody who serves those who are behind:
it keeps what they would have been asked for instead.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tailcast_gateway.delivery.core.channel import Channel, Client, Follower, Wanted
from tailcast_gateway.delivery.core.followers import Followers
from tailcast_gateway.delivery.core.hub import Hub
from tailcast_gateway.delivery.core.isolation import Isolation
from tailcast_gateway.delivery.core.live import Delivery
from tailcast_gateway.instruments import Instruments
from tailcast_gateway.protocol.wires import JSON, Wire
from tailcast_gateway.views.globs import has_wildcards
from tailcast_gateway.views.subscription import Begin, Rule, Start, Subscription
from tailcast_gateway.views.view import PLAIN, View
from tailcast_streams.births import Birth
from tailcast_streams.entries import Entry
from tailcast_streams.session_state import Head
from tests.gateway.entries import chain, head, marker
from tests.properties.gateway_frames import payloads


# What a session has that is watched from before its first record on.
BEGUN = head([marker()])
# What one has that is not there yet.
NOBODY = Head(None, None, None)


@dataclass
class Socket:
    """Keeps what is written."""

    paused: bool = False
    written: list[bytes] = field(default_factory=list[bytes])
    closed: list[int] = field(default_factory=list[int])
    pings: list[bytes] = field(default_factory=list[bytes])
    # What a write raises, None for a socket that works.
    failure: Exception | None = None

    @property
    def write(self) -> Callable[[bytes], None]:
        return self._write

    def _write(self, frames: bytes) -> None:
        if self.failure is not None:
            raise self.failure
        self.written.append(frames)

    def ping(self, payload: bytes = b"") -> None:
        self.pings.append(payload)

    def close(self, code: int, reason: str = "") -> None:
        self.closed.append(code)


def socket_of(client: Client) -> Socket:
    """The socket of a client of a stage."""
    assert isinstance(client.socket, Socket)
    return client.socket


def written(client: Client) -> bytes:
    """What a client was sent since this was last asked."""
    socket = socket_of(client)
    frames, socket.written = b"".join(socket.written), []
    return frames


def told(client: Client) -> list[dict[str, Any]]:
    """The messages that a client was sent since this was last asked."""
    return [json.loads(payload) for payload in payloads(written(client))]


def records(messages: Sequence[Mapping[str, Any]]) -> list[int]:
    """Which records of a `chain` these messages have."""
    return [
        record["o"]
        for message in messages
        if message["type"] == "telemetry"
        for record in message["data"]
    ]


def rule(
    text: str, start: Start = Begin.NOW, view: View = PLAIN, *, is_included: bool = True
) -> Rule:
    """A rule for a session, or for all that a glob matches."""
    return Rule(text, has_wildcards(text), is_included, start, view)


def wants(*rules: str | Rule) -> Subscription:
    """A subscription of these; a text is a rule that begins now."""
    return Subscription([rule(one) if isinstance(one, str) else one for one in rules])


@dataclass
class Asked:
    """Keeps what is asked of who serves followers, and does none of it."""

    woken: list[Client] = field(default_factory=list[Client])
    looked_up: list[tuple[Follower, Wanted | None]] = field(
        default_factory=list[tuple[Follower, Wanted | None]]
    )
    told_caught_up: list[Follower] = field(default_factory=list[Follower])
    # Sessions to be read on.
    marked: list[str] = field(default_factory=list[str])

    def wake(self, client: Client) -> None:
        self.woken.append(client)

    def look_up(self, follower: Follower) -> None:
        self.looked_up.append((follower, follower.wanted))

    def tell_caught_up(self, follower: Follower) -> None:
        self.told_caught_up.append(follower)

    @property
    def wanted(self) -> list[Wanted | None]:
        """The places that were to be looked up."""
        return [wanted for _, wanted in self.looked_up]


def idle_followers(instruments: Instruments, asked: Asked | None = None) -> Followers:
    """Followers whom nobody serves: it is kept what is asked for them."""
    asked = asked or Asked()
    return Followers(Isolation(instruments), catch_up=asked, mark=asked.marked.append)


class Stage:
    """A hub, and what it asks of others."""

    def __init__(
        self, *, window_bytes: int = 100_000, total_window_bytes: int = 1_000_000
    ) -> None:
        self.instruments = Instruments()
        self.asked = Asked()
        self.hub = Hub(
            self.make_followers(),
            window_bytes=window_bytes,
            total_window_bytes=total_window_bytes,
            instruments=self.instruments,
        )

    def make_followers(self) -> Followers:
        """Those who are not live; nobody serves them."""
        return idle_followers(self.instruments, self.asked)

    @property
    def followers(self) -> Followers:
        return self.hub.followers

    @property
    def delivery(self) -> Delivery:
        return self.hub.delivery

    def watch(self, session: str = "a", head: Head = BEGUN) -> Channel:
        """Watch a session."""
        return self.hub.open(session, head)

    def client(
        self,
        *rules: str | Rule,
        starts: Mapping[str, Wanted] | None = None,
        births: Birth | None = None,
        wire: Wire = JSON,
    ) -> Client:
        """A client that is subscribed to these, and has read what it was told."""
        client = Client(Socket(), wire)
        if rules:
            self.subscribe(client, *rules, starts=starts, births=births)
        return client

    def subscribe(
        self,
        client: Client,
        *rules: str | Rule,
        starts: Mapping[str, Wanted] | None = None,
        births: Birth | None = None,
    ) -> None:
        """Replace what a client wants."""
        self.hub.subscribe(client, wants(*rules), starts or {}, births=births)

    def come(
        self, channel: Channel, entries: Sequence[Entry], *, now: float = 0.0
    ) -> None:
        """Entries have come."""
        self.hub.deliver(channel, entries, now=now)

    def follow_on(self, channel: Channel, *offsets: int, now: float = 0.0) -> None:
        """Records have come that follow the window's end."""
        end = channel.window.end.id
        entries = chain(*offsets, generation=end.generation, previous=str(end))
        self.come(channel, entries, now=now)

    def counted(self, name: str, labels: str = "") -> float:
        """What a counter of the gateway says."""
        start = f"tailcast_gateway_{name}_total{labels} "
        lines = self.instruments.exposition().decode().splitlines()
        (value,) = (line for line in lines if line.startswith(start))
        return float(value.removeprefix(start))

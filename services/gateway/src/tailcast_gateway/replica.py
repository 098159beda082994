"""One gateway without HTTP: its parts, connected to a broker, and their tasks.

`app` makes a replica from settings; tests make one with a broker of their own. Every
long-lived task is started by `running` and ends with it. If a task ends earlier, the
replica is not ready any more, and the server that runs it shuts down.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, Protocol

from tailcast_gateway.commands.commands import Commands
from tailcast_gateway.commands.core.defaults import NO_DEFAULTS, Defaults
from tailcast_gateway.commands.core.pieces import Room
from tailcast_gateway.commands.emergencies import RecentEmergencies
from tailcast_gateway.commands.queries import Queries
from tailcast_gateway.commands.renewing import Renewing
from tailcast_gateway.commands.snapshots import Snapshots
from tailcast_gateway.commands.subscribing import Subscribing
from tailcast_gateway.connections.admission import ALIKE, ENDING, FULL, SCARCE, Refusal
from tailcast_gateway.connections.connection import (
    Connection,
    GrantFor,
    grant_everything,
)
from tailcast_gateway.connections.core.ports import OwnedSocket
from tailcast_gateway.connections.core.subjects import Subjects, limit_of
from tailcast_gateway.connections.drain import Departure, Drain
from tailcast_gateway.connections.edge import Edge
from tailcast_gateway.connections.expiry import Expiry
from tailcast_gateway.connections.ids import new_id
from tailcast_gateway.connections.memory import (
    Memory,
    bound_of_group,
    used_by_process,
)
from tailcast_gateway.connections.upkeep import Connections
from tailcast_gateway.delivery.catch_up import CatchUp
from tailcast_gateway.delivery.contests import Contests
from tailcast_gateway.delivery.core.channel import Channel, Client
from tailcast_gateway.delivery.core.hub import Hub
from tailcast_gateway.delivery.core.isolation import Isolation
from tailcast_gateway.delivery.index_news import IndexNews
from tailcast_gateway.delivery.rate_timer import RateTimer
from tailcast_gateway.delivery.session_events import SessionEvents
from tailcast_gateway.instruments import Instruments
from tailcast_gateway.limits import DEFAULT_QUOTAS, MEMORY, Quotas
from tailcast_gateway.protocol.close_codes import ALL_CLOSE_CODES
from tailcast_gateway.protocol.wires import JSON, Wire, Wires
from tailcast_gateway.resume.core.places import Places
from tailcast_gateway.resume.holders import Holders
from tailcast_gateway.scheduling.scheduler import Scheduler
from tailcast_gateway.sessions.broker_clock import BrokerClock
from tailcast_gateway.sessions.curves import Curves
from tailcast_gateway.sessions.emergencies import EmergencyHistory
from tailcast_gateway.sessions.feed import Feed
from tailcast_gateway.sessions.granted import Granted, Parts
from tailcast_gateway.sessions.history import Pages
from tailcast_gateway.sessions.indexed import Indexed
from tailcast_gateway.sessions.reads import Reads
from tailcast_gateway.sessions.sampling import Sampling
from tailcast_gateway.sessions.search import Search
from tailcast_gateway.sessions.similar import Similar
from tailcast_gateway.sessions.stored import Stored
from tailcast_gateway.views.grant import (
    EVERYTHING_GRANTED,
    NOTHING_GRANTED,
    Grant,
)
from tailcast_gateway.views.view import Views
from tailcast_index.meaning import Rules
from tailcast_service.clock_steps import ClockSteps
from tailcast_service.tasks import LongLived, Loop, TaskEnded, end_all
from tailcast_streams.broker import SessionReader
from tailcast_streams.client_cursors import ClientCursors
from tailcast_streams.defaults import STEP_KEYS, TIME_KEYS
from tailcast_streams.descriptions import EDITED
from tailcast_streams.emergencies import Acknowledgement


TOTAL_WINDOW_BYTES = 256 * 1024 * 1024


class GatewayBroker(SessionReader, Protocol):
    """What a gateway needs of a broker: session reads, and storage of cursors."""

    @property
    def clients(self) -> ClientCursors:
        """The stored cursors of named clients."""
        ...


class Replica:
    """Everything between the broker and the sockets."""

    def __init__(
        self,
        broker: GatewayBroker,
        *,
        name: str = "",
        window_bytes: int = 4 * 1024 * 1024,
        total_window_bytes: int = TOTAL_WINDOW_BYTES,
        quotas: Quotas = DEFAULT_QUOTAS,
        max_connections: int = 20_000,
        memory_watermark: float = 0.85,
        handshake_timeout: float = 10.0,
        max_header_bytes: int = 16 * 1024,
        trusted_proxies: Sequence[str] = (),
        ping_interval: float = 20.0,
        pong_timeout: float = 20.0,
        slow_timeout: float = 300.0,
        auth_timeout: float = 10.0,
        step_keys: Sequence[str] = STEP_KEYS,
        time_keys: Sequence[str] = TIME_KEYS,
        clock: Callable[[], float] = time.monotonic,
        wall_clock_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._broker = broker
        self.instruments = Instruments(
            close_codes=[str(code.number) for code in ALL_CLOSE_CODES]
        )
        self.scheduler = Scheduler(on_used=self.instruments.cpu_used)
        self.wall_clock_ms = wall_clock_ms
        # How much its clients may ask for.
        self.quotas = quotas
        # How long a peer's socket may accept no bytes, seconds.
        self.slow_timeout = slow_timeout
        # How long a connection has to say who it is, seconds.
        self._auth_seconds = auth_timeout
        self._name = secrets.token_hex(8)
        # Its name for people.
        self.name = name or self._name
        self._clock = clock
        self._step_keys, self._time_keys = step_keys, time_keys
        self._rules = Rules(tuple(step_keys), tuple(time_keys))
        # The tasks that run as long as the replica; None before it runs.
        self._tasks: LongLived | None = None
        # Whether short tasks may be started.
        self._spawns = False
        # The short tasks that run now.
        self._spawned: set[asyncio.Task[None]] = set()

        # Each needs only what stands above it.
        self.clock_steps = self._make_clock_steps()
        self.views = Views(
            step_keys=step_keys, time_keys=time_keys, now_ms=wall_clock_ms
        )
        self.wires = Wires()
        self.broker_clock = self._make_broker_clock()
        self._indexed = Indexed(
            broker,
            rules=self._rules,
            now_ms=wall_clock_ms,
            broker_now_ms=self.broker_clock.now_ms,
        )
        self.reads = self._make_reads()
        self.catch_up = self._make_catch_up()
        self.hub = Hub(
            self.catch_up.followers,
            window_bytes=window_bytes,
            total_window_bytes=total_window_bytes,
            instruments=self.instruments,
        )
        isolation = self.hub.isolation
        self._history = Pages(broker, self.reads, isolation=isolation)
        self.rate_timer = RateTimer(self.hub.delivery, clock=clock)
        self.index_news = IndexNews(
            self.hub,
            self._indexed,
            reading_of=self.views.reading,
            clock=clock,
            instruments=self.instruments,
        )
        self.contests = Contests(self.hub, instruments=self.instruments)
        self._stored = self._make_stored()
        self._emergencies = self._make_emergencies()
        self._curves = Curves(
            broker,
            self.reads,
            isolation=isolation,
            rules=self._rules,
            now_ms=wall_clock_ms,
        )
        self._recent = RecentEmergencies(self._emergencies, self.hub)
        self.holders = self._make_holders()
        self.saver = self.holders.saver
        self._parts = Parts(
            self._stored,
            self._history,
            self._curves,
            self._emergencies,
            self._indexed,
            self.now,
        )
        self.feed = self._make_feed()
        self.session_events = self._make_session_events()
        self.commands = self._make_commands()
        self._room = Room()
        self._expiry = Expiry(now=self.now)
        self._subjects = Subjects(quotas.connections_per_subject)
        # What all TCP connections share, those of this replica's clients too.
        self.edge = Edge(
            instruments=self.instruments,
            max_connections=max_connections,
            handshake_timeout=handshake_timeout,
            max_header_bytes=max_header_bytes,
            quotas=quotas,
            trusted_proxies=trusted_proxies,
            scheduler=self.scheduler,
        )
        self.instruments.count_tcp(self.edge.counts)
        self.memory = Memory(
            memory_watermark,
            bound=bound_of_group,
            used=used_by_process,
            on_change=self._note_memory,
        )
        self.connections = Connections(
            ping_interval=ping_interval,
            pong_timeout=pong_timeout,
            slow_timeout=slow_timeout,
            clock=clock,
            tell_ends=self.instruments.tell_ends,
        )

    @property
    def is_ready(self) -> bool:
        """Whether the replica can serve clients."""
        return not self.why_not_ready

    @property
    def why_not_ready(self) -> str:
        """Why the replica cannot serve clients, in words for people; "" if it can."""
        if (failure := self.why_over) is not None:
            return str(failure)
        if self.connections.is_draining:
            return "draining"
        if refusal := self.feed.probe.refusal:
            return f"the broker refuses: {refusal}"
        return "" if self.feed.is_fresh else "the broker does not answer"

    @property
    def why_over(self) -> TaskEnded | None:
        """The task that ended too early and its failure; None while all tasks run."""
        if self._tasks is None or not self._tasks.are_over:
            return None
        return self._tasks.ended or TaskEnded("lifespan", None)

    def refuse(
        self,
        *,
        is_surplus: bool,
        grant: Grant = NOTHING_GRANTED,
        address: str = "-",
        id: str = "",
    ) -> Refusal | None:
        """Why a new connection is refused, which is counted; None if it is accepted.

        A surplus one is more than there may be. The grant is that of whoever asks, `id`
        what the log calls the connection.
        """
        sub = grant.sub
        if self.connections.is_draining or self.why_over is not None:
            self.instruments.busy("draining")
            return ENDING
        if is_surplus:
            self.instruments.overloaded(self.edge.max_connections)
            return FULL
        if self.memory.is_scarce:
            self.instruments.busy("memory")
            self.instruments.limited(
                MEMORY, subject=sub, address=address, connection=id
            )
            return SCARCE
        if (limit := limit_of(self._subjects, grant)) is not None:
            self.instruments.limited(limit, subject=sub, address=address, connection=id)
            return ALIKE
        return None

    def now(self) -> float:
        """The time, Unix seconds."""
        return self.wall_clock_ms() / 1_000

    def granted(self, grant: Grant) -> Granted:
        """The stored sessions as a grant allows them."""
        return Granted(self._parts, grant)

    @property
    def stored_of_all(self) -> Stored:
        """All stored sessions, for what is shown to nobody as it is."""
        return self._stored

    @property
    def is_alone(self) -> bool:
        """Whether it is certain that no other replica could take over the clients."""
        return self.feed.is_alone

    async def drain(self, way: Departure) -> Departure:
        """Refuse new clients, and send all others away; returns how they went."""
        self.connections.is_draining = True
        self.spawn(self.feed.say_leaving())
        drain = Drain(
            self.connections,
            self.hub,
            is_alone=lambda: self.is_alone,
            instruments=self.instruments,
        )
        return await drain.run(way)

    @asynccontextmanager
    async def running(
        self, loops: Mapping[str, Loop] | None = None
    ) -> AsyncGenerator[None]:
        """Run `loops`, or all loops of the replica, until the block ends."""
        self._tasks = tasks = LongLived()
        tasks.start(self.loops if loops is None else loops)
        self._spawns = True
        try:
            yield
        finally:
            self._spawns = False
            try:
                await self.saver.finish()
            finally:
                self.reads.close()
                await tasks.end()
                await end_all(list(self._spawned))
                self.instruments.tell_ends()

    @property
    def loops(self) -> Mapping[str, Loop]:
        """The loops that run as long as the replica, by the names of their tasks."""
        return {
            **{f"feed {name}": loop for name, loop in self.feed.loops.items()},
            **{f"peers {name}": loop for name, loop in self.connections.loops.items()},
            **{f"peers {name}": loop for name, loop in self._expiry.loops.items()},
            "pacing": self.rate_timer.run,
            "session events": self.session_events.run,
            "index news": self.index_news.run,
            "emergencies": self._emergencies.run,
            "keeper": self.saver.run,
            "memory": self.memory.run,
            "clock steps": self.clock_steps.run,
        }

    def _note_memory(self, is_scarce: bool) -> None:  # as it is called
        self.instruments.memory_measured(is_scarce=is_scarce)
        self.hub.be_frugal(is_frugal=is_scarce)

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Start a short task; a failure in it is logged and ends nothing else."""
        if not self._spawns:
            coroutine.close()
            return
        task = asyncio.get_running_loop().create_task(self._told(coroutine))
        self._spawned.add(task)
        task.add_done_callback(self._spawned.discard)
        # One that was cancelled before its first step has not begun what it waits for.
        task.add_done_callback(lambda _: coroutine.close())

    async def _told(self, coroutine: Coroutine[Any, Any, None]) -> None:
        try:
            await coroutine
        except Exception as error:  # noqa: BLE001  # it is logged and counted
            self.instruments.defect(
                "request", getattr(coroutine, "__qualname__", ""), error
            )

    def take(
        self,
        socket: OwnedSocket,
        wire: Wire = JSON,
        *,
        id: str = "",
        name: str | None = None,
        defaults: Defaults = NO_DEFAULTS,
        grant: Grant | None = EVERYTHING_GRANTED,
        grant_for: GrantFor = grant_everything,
    ) -> Connection:
        """Serve an accepted socket.

        Args:
            socket: the socket.
            wire: what encodes its messages.
            id: what the log calls the connection; a new ID by default.
            name: the client's name, None without one.
            defaults: what its address says in place of its messages.
            grant: what the client may do; None until it has said who it is.
            grant_for: finds out what a token grants that it sends.
        """
        connection = Connection(
            socket,
            id=id or new_id(),
            wire=wire,
            hub=self.hub,
            commands=self.commands,
            catch_up=self.catch_up,
            holders=self.holders,
            room=self._room,
            quotas=self.quotas,
            name=name,
            defaults=defaults,
            grant=grant,
            grant_for=grant_for,
            auth_seconds=self._auth_seconds,
            now=self.now,
            expiry=self._expiry,
            subjects=self._subjects,
            scheduler=self.scheduler,
            spawn=self.spawn,
            clock=self._clock,
            on_closed=self.connections.remove,
            instruments=self.instruments,
        )
        self.connections.add(connection)
        self.instruments.connection_opened()
        return connection

    # The parts, in the order in which they are made.

    def _make_clock_steps(self) -> ClockSteps:
        return ClockSteps(
            clock=self._clock,
            wall_clock=lambda: self.wall_clock_ms() / 1_000,
            on_step=self.instruments.clock_stepped,
        )

    def _make_broker_clock(self) -> BrokerClock:
        return BrokerClock(
            self._broker,
            clock=self._clock,
            wall_clock_ms=self.wall_clock_ms,
            instruments=self.instruments,
        )

    def _make_reads(self) -> Reads:
        search = Search(self._broker, rules=self._rules, now_ms=self.wall_clock_ms)
        return Reads(self._broker, search=search, instruments=self.instruments)

    def _make_catch_up(self) -> CatchUp:
        return CatchUp(
            self.reads,
            Sampling(
                self._broker, self.reads, rules=self._rules, now_ms=self.wall_clock_ms
            ),
            isolation=Isolation(self.instruments),
            mark=self._mark,
            ask=self._ask,
            learn=self._learn,
            scheduler=self.scheduler,
            max_replays=self.quotas.replays,
            spawn=self.spawn,
            clock=self._clock,
            timestamp=self._now_as_text,
            instruments=self.instruments,
        )

    # These are made after `catch_up`, and asked once the replica runs.

    async def _learn(self, channel: Channel) -> None:
        await self.index_news.learn([channel])

    def _mark(self, session: str) -> None:
        self.feed.mark(session)

    def _ask(self, client: Client) -> None:
        self.holders.ask(client)

    def _now_as_text(self) -> str:
        return timestamp(self.wall_clock_ms())

    def _make_stored(self) -> Stored:
        return Stored(
            self._broker,
            self.reads,
            indexed=self._indexed,
            isolation=self.hub.isolation,
            broker_clock=self.broker_clock,
            owners_of=self.contests.owners_of,
        )

    def _make_emergencies(self) -> EmergencyHistory:
        return EmergencyHistory(
            self._broker,
            self.reads,
            self._stored,
            isolation=self.hub.isolation,
            rules=self._rules,
            now_ms=self.wall_clock_ms,
            broker_clock=self.broker_clock,
            on_acknowledged=self._tell_acknowledged,
            instruments=self.instruments,
        )

    # The commands are made later, and asked once the replica runs.

    def _tell_acknowledged(
        self, id: str, session: str, one: Acknowledgement | None
    ) -> None:
        self._recent.tell(id, session, one)

    def _take_note(self, payload: str) -> None:
        if payload.startswith(EDITED):
            self.session_events.edited(payload.removeprefix(EDITED))
        elif not self._emergencies.heard(payload):
            self.holders.heard(payload)

    def _make_holders(self) -> Holders:
        return Holders(
            self._broker.clients,
            Places(self.hub),
            replica=self._name,
            clock=self._clock,
            instruments=self.instruments,
        )

    def _make_feed(self) -> Feed:
        return Feed(
            self._broker,
            self.hub,
            replica=self._name,
            on_note=self._take_note,
            on_contests=self.contests.note,
            spawn=self.spawn,
            clock=self._clock,
            wall_clock_ms=self.wall_clock_ms,
            broker_clock=self.broker_clock,
            quotas=self.quotas,
            instruments=self.instruments,
        )

    def _make_session_events(self) -> SessionEvents:
        return SessionEvents(
            self.hub,
            self._stored,
            is_fresh=lambda: self.feed.state == "fresh",
            clock=self._clock,
            instruments=self.instruments,
        )

    def _make_commands(self) -> Commands:
        subscribing = Subscribing(
            stored=self._stored,
            hub=self.hub,
            feed=self.feed,
            reads=self.reads,
            catch_up=self.catch_up,
            snapshots=Snapshots(self._stored, self.hub),
            recent=self._recent,
            similar=Similar(self._stored, clock=self._clock),
            views=self.views,
            learn=self.index_news.learn,
            wires=self.wires,
            holders=self.holders,
            quotas=self.quotas,
            clock=self._clock,
        )
        return Commands(
            subscribing=subscribing,
            renewing=Renewing(stored=self._stored, hub=self.hub, feed=self.feed),
            queries=Queries(granted=self.granted, quotas=self.quotas),
            hub=self.hub,
            feed=self.feed,
            reads=self.reads,
            catch_up=self.catch_up,
            holders=self.holders,
            quotas=self.quotas,
            timestamp=self._now_as_text,
            replica=self.name,
            instruments=self.instruments,
        )


def timestamp(time_ms: int) -> str:
    """A time in the format of records: ISO 8601, UTC, with milliseconds."""
    moment = datetime.fromtimestamp(time_ms / 1_000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")

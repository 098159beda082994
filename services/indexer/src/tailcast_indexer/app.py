"""The composition root: settings in, a running indexer out.

The only module that reads settings and knows all the others. `run` is the service;
`IndexerService` is the same for a program, or a test, that brings its own loop and
broker.
"""

import asyncio
from contextlib import aclosing, suppress
from time import monotonic

from tailcast_index.meaning import Rules
from tailcast_indexer.core.queue import Queue
from tailcast_indexer.core.shelf import Shelf
from tailcast_indexer.indexing.loading import Loading
from tailcast_indexer.indexing.rounds import Rounds
from tailcast_indexer.indexing.writing import Writing
from tailcast_indexer.instruments import Condition, Instruments
from tailcast_indexer.link import Link
from tailcast_indexer.options import Options
from tailcast_indexer.settings import IndexerSettings
from tailcast_indexer.watching.audit import Audit
from tailcast_indexer.watching.listener import Listener
from tailcast_service.background import new_loop_factory, run_in_background
from tailcast_service.exceptions import SettingsError
from tailcast_service.logs import configure_logging
from tailcast_service.tasks import LongLived
from tailcast_streams.broker import SessionReader
from tailcast_streams.exceptions import BrokerRefused
from tailcast_streams.position import Cursor
from tailcast_streams.redis.broker import RedisBroker


# How long it may take to end in order: what is not written then another one folds.
END_SECONDS = 8.0
DRAIN_SECONDS = 5.0


class IndexerService:
    """Everything that keeps indexes, put together."""

    def __init__(self, reader: SessionReader, options: Options | None = None) -> None:
        """Prepare; nothing is touched before `run`."""
        options = Options() if options is None else options
        self._options = options
        self.instruments = Instruments()
        self.instruments.condition = self._condition
        self._queue = Queue()
        self._shelf = Shelf()
        self._link = Link(
            reader,
            name=options.name,
            presence_seconds=options.presence_seconds,
            instruments=self.instruments,
            on_changed=self._see_all,
        )
        rules = Rules(tuple(options.step_keys), tuple(options.time_keys))
        exhausted: dict[str, Cursor] = {}
        writing = Writing(
            reader,
            self._queue,
            self._shelf,
            on_spoiled=self._see_all,
            instruments=self.instruments,
        )
        self._rounds = Rounds(
            reader,
            self._link,
            self._queue,
            self._shelf,
            exhausted=exhausted,
            loading=Loading(reader, rules=rules, instruments=self.instruments),
            writing=writing,
            instruments=self.instruments,
            write_interval=options.write_interval,
            kept_bytes=options.kept_bytes,
        )
        self._audit = Audit(
            reader,
            self._link,
            self._queue,
            self._shelf,
            exhausted=exhausted,
            rules=rules,
            seconds=options.audit_interval,
            instruments=self.instruments,
            make_anew=writing.make_anew,
            wake=self._rounds.wake,
        )
        self._listener = Listener(
            reader,
            self._link,
            self._queue,
            instruments=self.instruments,
            gather_seconds=options.write_interval,
            wake=self._rounds.wake,
            on_listening=self._see_all,
        )
        # What runs as long as the indexer.
        self._tasks = LongLived()

    @property
    def is_over(self) -> bool:
        """Whether a task of it has ended, or all are being ended."""
        return self._tasks.are_over

    async def run(self) -> None:
        """Keep indexes until cancelled; ends in order, within seconds."""
        self.instruments.started(name=self._options.name)
        self._tasks.start(
            {
                "presence": self._link.run,
                "listen": self._listener.run,
                "audit": self._audit.run,
                "index": self._rounds.run,
            }
        )
        try:
            await self._tasks.wait()
        finally:
            await self._tasks.end()
            await self._end()

    async def _end(self) -> None:
        """Write what was folded, and let others have the sessions."""
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                if self._link.is_up:
                    await self._rounds.drain()
        await self._link.withdraw()
        self.instruments.stopped(unwritten=self._rounds.unwritten)

    def why_not_ready(self) -> str:
        """What is missing to be of use, in words for people; empty when ready."""
        if self.is_over:
            return "it is ending"
        if refusal := self.instruments.broker.refusal:
            return f"the broker refuses: {refusal}"
        if not self._link.is_up:
            return "the broker cannot be reached"
        if self.instruments.broker.is_full:
            return "the broker is full"
        if not self._listener.is_listening:
            return "no notifications come"
        if not self._audit.has_seen_all:
            return "sessions are being compared"
        return ""

    def _condition(self) -> Condition:
        return Condition(
            sessions=len(self._shelf),
            memory_bytes=self._shelf.cost_bytes,
            behind=self._queue.behind,
            lag_seconds=self._queue.lag_seconds(monotonic()),
            aside=self._queue.aside,
        )

    def _see_all(self) -> None:
        self._audit.see_all()


def run(settings: IndexerSettings) -> None:
    """Run the service until SIGTERM or SIGINT.

    Raises:
        ServiceError: it cannot start; the text says what to change.
    """
    configure_logging(
        level=settings.log_level, log_format=settings.log_format, service="indexer"
    )
    with asyncio.Runner(loop_factory=new_loop_factory()) as runner:
        runner.run(_serve(settings))


async def _serve(settings: IndexerSettings) -> None:
    try:
        broker = RedisBroker(settings.redis_url, key_prefix=settings.key_prefix)
    except BrokerRefused as error:
        raise SettingsError(f"TAILCAST_REDIS_URL: {error}") from error
    options = Options(step_keys=settings.step_keys, time_keys=settings.time_keys)
    async with aclosing(broker):
        await run_in_background(
            IndexerService(broker, options),
            metrics_port=settings.metrics_port,
            end_seconds=END_SECONDS,
        )

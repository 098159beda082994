"""The composition root: settings in, a running tailer out.

The only module that reads settings and knows all the others. `run` is the service;
`Tailer` is the same for a program, or a test, that brings its own loop and broker.
"""

import asyncio
import json
import math
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from hashlib import sha256
from pathlib import Path

from tailcast_service.build import read_build
from tailcast_service.exceptions import ServiceError
from tailcast_service.logs import configure_logging
from tailcast_service.signals import until_signalled
from tailcast_service.tasks import TaskEnded
from tailcast_service.values import write_list
from tailcast_streams.broker import SessionWriter
from tailcast_streams.defaults import STEP_KEYS, TIME_KEYS
from tailcast_streams.exceptions import BrokerRefused
from tailcast_streams.redis.broker import RedisBroker
from tailcast_tailer.appending.appender import Appender
from tailcast_tailer.appending.retention import Retention
from tailcast_tailer.files.file_system import is_network
from tailcast_tailer.files.roots import Roots
from tailcast_tailer.files.session_file import SessionFile
from tailcast_tailer.files.threads import FileThreads
from tailcast_tailer.finding.discovery import Discovery, FileKind, Found
from tailcast_tailer.following.claimant import Claimant
from tailcast_tailer.following.context import FollowerContext
from tailcast_tailer.following.document_file import DocumentFile
from tailcast_tailer.following.followed import Followed
from tailcast_tailer.following.follower import Follower
from tailcast_tailer.following.start_note import StartNote
from tailcast_tailer.following.turns import Turns
from tailcast_tailer.instruments import Instruments
from tailcast_tailer.monitoring import monitoring
from tailcast_tailer.pipeline import Pipeline
from tailcast_tailer.settings import MEBIBYTE, TailerSettings
from tailcast_tailer.upkeep.audit import AUDIT_SECONDS, Audit
from tailcast_tailer.upkeep.claim_answers import Answers
from tailcast_tailer.upkeep.expiry import Expiry
from tailcast_tailer.upkeep.presence import Presence


# How often hot files are looked at where nothing else is set.
POLL_SECONDS = 0.1
NETWORK_POLL_SECONDS = 0.5
# How long it may take to end in order: nothing is lost by leaving as it is.
END_SECONDS = 8.0
# All interfaces: whoever scrapes is elsewhere, and the port is off unless asked for.
METRICS_HOST = "0.0.0.0"  # noqa: S104  # as said above


class Tailer:
    """Everything that follows files, put together."""

    def __init__(
        self,
        writer: SessionWriter,
        *,
        log_dir: str = "logs",
        telemetry_patterns: Sequence[str] = ("telemetry/**/*.jsonl",),
        emergency_patterns: Sequence[str] = ("emergency/**/*.json",),
        paths: Sequence[str] = (),
        session_prefix: str = "",
        step_keys: Sequence[str] = STEP_KEYS,
        time_keys: Sequence[str] = TIME_KEYS,
        starts_at_end: bool = False,
        max_line_bytes: int = MEBIBYTE,
        poll_interval: float | None = None,
        retention_bytes: int = 256 * MEBIBYTE,
        retention_total_bytes: int = 2_048 * MEBIBYTE,
        session_ttl: float = 30 * 86_400.0,
        owner: str | None = None,
        audit_seconds: float = AUDIT_SECONDS,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """Prepare; sizes in bytes, times in seconds. Nothing is touched before `run`.

        `owner` names this tailer in the broker, the same after a restart; by default
        the machine and what is watched.
        """
        self._writer = writer
        self._max_line_bytes = max_line_bytes
        self._not_metrics = frozenset((*step_keys, *time_keys))
        self._clock = clock
        self._wall_clock = wall_clock
        # Not resolved: a link that points elsewhere tomorrow is followed there.
        log_dir = str(Path(log_dir).absolute())
        paths = [str(Path(path).absolute()) for path in paths]
        self.owner = owner or _owner(paths or [log_dir])
        self.instruments = Instruments(clock=clock)
        files = self._files = FileThreads(clock=clock)
        self.instruments.watch_calls(files.count_hanging)
        self.turns = Turns(files)
        retention = Retention(
            writer,
            session_bytes=retention_bytes,
            total_bytes=retention_total_bytes,
            on_trimmed=self.instruments.trimmed,
            on_kept=self.instruments.kept,
        )
        self._presence = Presence(
            writer,
            owner=self.owner,
            instruments=self.instruments,
            make_room=retention.make_room,
            on_back=self._broker_is_back,
        )
        is_remote = any(is_network(path) for path in (paths or [log_dir]))
        if poll_interval is None:
            poll_interval = NETWORK_POLL_SECONDS if is_remote else POLL_SECONDS
        appender = Appender(
            writer,
            owner=self.owner,
            step_keys=step_keys,
            time_keys=time_keys,
            retention=retention,
            instruments=self.instruments,
            clock=clock,
            wall_clock=wall_clock,
        )
        self._discovery = Discovery(
            log_dir=log_dir,
            telemetry_patterns=telemetry_patterns,
            emergency_patterns=emergency_patterns,
            paths=paths,
            session_prefix=session_prefix,
            instruments=self.instruments,
            jobs=files.jobs,
        )
        looked_at = [telemetry_patterns, paths, session_prefix]
        what = sha256(json.dumps(looked_at).encode()).hexdigest()[:16]
        start_note = StartNote(writer, name=f"{what} {self.owner}", clock=clock)
        self._claimant = Claimant(
            writer, owner=self.owner, instruments=self.instruments, clock=clock
        )
        self._follower_context = FollowerContext(
            writer=writer,
            appender=appender,
            instruments=self.instruments,
            claimant=self._claimant,
            roots=Roots(self._discovery.directories),
            clock=clock,
            wall_clock=wall_clock,
            starts_at_end=starts_at_end,
            start_note=start_note,
            is_network=is_remote,
            session_ttl=session_ttl,
        )
        self._audit = Audit(
            writer,
            self._presence,
            untouched=appender.untouched,
            recheck=self.turns.recheck,
            seconds=audit_seconds,
        )
        self.pipeline = Pipeline(
            discovery=self._discovery,
            turns=self.turns,
            make_followed=self._make_followed,
            presence=self._presence,
            audit=self._audit,
            answers=Answers(
                writer,
                self._presence,
                owner=self.owner,
                instruments=self.instruments,
                look_at=self.turns.look_first,
            ),
            start_note=start_note,
            expiry=Expiry(
                writer,
                self._presence,
                retention=retention,
                owner=self.owner,
                roots=self._discovery.watched_trees,
                session_ttl=session_ttl,
                instruments=self.instruments,
                run=files.jobs(),
                clock=clock,
                wall_clock=wall_clock,
            ),
            instruments=self.instruments,
            files=files,
            clock=clock,
            wall_clock=wall_clock,
            poll_interval=poll_interval,
            is_network=is_remote,
        )

    async def run(self) -> None:
        """Follow the files until cancelled; ends in order, within seconds."""
        self.instruments.started(owner=self.owner, roots=self._discovery.watched)
        try:
            await self.pipeline.run()
        finally:
            await self._presence.withdraw()
            self.instruments.stopped()

    def why_not_ready(self) -> str:
        """What is missing to be of use, in words for people; empty when ready."""
        if self.pipeline.is_over:
            return "it is ending"
        if refusal := self.instruments.refusal:
            return f"the broker refuses: {refusal}"
        if not self._presence.is_up:
            return "the broker cannot be reached"
        if self.instruments.is_broker_full:
            return "the broker is full"
        if calls := self._files.count_hanging():
            return f"a file system does not answer; calls that hang: {calls}"
        if not self.pipeline.has_listed.is_set():
            return "files are being listed"
        return ""

    def _broker_is_back(self) -> None:
        self._audit.broker_is_back()
        self._claimant.ask_again()

    def _make_followed(self, found: Found, was_there_at_start: bool) -> Followed:
        jobs = self._files.jobs()
        jobs.device = found.device
        if found.kind is FileKind.TELEMETRY:
            return Follower(
                found.name,
                SessionFile(
                    found.path,
                    max_line_bytes=self._max_line_bytes,
                    not_metrics=self._not_metrics,
                ),
                jobs,
                self._follower_context,
                was_there_at_start=was_there_at_start,
            )
        return DocumentFile(
            found.path,
            found.name,
            writer=self._writer,
            instruments=self.instruments,
            jobs=jobs,
            clock=self._clock,
            wall_clock=self._wall_clock,
            on_forgotten=self._audit.add_documents_again,
        )


def run(settings: TailerSettings) -> None:
    """Run the service until SIGTERM or SIGINT.

    Raises:
        ServiceError: it cannot start; the text says what to mend.
    """
    configure_logging(
        level=settings.log_level, log_format=settings.log_format, service="tailer"
    )
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        runner.run(_serve(settings))


async def _serve(settings: TailerSettings) -> None:
    try:
        broker = RedisBroker(settings.redis_url, key_prefix=settings.key_prefix)
    except BrokerRefused as error:
        raise ServiceError(f"TAILCAST_REDIS_URL: {error}") from error
    tailer = Tailer(
        broker,
        log_dir=settings.log_dir,
        telemetry_patterns=settings.telemetry_patterns,
        emergency_patterns=settings.emergency_patterns,
        paths=settings.paths,
        session_prefix=settings.session_prefix,
        step_keys=settings.step_keys,
        time_keys=settings.time_keys,
        starts_at_end=settings.start_at == "end",
        max_line_bytes=settings.max_line_bytes,
        poll_interval=settings.poll_interval,
        retention_bytes=settings.retention_bytes,
        retention_total_bytes=settings.retention_total_bytes,
        # Who names a file or directory wants it, however old it is.
        session_ttl=math.inf if settings.paths else settings.session_ttl,
    )
    async with AsyncExitStack() as stack:
        stack.push_async_callback(broker.aclose)
        if settings.metrics_port:
            await _monitor(stack, tailer, settings.metrics_port)
        await until_signalled(_run_and_tell(tailer), end_seconds=END_SECONDS)


async def _run_and_tell(tailer: Tailer) -> None:
    """Run it; if a part of it fails, whoever reads its metrics is to know that."""
    try:
        await tailer.run()
    except TaskEnded as error:
        tailer.instruments.task_ended(error)
        readers = tailer.instruments.readers
        await readers.wait(reads=readers.reads)
        raise


async def _monitor(stack: AsyncExitStack, tailer: Tailer, port: int) -> None:
    server = monitoring(
        tailer.instruments.exposition,
        host=METRICS_HOST,
        port=port,
        why_not_ready=tailer.why_not_ready,
        is_alive=lambda: not tailer.pipeline.is_over,
        build=read_build()._asdict(),
    )
    try:
        await stack.enter_async_context(server)
    except OSError as error:
        reason = error.strerror or str(error)
        raise ServiceError(f"TAILCAST_METRICS_PORT={port}: {reason}") from error


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """Uvloop's where there is one: a quarter less time in the loop."""
    try:
        import uvloop  # noqa: PLC0415  # there is none for Windows
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop


def _owner(watched: Sequence[str]) -> str:
    """The same name after every restart on this machine; another list's is another."""
    what = watched[0] if len(watched) == 1 else write_list(watched)
    name = f"{socket.gethostname()}:{what}"
    return name.encode(errors="backslashreplace").decode()

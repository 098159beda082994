"""The composition root: settings in, a running tailer out.

The only module that reads settings and knows all the others. `run` is the service;
`Tailer` is the same for a program, or a test, that brings its own loop and broker.
"""

import asyncio
import json
import math
import time
from collections.abc import Callable
from contextlib import aclosing
from hashlib import sha256

from tailcast_service.background import new_loop_factory, run_in_background
from tailcast_service.clock_steps import ClockSteps
from tailcast_service.exceptions import SettingsError
from tailcast_service.logs import configure_logging
from tailcast_service.memory import collect_after
from tailcast_streams.broker import SessionWriter
from tailcast_streams.exceptions import BrokerRefused
from tailcast_streams.redis.broker import RedisBroker
from tailcast_streams.session_state import Origin
from tailcast_tailer.appending.appender import Appender
from tailcast_tailer.appending.retention import Retention
from tailcast_tailer.appending.session_bound import SessionBound
from tailcast_tailer.core.allowance import Allowance
from tailcast_tailer.core.part_names import PartNames
from tailcast_tailer.core.register import Register
from tailcast_tailer.core.source_report import watched_paths
from tailcast_tailer.files.devices import Devices
from tailcast_tailer.files.file_system import Identity, is_network
from tailcast_tailer.files.part_files import PartFiles
from tailcast_tailer.files.roots import Roots
from tailcast_tailer.files.rotated_files import RotatedNames
from tailcast_tailer.files.session_file import SessionFile
from tailcast_tailer.files.threads import FileThreads
from tailcast_tailer.finding.candidates import FileKind
from tailcast_tailer.finding.discovery import Discovery
from tailcast_tailer.finding.hints import Hints
from tailcast_tailer.finding.listing import Found, Known
from tailcast_tailer.following.arrivals import Arrivals
from tailcast_tailer.following.claimant import Claimant
from tailcast_tailer.following.context import FollowerContext
from tailcast_tailer.following.document_file import (
    HOUR_SECONDS,
    UNREADABLE_AN_HOUR,
    DocumentFile,
)
from tailcast_tailer.following.fates import Fates
from tailcast_tailer.following.followed import Followed
from tailcast_tailer.following.follower import Follower
from tailcast_tailer.following.start_note import StartNote
from tailcast_tailer.following.turns import Turns
from tailcast_tailer.instruments import Instruments
from tailcast_tailer.options import Options
from tailcast_tailer.pipeline import Pipeline
from tailcast_tailer.readiness import telling
from tailcast_tailer.settings import TailerSettings
from tailcast_tailer.upkeep.audit import Audit
from tailcast_tailer.upkeep.beside import BesideUpkeep
from tailcast_tailer.upkeep.claim_answers import Answers
from tailcast_tailer.upkeep.expiry import Expiry
from tailcast_tailer.upkeep.presence import Presence
from tailcast_tailer.upkeep.sessions import SessionsUpkeep
from tailcast_tailer.upkeep.sizes import SizesUpkeep
from tailcast_tailer.upkeep.sources import SourcesUpkeep
from tailcast_tailer.upkeep.upkeep import Upkeep


# How often hot files are looked at where nothing else is set.
POLL_SECONDS = 0.1
NETWORK_POLL_SECONDS = 0.5
# How long the files that are there may have their first turns before Python's collector
# looks for what they left.
COLLECTED_AFTER_SECONDS = 60.0
# How long it may take to end in order: nothing is lost by leaving as it is.
END_SECONDS = 8.0


class Tailer:
    """Everything that follows files, put together."""

    def __init__(
        self,
        writer: SessionWriter,
        options: Options | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        """Prepare; nothing is touched before `run`."""
        options = Options() if options is None else options
        self._writer = writer
        self._options = options
        self._clock = clock
        self._wall_clock = wall_clock
        self.owner = options.owner
        self.instruments = Instruments(clock=clock)
        self._files = FileThreads(clock=clock)
        self._part_names = PartNames(options.part_patterns)
        self._rotated_names = RotatedNames(clock=clock, is_session=self._is_session)
        self.instruments.watch_calls(self._files.count_hanging)
        self.turns = Turns(self._files)
        self._unreadable = Allowance(UNREADABLE_AN_HOUR, seconds=HOUR_SECONDS)
        is_remote = any(is_network(path) for path in options.watched)
        retention = Retention(
            writer,
            session_bytes=options.retention_bytes,
            total_bytes=options.retention_total_bytes,
            on_trimmed=self.instruments.trimmed,
            on_unindexed=self.instruments.trimmed_unindexed,
        )
        self.instruments.watch_kept(lambda: retention.total)
        bound = SessionBound(
            writer,
            most=options.max_sessions,
            owner=self.owner,
            retention=retention,
            instruments=self.instruments,
            clock=clock,
            wall_clock=wall_clock,
        )
        appender = Appender(
            writer,
            owner=self.owner,
            step_keys=options.step_keys,
            time_keys=options.time_keys,
            retention=retention,
            bound=bound,
            instruments=self.instruments,
            clock=clock,
            wall_clock=wall_clock,
        )
        self._discovery = Discovery(
            log_dir=options.absolute_log_dir,
            telemetry_patterns=options.telemetry_patterns,
            emergency_patterns=options.emergency_patterns,
            paths=options.absolute_paths,
            session_prefix=options.session_prefix,
            step_keys=options.step_keys,
            time_keys=options.time_keys,
            part_names=self._part_names,
            owner=self.owner,
            origins=self._origins,
            known_of=self._known_of,
            instruments=self.instruments,
            run=self._files.jobs(),
        )
        self._presence = Presence(
            writer,
            owner=self.owner,
            instruments=self.instruments,
            make_room=retention.make_room,
            on_back=self._broker_is_back,
        )
        self._audit = Audit(
            writer,
            self._presence,
            untouched=appender.untouched,
            recheck=self.turns.recheck,
            seconds=options.audit_interval,
        )
        self._claimant = Claimant(
            writer, owner=self.owner, instruments=self.instruments, clock=clock
        )
        start_note = StartNote(writer, name=_note_name(options), clock=clock)
        self._follower_context = FollowerContext(
            writer=writer,
            appender=appender,
            instruments=self.instruments,
            claimant=self._claimant,
            roots=Roots(self._discovery.directories),
            devices=Devices(clock=clock),
            fates=Fates(self._discovery.register),
            clock=clock,
            wall_clock=wall_clock,
            starts_at_end=options.starts_at_end,
            start_note=start_note,
            is_network=is_remote,
            session_ttl=options.session_ttl,
        )
        self.pipeline = Pipeline(
            discovery=self._discovery,
            hints=Hints(
                self._discovery.watched,
                instruments=self.instruments,
                jobs=self._files.jobs(),
            ),
            turns=self.turns,
            arrivals=Arrivals(writer, self._files),
            appender=appender,
            devices=self._follower_context.devices,
            roots=self._follower_context.roots,
            make_followed=self._make_followed,
            upkeep=self._make_upkeep(retention, bound),
            start_note=start_note,
            instruments=self.instruments,
            files=self._files,
            clock=clock,
            poll_interval=options.poll_interval
            or (NETWORK_POLL_SECONDS if is_remote else POLL_SECONDS),
            is_network=is_remote,
        )

    def _make_upkeep(self, retention: Retention, bound: SessionBound) -> Upkeep:
        return Upkeep(
            presence=self._presence,
            audit=self._audit,
            answers=Answers(
                self._writer,
                self._presence,
                owner=self.owner,
                instruments=self.instruments,
                look_at=self.turns.look_first,
                has_claimed=self._claimant.has_claimed,
            ),
            expiry=Expiry(
                self._writer,
                self._presence,
                retention=retention,
                owner=self.owner,
                roots=self._discovery.watched_trees,
                session_ttl=self._options.session_ttl,
                instruments=self.instruments,
                run=self._files.jobs(),
                clock=self._clock,
                wall_clock=self._wall_clock,
            ),
            sources=self._make_sources(),
            sessions=SessionsUpkeep(
                bound, self._presence, look_at=self.turns.look_first
            ),
            sizes=SizesUpkeep(self._presence, measure=retention.measure),
            beside=BesideUpkeep(
                self._writer,
                self._presence,
                register=self._discovery.register,
                instruments=self.instruments,
                files=self._files,
                clock=self._clock,
                begun=self._follower_context.start_note.written,
            ),
            clock_steps=ClockSteps(
                clock=self._clock,
                wall_clock=self._wall_clock,
                on_step=self.instruments.clock_stepped,
            ),
        )

    def _make_sources(self) -> SourcesUpkeep:
        options = self._options
        return SourcesUpkeep(
            self._writer,
            self._presence,
            owner=self.owner,
            register=self._discovery.register,
            watched=watched_paths(
                log_dir=options.absolute_log_dir,
                telemetry_patterns=options.telemetry_patterns,
                emergency_patterns=options.emergency_patterns,
                paths=options.absolute_paths,
            ),
            instruments=self.instruments,
            jobs=self._files.jobs,
            clock=self._clock,
            wall_clock=self._wall_clock,
        )

    @property
    def register(self) -> Register:
        """What became of each path below what is watched."""
        return self._discovery.register

    async def run(self) -> None:
        """Follow the files until cancelled; ends in order, within seconds."""
        self.instruments.started(owner=self.owner, roots=self._discovery.watched)
        try:
            await self.pipeline.run()
        finally:
            await self._presence.withdraw()
            self.instruments.stopped()

    @property
    def has_begun(self) -> asyncio.Event:
        """Set once all files that were there at the start have had a turn."""
        return self._follower_context.start_note.written

    @property
    def is_over(self) -> bool:
        """Whether a task of it has ended, or all are being ended."""
        return self.pipeline.is_over

    def why_not_ready(self) -> str:
        """What is missing to be of use, in words for people; empty when ready."""
        if self.is_over:
            return "it is ending"
        if refusal := self.instruments.broker.refusal:
            return f"the broker refuses: {refusal}"
        if not self._presence.is_up:
            return "the broker cannot be reached"
        if self.instruments.broker.is_full:
            return "the broker is full"
        if calls := self._files.count_hanging():
            return f"a file system does not answer; calls that hang: {calls}"
        if not self.pipeline.has_listed.is_set():
            at = self._discovery.looks_at
            return f"files are being listed{at and f' below {at}'}"
        if not self.pipeline.hints.have_begun.is_set():
            return "the file system is being asked to tell of changes"
        return ""

    async def _origins(self) -> dict[str, Origin]:
        sessions = list(await self._writer.sessions())
        origins = await self._writer.origins(sessions)
        return {
            session: origin
            for session, origin in zip(sessions, origins, strict=True)
            if origin is not None
        }

    def _is_session(self, path: str, identity: Identity) -> bool:
        item = self.turns.items.get(path)
        followed = None if item is None else item.followed
        return isinstance(followed, Follower) and followed.is_session_of(identity)

    def _known_of(self, path: str) -> Known | None:
        item = self.turns.items.get(path)
        followed = None if item is None else item.followed
        return followed.known if isinstance(followed, Follower) else None

    def _broker_is_back(self) -> None:
        self._audit.broker_is_back()
        self._claimant.ask_again()

    def _session_file(self, path: str, only: Identity | None = None) -> SessionFile:
        options = self._options
        return SessionFile(
            path,
            max_line_bytes=options.max_line_bytes,
            names=self._rotated_names,
            only=only,
        )

    def _part_files(self, run: str) -> PartFiles:
        return PartFiles(run, self._session_file, self._part_names)

    def _make_followed(self, found: Found, was_there_at_start: bool) -> Followed:
        jobs = self._files.jobs()
        jobs.device = found.device
        if found.kind is FileKind.TELEMETRY:
            return Follower(
                found.name,
                self._part_files(found.path)
                if found.has_parts
                else self._session_file(found.path, found.only),
                jobs,
                self._follower_context,
                was_there_at_start=was_there_at_start,
            )
        return DocumentFile(
            found.path,
            found.name,
            writer=self._writer,
            instruments=self.instruments,
            register=self._discovery.register,
            allowance=self._unreadable,
            jobs=jobs,
            clock=self._clock,
            wall_clock=self._wall_clock,
            on_forgotten=self._audit.add_documents_again,
        )


def run(settings: TailerSettings) -> None:
    """Run the service until SIGTERM or SIGINT.

    Raises:
        ServiceError: it cannot start; the text says what to change.
    """
    configure_logging(
        level=settings.log_level, log_format=settings.log_format, service="tailer"
    )
    with asyncio.Runner(loop_factory=new_loop_factory()) as runner:
        runner.run(_serve(settings))


def options_of(settings: TailerSettings) -> Options:
    """The options that the settings ask for."""
    return Options(
        log_dir=settings.log_dir,
        telemetry_patterns=settings.telemetry_patterns,
        emergency_patterns=settings.emergency_patterns,
        part_patterns=settings.part_patterns,
        paths=settings.paths,
        session_prefix=settings.session_prefix,
        step_keys=settings.step_keys,
        time_keys=settings.time_keys,
        starts_at_end=settings.start_at == "end",
        max_line_bytes=settings.max_line_bytes,
        poll_interval=settings.poll_interval,
        retention_bytes=settings.retention_bytes,
        retention_total_bytes=settings.retention_total_bytes,
        # A file or directory that somebody names is wanted, however old it is.
        session_ttl=math.inf if settings.paths else settings.session_ttl,
        max_sessions=settings.max_sessions,
    )


async def _serve(settings: TailerSettings) -> None:
    try:
        broker = RedisBroker(settings.redis_url, key_prefix=settings.key_prefix)
    except BrokerRefused as error:
        raise SettingsError(f"TAILCAST_REDIS_URL: {error}") from error
    tailer = Tailer(broker, options_of(settings))
    collecting = asyncio.create_task(
        collect_after(tailer.has_begun, most_seconds=COLLECTED_AFTER_SECONDS)
    )
    try:
        async with aclosing(broker):
            with telling(settings.ready_fd, tailer.why_not_ready):
                await run_in_background(
                    tailer,
                    metrics_port=settings.metrics_port,
                    end_seconds=END_SECONDS,
                )
    finally:
        collecting.cancel()


def _note_name(options: Options) -> str:
    """The name of the start note: each choice of files has a note of its own."""
    chosen: list[object] = [
        options.telemetry_patterns,
        options.absolute_paths,
        options.session_prefix,
        *([options.part_patterns] if options.part_patterns else []),
    ]
    what = sha256(json.dumps(chosen).encode()).hexdigest()[:16]
    return f"{what} {options.owner}"

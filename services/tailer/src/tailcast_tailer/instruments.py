"""What the tailer says of itself: one typed door for metrics and logs together.

Each method stands for one event; it counts and logs it, and is called in the event loop
only. Nothing else in this package logs or counts; `meters` has the counters, and
`source_log` what is said of files that are not followed. There is at most one line per
batch (debug) and per event of a file (info); events that may come in great numbers are
logged once, and then summed up.
"""

from collections.abc import Callable, Sequence
from time import monotonic

import structlog
from prometheus_client import CollectorRegistry, generate_latest

from tailcast_service.broker_news import BrokerNews
from tailcast_service.build_metric import tell_build
from tailcast_service.few_lines import FewLines
from tailcast_service.meters import MeterMaker
from tailcast_service.readers import Readers
from tailcast_service.sparing import Sparing
from tailcast_streams.entries import NewRejection
from tailcast_tailer.meters import METERS, Meters
from tailcast_tailer.source_log import SourceLog


# Sessions of one listing that are logged by name.
TOLD_AT_ONCE = 20
# Between two log lines about rejected lines of one session.
REJECTIONS_TOLD_SECONDS = 60.0


class Instruments:
    """Counters, gauges and log lines of one tailer."""

    def __init__(self, *, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        # Bound once: else each line would be, one that nobody sees too.
        log = structlog.stdlib.get_logger("tailer").bind()
        self._log = FewLines(log, clock=clock)
        # Own registry: several tailers may live in one process.
        self.registry = CollectorRegistry()
        tell_build(self.registry)
        self._meters = Meters(self.registry)
        # Changes, by whether a notification told of them; looks, by whether the loop
        # made them.
        changes, looks = self._meters.changes, self._meters.looks
        self._changes = {True: changes.labels("hint"), False: changes.labels("sweep")}
        self._looks = {True: looks.labels("loop"), False: looks.labels("thread")}
        # What is told of the broker.
        self.broker = BrokerNews(
            MeterMaker(METERS, self.registry),
            self._log,
            clock=clock,
            when_full="trimming, and waiting for room",
        )
        # What became of files.
        self.sources = SourceLog(self._log, self._meters, clock=clock)
        # Who reads them.
        self.readers = Readers()
        # By session: when rejections were last logged, and how many there were since.
        self._untold: dict[str, tuple[float, int]] = {}
        # Conditions that last and are logged once: the condition, and what it is about.
        self._told: set[tuple[str, str]] = set()
        # Decides how often the loss of hints is logged.
        self._sparing = Sparing(clock=clock)
        # Bytes in files that are not in the broker yet, by path.
        self._behind: dict[str, int] = {}

    def exposition(self) -> bytes:
        """All metrics in Prometheus' text format."""
        self.readers.note()
        return generate_latest(self.registry)

    def started(self, *, owner: str, roots: Sequence[str]) -> None:
        """The tailer begins to look for files."""
        self._log.info("following files", owner=owner, roots=list(roots))

    def stopped(self) -> None:
        """The tailer ended in order."""
        self._log.info("stopped")

    def watch_calls(self, count_hanging: Callable[[], int]) -> None:
        """Have it told how many calls to files do not come back, when that is asked."""
        self._meters.hanging.set_function(count_hanging)

    def watch_first(self, count_waiting: Callable[[], int]) -> None:
        """Have it told how many files of the start had no turn yet, likewise."""
        self._meters.waiting.set_function(count_waiting)

    def watch_kept(self, count_bytes: Callable[[], int]) -> None:
        """Have it told how many bytes of files all streams hold, likewise."""
        self._meters.kept.set_function(count_bytes)

    def files_left(self, jobs: int) -> None:
        """The tailer ended while calls for this number of files had not returned."""
        self._log.warning("ended without a file system that hangs", files=jobs)

    def sessions_found(self, found: Sequence[tuple[str, str]]) -> None:
        """Files that were listed together are followed from now on: session, path."""
        self._meters.files.inc(len(found))
        for session, path in found[:TOLD_AT_ONCE]:
            self._log.info("session found", session=session, path=path)
        if len(found) > TOLD_AT_ONCE:
            self._log.info("more sessions found", sessions=len(found) - TOLD_AT_ONCE)

    def files_forgotten(self, forgotten: Sequence[tuple[str, str | None]]) -> None:
        """Files were deleted, and are known no longer: path, session if it has one."""
        for path, session in forgotten:
            behind = self._behind.pop(path, 0)
            self._meters.bytes_behind.dec(behind)
            self._told -= {("unseen", path), ("document", path), ("path", path)}
            if session is not None:
                self.rewrite_settled(session)
                self._told -= {("old", session), ("crowded", session)}
                self._untold.pop(session, None)
                self._meters.files.dec()
        if forgotten:
            self._log.info("deleted files are forgotten", files=len(forgotten))

    def file_is_old(self, session: str, *, days: float) -> None:
        """A file is left out because it has not changed for `days`."""
        if self._remember("old", session):
            self._meters.old_files.inc()
            self._log.info(
                "left out until it changes: older than TAILCAST_SESSION_TTL",
                session=session,
                days=round(days, 1),
            )

    def batch_appended(
        self, session: str, *, records: int, size: int, seconds: float
    ) -> None:
        """A batch is in the broker; `size` in bytes of the file."""
        self._meters.records.inc(records)
        self._meters.bytes.inc(size)
        self._meters.append_seconds.observe(seconds)
        self.broker.has_room()
        self._log.debug("appended", session=session, records=records, bytes=size)

    def lines_rejected(self, session: str, rejections: Sequence[NewRejection]) -> None:
        """Lines went to the rejected stream."""
        self._meters.rejections.inc(len(rejections))
        now = self._clock()
        told_at, untold = self._untold.get(session, (-REJECTIONS_TOLD_SECONDS, 0))
        untold += len(rejections)
        if now - told_at < REJECTIONS_TOLD_SECONDS:
            self._untold[session] = (told_at, untold)
            return
        self._untold[session] = (now, 0)
        last = rejections[-1]
        self._log.warning(
            "lines rejected",
            session=session,
            lines=untold,
            last_reason=last.reason,
            last_offset=last.offset - last.length - 1,
        )

    def text_passed_over(self, session: str, lines: int) -> None:
        """Lines between records are text, in a file that may have some."""
        self._meters.text.inc(lines)
        if self._remember("text", session):
            self._log.info("passing over lines of text", session=session)

    def batch_narrowed(self, session: str, lines: int, error: Exception) -> None:
        """A batch could not be taken: fewer lines are, and one alone is rejected."""
        self._meters.narrowed.inc()
        self._log.debug(
            "batch could not be taken", session=session, lines=lines, reason=str(error)
        )

    def bytes_behind(self, path: str, size: int) -> None:
        """`size` bytes of the file are not in the broker yet."""
        before = self._behind.get(path, 0)
        if size != before:
            self._meters.bytes_behind.inc(size - before)
            self._behind[path] = size

    def change_noticed(self, *, by_hint: bool) -> None:
        """A file changed; a notification or the sweep showed it."""
        self._changes[by_hint].inc()

    def looked(self, *, in_loop: bool) -> None:
        """A file was looked at for what follows what was read."""
        self._looks[in_loop].inc()

    def device_slow(self, path: str, seconds: float) -> None:
        """A look in the loop took long: threads look at files of that device, soon."""
        self._meters.slow_looks.inc()
        self._log.info(
            "a file system took its time, leaving it to threads",
            path=path,
            seconds=round(seconds, 2),
        )

    def generation_began(
        self, session: str, generation: int, *, reason: str, kept: int, complete: bool
    ) -> None:
        """A file began anew; `kept` bytes at its front are what they were."""
        self._meters.generations.labels(reason).inc()
        self._log.info(
            "file began anew",
            session=session,
            generation=generation,
            reason=reason,
            kept_bytes=kept,
            old_file_complete=complete,
        )

    def rewrite_refused(self, session: str, owner: str) -> None:
        """Another tailer owns the session, and its file has other bytes than ours."""
        if self._remember("refused", session):
            self._meters.refused.labels("rewrite").inc()
            self._meters.disputed.inc()
            self._log.warning(
                "session is owned by another tailer that sees other bytes",
                session=session,
                owner=owner,
            )

    def claim_answered(self, session: str, claimant: str) -> None:
        """Another tailer, whose file has other bytes, claims a session of this one."""
        if self._remember("claimed", f"{session}\0{claimant}"):
            self._log.warning(
                "session is claimed by another tailer that sees other bytes",
                session=session,
                claimant=claimant,
            )

    def claim_unanswered(self, session: str, owner: str) -> None:
        """The owner does not see a file of the session: this tailer takes it."""
        self._meters.claims.labels("taken").inc()
        self._log.info("owner sees no file, taking over", session=session, owner=owner)

    def given_up(self, session: str) -> None:
        """The file of a session that this tailer owned is gone."""
        self._meters.claims.labels("given up").inc()
        self._log.info("file is gone, session is anybody's", session=session)

    def rewrite_settled(self, session: str) -> None:
        """The file is as it was stored again, or has a new generation."""
        if self._forget("refused", session):
            self._meters.disputed.dec()
        self._forget("contested", session)

    def middle_compared(self, session: str, *, is_same: bool) -> None:
        """A file that was changed without growing was held against what is stored."""
        self._meters.compared.labels("same" if is_same else "other").inc()
        if not is_same:
            self._log.info("file was changed in its middle", session=session)

    def session_contested(self, session: str) -> None:
        """Its file was written anew too soon after it was before: it waits."""
        if self._remember("contested", session):
            self._meters.contested.inc()
            self._log.warning(
                "session is contested: its file began anew too often", session=session
            )

    def path_missing(self, path: str) -> None:
        """A path that was named is not there; it is waited for, whatever it will be."""
        self._log.warning("nothing has this path yet: waiting for it", path=path)

    def cannot_see(self, path: str, reason: str) -> None:
        """A file, or what is below a directory, cannot be read now."""
        if self._remember("unseen", path):
            self._log.info("cannot be seen now", path=path, reason=reason)

    def can_see(self, path: str) -> None:
        """It can be read."""
        if self._told and self._forget("unseen", path):
            self._log.info("can be seen again", path=path)

    def hole_taken(self, session: str, offset: int) -> None:
        """NUL bytes stayed: they are part of the file."""
        self._meters.holes.inc()
        self._log.warning("NUL bytes stayed", session=session, offset=offset)

    def bytes_held_back(self, session: str, held_bytes: int) -> None:
        """So many bytes behind the last line are no line, and rest; 0: no more."""
        if held_bytes:
            self._meters.held_back.inc()
        self._log.debug("bytes held back", session=session, bytes=held_bytes)

    def line_unended(self, session: str) -> None:
        """A line was taken though its newline has not come."""
        self._meters.unended.inc()
        self._log.debug("line taken without its newline", session=session)

    def append_conflicted(self, session: str) -> None:
        """What is stored is not what was expected."""
        self._meters.conflicts.inc()
        self._log.debug("append did not follow on", session=session)

    def session_healed(self, session: str, size: int) -> None:
        """The broker lost `size` bytes; they are read again."""
        self._meters.healed.inc(size)
        self._log.warning("broker forgot, reading again", session=session, bytes=size)

    def key_mended(self, key: str) -> None:
        """Another program had written a key that is of no session: it is made anew."""
        self._meters.mended.inc()
        self._log.warning("another program wrote a key, made anew", key=key)

    def session_diverged(self, session: str) -> None:
        """Stream and state disagreed; they were deleted and are made anew."""
        self._meters.diverged.inc()
        self._log.warning("stream and state disagreed, reading anew", session=session)

    def trimmed(self, why: str, size: int) -> None:
        """Older entries were cut off a stream; `size` in bytes of the file."""
        self._meters.trimmed.labels(why).inc(size)

    def trimmed_unindexed(self, session: str, why: str, size: int) -> None:
        """Some of that, about, was in no index yet, which has a gap there now."""
        self._meters.unindexed.labels(why).inc(size)
        self._log.warning(
            "trimmed before it was indexed: figures and curves have a gap there",
            session=session,
            bytes=size,
            why=why,
        )

    def clock_stepped(self, seconds: float) -> None:
        """The machine's clock was set, by `seconds`."""
        self._meters.steps.inc()
        self._log.warning("the clock was set", by_seconds=round(seconds, 1))

    def session_emptied(self, session: str, *, days: float) -> None:
        """A session lived its time: its stream is trimmed to nothing."""
        self._meters.expired.labels("emptied").inc()
        self._log.info(
            "emptied: older than TAILCAST_SESSION_TTL",
            session=session,
            days=round(days, 1),
        )

    def session_deleted(self, session: str, *, days: float) -> None:
        """Nothing of a session is left: its file is gone for long."""
        self._meters.expired.labels("deleted").inc()
        self._log.info(
            "deleted: its file is absent for longer than TAILCAST_SESSION_TTL",
            session=session,
            days=round(days, 1),
        )

    def session_taken_out(self, session: str) -> None:
        """The broker keeps as many sessions as it may: this one was the coldest."""
        self._meters.taken_out.inc()
        if times := self._sparing.came("taken out"):
            self._log.info(
                "sessions taken out for others, as TAILCAST_MAX_SESSIONS has it",
                sessions=times,
                last_session=session,
            )

    def session_refused(self, session: str) -> None:
        """There is no room for another session, and none could be made."""
        if not self._remember("crowded", session):
            return
        self._meters.refused.labels("session").inc()
        if times := self._sparing.came("crowded"):
            self._log.warning(
                "file refused: the broker keeps TAILCAST_MAX_SESSIONS sessions",
                files=times,
                last_session=session,
            )

    def session_let_in(self, session: str) -> None:
        """It has begun, or its file is gone."""
        self._forget("crowded", session)

    def beside_told(self, session: str, names: Sequence[str]) -> None:
        """What stands beside a session's records was told."""
        self._meters.told_beside.inc()
        self._log.debug("beside the records", session=session, what=", ".join(names))

    def hints_failed(self, reason: str) -> None:
        """File notifications do not work now; the sweep goes on."""
        if self._remember("hints", reason):
            self._log.warning("no file notifications, looking myself", reason=reason)

    def hints_lost(self) -> None:
        """More changed at once than the kernel keeps: all files are looked at."""
        self._meters.hints_lost.inc()
        if times := self._sparing.came("hints lost"):
            self._log.info("file notifications lost, looking at all", times=times)

    def document_added(self, path: str, session: str, *, is_new: bool) -> None:
        """An emergency document is in the broker; perhaps it was there already."""
        self._meters.documents.labels("added" if is_new else "known").inc()
        if is_new:
            self._log.warning("emergency document", path=path, session=session or None)

    def document_unreadable(self, path: str, why: str, *, is_new: bool) -> None:
        """What says that an emergency file is no document is in the broker."""
        self._meters.documents.labels("unreadable" if is_new else "known").inc()
        if is_new:
            self._log.warning("unreadable emergency file", path=path, reason=why)

    def document_rejected(self, path: str, reason: str) -> None:
        """A file below an emergency directory is no document, and nobody is told."""
        if self._remember("document", path):
            self._meters.documents.labels("rejected").inc()
            self._log.warning("emergency file rejected", path=path, reason=reason)

    def task_ended(self, error: Exception) -> None:
        """A task has ended that was to run as long as the tailer, which ends now."""
        self._meters.defects.inc()
        self._log.error("defect: ending", reason=str(error))

    def defect(self, what: str, error: Exception) -> None:
        """Something failed that should not; it is tried again later."""
        self._meters.defects.inc()
        self._log.error("defect", what=what, exc_info=error)

    def _remember(self, what: str, whom: str) -> bool:
        """Whether this is new."""
        if (what, whom) in self._told:
            return False
        self._told.add((what, whom))
        return True

    def _forget(self, what: str, whom: str) -> bool:
        """Whether this was so."""
        if (what, whom) not in self._told:
            return False
        self._told.remove((what, whom))
        return True

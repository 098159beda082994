"""What the indexer says of itself: one typed door for metrics and logs together.

Each method stands for one event; it counts and logs it, and is called in the event loop
only. Nothing else in this package logs or counts; `meters` has the counters. What may
come in great numbers is logged once, and then summed up.
"""

from collections.abc import Callable
from time import monotonic
from typing import NamedTuple

import structlog
from prometheus_client import CollectorRegistry, generate_latest

from tailcast_indexer.meters import Meters
from tailcast_service.build_metric import tell_build
from tailcast_service.few_lines import FewLines
from tailcast_service.readers import Readers
from tailcast_service.sparing import Sparing
from tailcast_streams.exceptions import BrokerError, BrokerRefused


# How long a refusal makes the indexer unready: a refused call is tried again within
# a minute.
REFUSED_SECONDS = 15.0
# The code of refusals that concern one key only.
ONE_KEY = "WRONGTYPE"


class Condition(NamedTuple):
    """How far the indexer is."""

    # How many indexes are in memory, and what they cost.
    sessions: int = 0
    memory_bytes: int = 0
    # How many sessions have entries that are in no index, and for how long the oldest
    # of these has waited.
    behind: int = 0
    lag_seconds: float = 0.0
    # How many are left alone after a failure.
    aside: int = 0


class Instruments:
    """Counters, gauges and log lines of one indexer."""

    def __init__(self, *, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._log = FewLines(structlog.stdlib.get_logger("indexer"), clock=clock)
        # Own registry: several indexers may live in one process.
        self.registry = CollectorRegistry()
        tell_build(self.registry)
        self._meters = Meters(self.registry)
        # Who reads them.
        self.readers = Readers()
        # How far the indexer is, when that is asked.
        self.condition: Callable[[], Condition] = Condition
        # Since when the broker is away, None while it answers.
        self._away_since: float | None = None
        # Whether it was logged that the broker cannot be reached.
        self._is_away = False
        # Whether it was logged that it is full.
        self.is_broker_full = False
        # The last refusal that concerns more than one key, and when it came.
        self._refusal, self._refused_at = "", 0.0
        # Decides which refusals are logged.
        self._sparing = Sparing(clock=clock)

    def exposition(self) -> bytes:
        """All metrics in Prometheus' text format."""
        self.readers.note()
        condition = self.condition()
        self._meters.sessions.set(condition.sessions)
        self._meters.memory.set(condition.memory_bytes)
        self._meters.behind.set(condition.behind)
        self._meters.lag.set(condition.lag_seconds)
        self._meters.aside.set(condition.aside)
        return generate_latest(self.registry)

    @property
    def refusal(self) -> str:
        """What the broker refuses to all, "" if nothing."""
        is_recent = self._clock() - self._refused_at < REFUSED_SECONDS
        return self._refusal if is_recent else ""

    def started(self, *, name: str) -> None:
        """The indexer begins."""
        self._log.info("indexing", indexer=name)

    def stopped(self, *, unwritten: int) -> None:
        """The indexer ended in order; some indexes may be made further by another."""
        self._log.info("stopped", unwritten=unwritten)

    def sharing(self, indexers: int) -> None:
        """So many indexers share the sessions from now on."""
        self._meters.sharing.set(indexers)
        self._log.info("sharing the sessions", indexers=indexers)

    def folded(self, *, records: int, size: int) -> None:
        """Entries are in an index in memory; `size` in bytes of their records."""
        self._meters.entries.inc(records)
        self._meters.bytes.inc(size)

    def wrote(self, writes: int, *, size: int, seconds: float) -> None:
        """Indexes were written, unless somebody else had written them."""
        self._meters.writes.inc(writes)
        self._meters.written.inc(size)
        self._meters.write_seconds.observe(seconds)
        self.broker_has_room()

    def conflict(self, session: str) -> None:
        """Somebody else wrote an index, or the broker forgot it: it is read anew."""
        self._meters.conflicts.inc()
        self._log.debug("conflict", session=session)

    def made_anew(self, session: str, why: str) -> None:
        """An index is made anew from the stream."""
        self._meters.anew.labels(why).inc()
        self._log.debug("made anew", session=session, why=why)

    def foreign(self, session: str) -> None:
        """Another program wrote a key of an index."""
        self._meters.foreign.inc()
        if times := self._sparing.came(("foreign", session)):
            self._log.error(
                "another program wrote a key of the index: delete it,"
                " or set another prefix",
                session=session,
                times=times,
            )

    def orphan_discarded(self, session: str) -> None:
        """There was an index, and no session."""
        self._meters.orphans.inc()
        self._log.info("index of no session deleted", session=session)

    def evicted(self) -> None:
        """An index was dropped from memory, since others need the room."""
        self._meters.evicted.inc()

    def hints_lost(self) -> None:
        """Notifications were lost: all sessions are compared."""
        self._meters.hints_lost.inc()

    def broker_lost(self, error: BrokerError) -> None:
        """A call failed; all others wait until one succeeds."""
        self._meters.broker_up.set(0)
        if self._away_since is None:
            self._away_since = self._clock()
        if isinstance(error, BrokerRefused):
            self.broker_refused(error, "all")
            return
        is_news, self._refusal = not self._is_away, ""
        self._is_away = True
        self._count(error)
        if is_news:
            self._log.warning("broker cannot be reached, waiting", reason=str(error))

    def broker_refused(self, error: BrokerError, what: str) -> None:
        """The broker refuses something; `what` is the session or the task."""
        self._count(error)
        if error.code != ONE_KEY:
            self._refusal, self._refused_at = str(error), self._clock()
        if times := self._sparing.came((error.code or str(error), what)):
            self._log.error("broker refused", what=what, reason=str(error), times=times)

    def _count(self, error: BrokerError) -> None:
        self._meters.broker_errors.labels(type(error).__name__, error.code).inc()

    def broker_answers(self) -> None:
        """A call succeeded after one that did not."""
        self._meters.broker_up.set(1)
        self._refusal, self._is_away = "", False
        if self._away_since is not None:
            seconds = round(self._clock() - self._away_since, 1)
            self._away_since = None
            self._log.info("broker is back", away_seconds=seconds)

    def broker_is_full(self) -> None:
        """A write was refused for want of memory."""
        self._meters.broker_errors.labels("BrokerFull", "OOM").inc()
        self._meters.times_full.inc()
        self._meters.broker_full.set(1)
        if not self.is_broker_full:
            self.is_broker_full = True
            self._log.error("broker is full: waiting for room")

    def broker_has_room(self) -> None:
        """Something could be written."""
        if self.is_broker_full:
            self.is_broker_full = False
            self._meters.broker_full.set(0)
            self._log.info("broker has room again")

    def task_ended(self, error: Exception) -> None:
        """A task has ended that was to run as long as the indexer, which ends now."""
        self._meters.defects.inc()
        self._log.error("defect: ending", reason=str(error))

    def defect(self, what: str, error: Exception) -> None:
        """Something failed that should not; it is tried again later."""
        self._meters.defects.inc()
        self._log.error("defect", what=what, exc_info=error)

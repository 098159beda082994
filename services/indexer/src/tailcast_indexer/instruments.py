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

from tailcast_indexer.meters import METERS, Meters
from tailcast_service.broker_news import BrokerNews
from tailcast_service.build_metric import tell_build
from tailcast_service.few_lines import FewLines
from tailcast_service.meters import MeterMaker
from tailcast_service.readers import Readers
from tailcast_service.sparing import Sparing


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
        self._log = FewLines(structlog.stdlib.get_logger("indexer"), clock=clock)
        # Own registry: several indexers may live in one process.
        self.registry = CollectorRegistry()
        tell_build(self.registry)
        self._meters = Meters(self.registry)
        # Who reads them.
        self.readers = Readers()
        # How far the indexer is, when that is asked.
        self.condition: Callable[[], Condition] = Condition
        # What is told of the broker.
        self.broker = BrokerNews(
            MeterMaker(METERS, self.registry),
            self._log,
            clock=clock,
            when_full="waiting for room",
        )
        # Decides which keys of other programs are logged.
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
        self.broker.has_room()

    def emergencies_kept(self, found: int, *, dropped: int) -> None:
        """Emergencies were found and are kept; others went for the bounds."""
        self._meters.emergencies.labels("kept").inc(found)
        self._meters.emergencies.labels("dropped").inc(dropped)

    def conflict(self, session: str) -> None:
        """Somebody else wrote an index, or the broker forgot it: it is read anew."""
        self._meters.conflicts.inc()
        self._log.debug("conflict", session=session)

    def made_anew(self, session: str, why: str) -> None:
        """An index is made anew from the stream."""
        self._meters.anew.labels(why).inc()
        self._log.debug("made anew", session=session, why=why)

    def foreign(self, session: str) -> None:
        """Another program wrote a key of an index, which is made anew."""
        self._meters.foreign.inc()
        if times := self._sparing.came(("foreign", session)):
            self._log.error(
                "another program wrote a key of the index, which is made anew:"
                " set another prefix",
                session=session,
                times=times,
            )

    def emergencies_spoiled(self) -> None:
        """Another program wrote a key of the kept emergencies."""
        self._meters.foreign.inc()
        self._log.error(
            "another program wrote a key of the kept emergencies: all indexes are made"
            " anew, to find those that the streams still have"
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

    def task_ended(self, error: Exception) -> None:
        """A task has ended that was to run as long as the indexer, which ends now."""
        self._meters.defects.inc()
        self._log.error("defect: ending", reason=str(error))

    def defect(self, what: str, error: Exception) -> None:
        """Something failed that should not; it is tried again later."""
        self._meters.defects.inc()
        self._log.error("defect", what=what, exc_info=error)

"""What a service tells of its broker: that it is away, refuses, is full, or is back.

One for all services that work behind the scenes. Knows no error by its class: each says
itself what it is. What lasts is logged once; what comes again and again is summed up.
"""

from collections.abc import Callable
from typing import Protocol

from tailcast_service.few_lines import FewLines
from tailcast_service.meters import MeterMaker
from tailcast_service.sparing import Sparing


__all__ = ["BrokerNews", "Failure"]

# How long a refusal makes a service unready: what was refused is tried again within a
# minute, mostly sooner.
REFUSED_SECONDS = 15.0
# The code of refusals that concern one key only.
ONE_KEY = "WRONGTYPE"


class Failure(Protocol):
    """Why a call to the broker failed; its text is one line for people."""

    @property
    def code(self) -> str:
        """The broker's own code, "" without one."""
        ...

    @property
    def is_refusal(self) -> bool:
        """Whether it stays so until somebody changes something."""
        ...


class BrokerNews:
    """Counters, gauges and log lines about the broker of one service."""

    def __init__(
        self,
        make: MeterMaker,
        log: FewLines,
        *,
        clock: Callable[[], float],
        when_full: str,
    ) -> None:
        """Prepare.

        Args:
            make: makes the service's meters.
            log: where it tells.
            clock: monotonic seconds.
            when_full: what the service does while the broker is full.
        """
        self._errors = make.counter(
            "broker_errors",
            "Failed calls, by `error` and the broker's own `code`; `BrokerRefused` and"
            " `BrokerUnwilling` need somebody to act",
            "error",
            "code",
        )
        self._times_full = make.counter(
            "full_refusals", "Writes that the broker refused for want of memory"
        )
        self._up = make.gauge("broker_up", "1 while the broker answers")
        self._full = make.gauge(
            "broker_full", "1 while the broker has no memory for more"
        )
        self._log = log
        self._clock = clock
        self._when_full = when_full
        # Since when the broker is away, None while it answers.
        self._away_since: float | None = None
        # Whether it was logged that the broker cannot be reached.
        self._is_away = False
        # Whether it was logged that it is full.
        self.is_full = False
        # The last refusal that concerns more than one key, and when it came.
        self._refusal, self._refused_at = "", 0.0
        # Decides which refusals are logged.
        self._sparing = Sparing(clock=clock)

    @property
    def refusal(self) -> str:
        """What the broker refuses to all, in words for people; "" if nothing."""
        is_recent = self._clock() - self._refused_at < REFUSED_SECONDS
        return self._refusal if is_recent else ""

    def lost(self, error: Failure) -> None:
        """A call failed; all others wait until one succeeds."""
        self._up.set(0)
        if self._away_since is None:
            self._away_since = self._clock()
        if error.is_refusal:
            self.refused(error, "all")
            return
        is_news, self._refusal = not self._is_away, ""
        self._is_away = True
        self._count(error)
        if is_news:
            self._log.warning("broker cannot be reached, waiting", reason=str(error))

    def refused(self, error: Failure, what: str, *, matters: bool = True) -> None:
        """The broker refuses something.

        Args:
            error: why.
            what: the file, the session or the task that it was for.
            matters: whether the service cannot do its work without it.
        """
        self._count(error)
        is_of_one = error.code == ONE_KEY
        if matters and not is_of_one:
            self._refusal, self._refused_at = str(error), self._clock()
        kind = error.code or str(error)
        if times := self._sparing.came((kind, what if is_of_one else "")):
            self._log.error("broker refused", what=what, reason=str(error), times=times)

    def answers(self) -> None:
        """A call succeeded after one that did not."""
        self._up.set(1)
        self._refusal, self._is_away = "", False
        if self._away_since is not None:
            seconds = round(self._clock() - self._away_since, 1)
            self._away_since = None
            self._log.info("broker is back", away_seconds=seconds)

    def full(self) -> None:
        """A write was refused for want of memory."""
        self._errors.labels("BrokerFull", "OOM").inc()
        self._times_full.inc()
        self._full.set(1)
        if not self.is_full:
            self.is_full = True
            self._log.error(f"broker is full: {self._when_full}")

    def has_room(self) -> None:
        """Something could be written."""
        if self.is_full:
            self.is_full = False
            self._full.set(0)
            self._log.info("broker has room again")

    def _count(self, error: Failure) -> None:
        self._errors.labels(type(error).__name__, error.code).inc()

"""All that runs beside the turns of one tailer, put together."""

import asyncio
from collections.abc import Mapping
from functools import partial

from tailcast_service.clock_steps import ClockSteps
from tailcast_service.tasks import Loop
from tailcast_tailer.following.followed import Followed
from tailcast_tailer.upkeep.audit import Audit
from tailcast_tailer.upkeep.beside import BesideUpkeep
from tailcast_tailer.upkeep.claim_answers import Answers
from tailcast_tailer.upkeep.expiry import Expiry
from tailcast_tailer.upkeep.presence import Presence
from tailcast_tailer.upkeep.sessions import SessionsUpkeep
from tailcast_tailer.upkeep.sizes import SizesUpkeep
from tailcast_tailer.upkeep.sources import SourcesUpkeep


class Upkeep:
    """The upkeep of one tailer."""

    def __init__(
        self,
        *,
        presence: Presence,
        audit: Audit,
        answers: Answers,
        expiry: Expiry,
        sources: SourcesUpkeep,
        sizes: SizesUpkeep,
        sessions: SessionsUpkeep,
        beside: BesideUpkeep,
        clock_steps: ClockSteps,
    ) -> None:
        self.presence = presence
        self._audit = audit
        self._answers = answers
        self._expiry = expiry
        self.sources = sources
        self._sizes = sizes
        self._sessions = sessions
        self._beside = beside
        self._clock_steps = clock_steps

    def include(self, followed: Followed) -> None:
        """Look after one more file."""
        self._audit.include(followed)
        self._answers.include(followed)
        self._expiry.include(followed)
        self._sessions.include(followed)
        self._beside.include(followed)

    def exclude(self, followed: Followed) -> None:
        """Look after it no longer."""
        self._audit.exclude(followed)
        self._answers.exclude(followed)
        self._expiry.exclude(followed)
        self._sessions.exclude(followed)
        self._beside.exclude(followed)

    def loops(self, has_listed: asyncio.Event) -> Mapping[str, Loop]:
        """What runs as long as the tailer, by the names of the tasks.

        `has_listed` is set once all files that were there at the start were found.
        """
        return {
            "presence": self.presence.run,
            "audit": self._audit.run,
            "touch": self._audit.touch,
            "answers": self._answers.run,
            "expiry": partial(self._expiry.run, has_listed),
            "sources": self.sources.run,
            "sizes": self._sizes.run,
            "sessions": self._sessions.run,
            "beside": self._beside.run,
            "clock steps": self._clock_steps.run,
        }

"""What became of each path is kept in the broker, for gateways to tell.

Once a second what changed is written, which usually is nothing; now and then the
overview, so that the broker keeps it all. If the broker does not have what was written
last, everything is written anew. Nothing else depends on it.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from functools import partial

from tailcast_service.pauses import next_tick
from tailcast_streams.broker import SessionWriter
from tailcast_streams.exceptions import BrokerError, BrokerRefused, BrokerUnwilling
from tailcast_streams.sources import Overview, Source
from tailcast_tailer.core.register import Register
from tailcast_tailer.core.source_report import SourceReport, WatchedPath
from tailcast_tailer.files.file_system import why_unseen
from tailcast_tailer.files.threads import FileJobs
from tailcast_tailer.instruments import Instruments
from tailcast_tailer.upkeep.presence import Presence


PUBLISH_SECONDS = 1.0
# How often the overview is written though nothing changed; it is kept for a minute.
OVERVIEW_SECONDS = 15.0
# How long a file system may take to show what is watched.
PLACES_SECONDS = 0.5
NO_ANSWER = "its file system does not answer"


class _Place:
    """A path that is watched, looked at again and again, never twice at once."""

    def __init__(self, path: str, jobs: FileJobs) -> None:
        self.path = path
        self._jobs = jobs
        self._look: Future[str] | None = None

    def look(self) -> Future[str]:
        """Why it cannot be seen, "" if it can: what is asked now, or still is."""
        if self._look is None or self._look.done():
            self._look = self._jobs.send(partial(why_unseen, self.path))
        return self._look


class SourcesUpkeep:
    """Publishes the sources of one tailer."""

    def __init__(
        self,
        writer: SessionWriter,
        presence: Presence,
        *,
        owner: str,
        register: Register,
        watched: Sequence[WatchedPath],
        instruments: Instruments,
        jobs: Callable[[], FileJobs],
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
    ) -> None:
        """Prepare; `jobs` makes what runs blocking work in order, never two at once."""
        self._writer = writer
        self._presence = presence
        self._owner = owner
        self._register = register
        self._watched = watched
        self._instruments = instruments
        self._places = [_Place(one.path, jobs()) for one in watched]
        self._clock = clock
        self._wall_clock = wall_clock
        self._report = SourceReport(watched)
        # What was published last; None before.
        self._published: Overview | None = None
        # Whether all that was published is there, as far as is known.
        self._is_whole = False
        # When the overview is written next in any case.
        self._refresh_at = 0.0
        # When the listing was through last, Unix milliseconds; 0: not yet.
        self._looked_ms = 0
        self._was_told = False

    def listed(self) -> None:
        """The names below all roots were gone through."""
        self._looked_ms = int(self._wall_clock() * 1_000)

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            await self._presence.wait_until_up()
            try:
                await self.publish()
            except BrokerError as error:
                await self._failed(error)
            await next_tick(PUBLISH_SECONDS)

    async def _failed(self, error: BrokerError) -> None:
        is_ours_alone = isinstance(error, BrokerRefused)
        if not is_ours_alone or isinstance(error, BrokerUnwilling):
            self._presence.lost(error, "sources")
            return
        # An account without the permission; lines are streamed all the same.
        self._instruments.broker.refused(error, "sources", matters=False)
        await asyncio.sleep(OVERVIEW_SECONDS)

    async def publish(self) -> None:
        """Write what changed, and the overview if it is time. Raises BrokerError."""
        changed = self._register.take_changed()
        is_first_look = bool(self._looked_ms) and not self._was_told
        is_due = self._clock() >= self._refresh_at
        if not (changed or is_first_look or is_due):
            return
        try:
            await self._write(changed, is_due=is_due)
        except BaseException:
            self._register.put_back(changed)
            # Some of it may be there.
            self._is_whole = False
            self._refresh_at = 0.0
            raise
        self._tell(changed)

    async def _write(
        self, changed: Mapping[str, Source | None], *, is_due: bool
    ) -> None:
        sources = self._writer.sources
        unseen = await self._look_at_places()
        if not self._is_whole:
            await sources.forget(self._owner)
            self._published = None
            self._report = SourceReport(self._watched)
            changed = {**self._register.sources}
        told = {**self._report.take(changed)}
        if is_due:
            told |= self._report.fill(self._register.sources)
        overview = self._report.overview(
            self._owner,
            self._register.counts,
            looked_ms=self._looked_ms,
            unseen=unseen,
        )
        before = await sources.publish(overview, told)
        # If another one was there, the broker forgot, or somebody wrote over it.
        self._is_whole = before == self._published
        self._published = overview
        pause = OVERVIEW_SECONDS if self._is_whole else 0.0
        self._refresh_at = self._clock() + pause

    async def _look_at_places(self) -> dict[str, str]:
        """By watched path, why it cannot be seen; a while is waited for each."""
        looks = [place.look() for place in self._places]
        waiting = [asyncio.wrap_future(look) for look in looks if not look.done()]
        if waiting:
            await asyncio.wait(waiting, timeout=PLACES_SECONDS)
        return {
            place.path: why
            for place, look in zip(self._places, looks, strict=True)
            if (why := look.result() if look.done() else NO_ANSWER)
        }

    def _tell(self, changed: Mapping[str, Source | None]) -> None:
        """Log what there is once, and then what changed."""
        told = self._instruments.sources
        told.counted(self._register.counts)
        # The listing may have gone through while this was written.
        if self._published is None or not self._published.looked_ms:
            return
        if not self._was_told:
            self._was_told = True
            told.listed(self._published)
        told.changed([source for source in changed.values() if source is not None])

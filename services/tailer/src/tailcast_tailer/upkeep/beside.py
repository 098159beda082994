"""What stands beside the records of sessions is told to the broker, for all who ask.

Directories are looked at in turn, those whose files are being written to more often.
What is told is compared with what is stored at the first look, and from time to time;
else only what changed is told. No line waits for it, and nothing depends on it.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from itertools import chain, islice, starmap
from typing import Final, NamedTuple

from tailcast_service.pauses import next_tick, wait_or_timeout
from tailcast_streams.broker import SessionWriter
from tailcast_streams.exceptions import BrokerError, BrokerRefused, BrokerUnwilling
from tailcast_streams.sources import Source, SourceState
from tailcast_tailer.core.beside import MAX_BYTES
from tailcast_tailer.core.register import Register
from tailcast_tailer.core.schedule import Schedule
from tailcast_tailer.core.texts import as_text
from tailcast_tailer.files.beside import Beside, Directory, look_at_all
from tailcast_tailer.files.file_system import Glimpse
from tailcast_tailer.files.threads import Device, FileJobs, FileThreads
from tailcast_tailer.following.follower import Follower
from tailcast_tailer.instruments import Instruments
from tailcast_tailer.upkeep.presence import Presence


TICK_SECONDS = 1.0
# How long the files that are there may have their first turns before that.
BEGUN_SECONDS = 60.0
# From one look at a directory to the next: while its files are written to, and else.
ACTIVE_SECONDS = 5.0
IDLE_SECONDS = 60.0
# How long after its last change a file counts as being written to.
ACTIVE_AGE_SECONDS = 60.0
# After which time what is stored is compared again.
COMPARE_SECONDS = 600.0
# The same for files that are new, until something could be told of them.
NEW_SECONDS = 1.0
# How long others wait for a device that does not answer.
BESIDE_SECONDS = 5.0
# How many files are looked at in one go, and sessions told of.
FILES_AT_ONCE = 2_000
SESSIONS_AT_ONCE = 64

_MEND: Final = (
    "let the tailer read it: one object, in JSON or plain YAML, of at most"
    f" {MAX_BYTES} bytes"
)


class _Told(NamedTuple):
    """What is stored of a session, for all that is known."""

    incarnation: str
    told: Mapping[str, bytes]
    compared_at: float


class _Place:
    """One directory."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.looks = Directory(path)
        # Its files, by path.
        self.followers: dict[str, Follower] = {}
        # What could not be read: what was known of these paths before.
        self.refused: dict[str, Source | None] = {}

    @property
    def device(self) -> Device:
        """Where it is, as far as is known."""
        return next((one.device for one in self.followers.values()), None)


class BesideUpkeep:
    """Tells what stands beside the records of one tailer's sessions."""

    def __init__(
        self,
        writer: SessionWriter,
        presence: Presence,
        *,
        register: Register,
        instruments: Instruments,
        files: FileThreads,
        clock: Callable[[], float],
        begun: asyncio.Event,
    ) -> None:
        """Prepare.

        Args:
            files: the threads that look at files.
            clock: steady seconds.
            begun: set once all files that were there have had a turn.
        """
        self._writer = writer
        self._presence = presence
        self._register = register
        self._instruments = instruments
        self._files = files
        self._clock = clock
        self._begun = begun
        # By path of the directory, and when each is looked at.
        self._places: dict[str, _Place] = {}
        self._due = Schedule[_Place]()
        # What looks at the directories of each device, in order.
        self._looks: dict[Device, FileJobs] = {}
        # Where each file was when it was included: its directory, and its path.
        self._where: dict[Follower, tuple[str, str]] = {}
        # By session.
        self._told: dict[str, _Told] = {}

    def include(self, followed: object) -> None:
        """Tell of this file too."""
        if not isinstance(followed, Follower):
            return
        directory = followed.directory
        place = self._places.get(directory)
        if place is None:
            place = self._places[directory] = _Place(directory)
        place.followers[followed.path] = followed
        self._where[followed] = directory, followed.path
        self._due.hurry(place, self._clock())

    def exclude(self, followed: object) -> None:
        """Tell of this file no longer; what was told stays."""
        if not isinstance(followed, Follower):
            return
        self._told.pop(followed.session, None)
        directory, path = self._where.pop(followed, ("", ""))
        place = self._places.get(directory)
        if place is None or place.followers.get(path) is not followed:
            return
        del place.followers[path]
        self._leave_if_empty(place)

    def _leave_if_empty(self, place: _Place) -> None:
        if not place.followers:
            self._note_refused(place, {})
            self._due.drop(place)
            del self._places[place.path]

    async def run(self) -> None:
        """Tell until cancelled."""
        # Lines go first.
        await wait_or_timeout(self._begun, BEGUN_SECONDS)
        while True:
            await self._presence.wait_until_up()
            try:
                await self.tell()
            except BrokerError as error:
                await self._failed(error)
            if self._due.next_at > self._clock():
                await next_tick(TICK_SECONDS)
            else:
                await asyncio.sleep(0.0)

    async def _failed(self, error: BrokerError) -> None:
        if not isinstance(error, BrokerRefused) or isinstance(error, BrokerUnwilling):
            self._presence.lost(error, "what stands beside records")
            return
        # An account without the permission; lines are streamed all the same.
        self._instruments.broker.refused(error, "descriptions", matters=False)
        await asyncio.sleep(IDLE_SECONDS)

    async def tell(self) -> None:
        """Look at directories that are due, and tell. Raises BrokerError."""
        now = self._clock()
        places = self._take_due(now)
        by_device: defaultdict[Device, list[_Place]] = defaultdict(list)
        for place in places:
            by_device[self._files.lane(place.device)].append(place)
        looks = starmap(self._look, by_device.items())
        found: dict[Follower, Mapping[str, bytes]] = {}
        for place, seen in chain.from_iterable(await asyncio.gather(*looks)):
            self._note_refused(place, seen.unreadable)
            for path, told in seen.told.items():
                if (follower := place.followers.get(path)) is not None:
                    found[follower] = told
        await self._tell_changed(found, now)

    def _take_due(self, now: float) -> list[_Place]:
        """Directories whose time has come, with no more files than one go has."""
        places: list[_Place] = []
        files = 0
        while files < FILES_AT_ONCE and (place := self._due.take(now)):
            # What was left while its device did not answer is due all the same.
            if self._places.get(place.path) is place:
                places.append(place)
                files += len(place.followers)
        for place in places:
            # Spread, or those found together would be due together for ever.
            pause = self._pause_of(place) * random.uniform(0.9, 1.0)  # noqa: S311
            self._due.put(place, now + pause)
        for place in places:
            self._follow_moves(place)
        return [place for place in places if place.followers]

    def _follow_moves(self, place: _Place) -> None:
        """Look for files that were renamed where they are now."""
        for path, follower in list(place.followers.items()):
            if follower.path != path:
                del place.followers[path]
                self.include(follower)
        self._leave_if_empty(place)

    async def _look(
        self, device: Device, places: Sequence[_Place]
    ) -> Iterable[tuple[_Place, Beside]]:
        """What directories of one device show; nothing if it does not answer."""
        jobs = self._looks.get(device)
        if jobs is None:
            jobs = self._looks[device] = self._files.jobs()
            jobs.device = device
        looks: Sequence[Beside | None] = ()
        if not jobs.is_busy:
            asked = [(place.looks, _glimpses(place)) for place in places]
            with suppress(TimeoutError):
                async with asyncio.timeout(BESIDE_SECONDS):
                    looks = await jobs(partial(look_at_all, asked))
        if not looks:
            # It goes on looking, and then shows all the sooner what it saw.
            for place in places:
                self._due.put(place, self._clock() + ACTIVE_SECONDS)
            return ()
        return [
            (place, seen)
            for place, seen in zip(places, looks, strict=True)
            if seen is not None
        ]

    def _pause_of(self, place: _Place) -> float:
        active = [
            one
            for one in place.followers.values()
            if one.age_seconds < ACTIVE_AGE_SECONDS
        ]
        if any(one.session not in self._told for one in active):
            return NEW_SECONDS
        return ACTIVE_SECONDS if active else IDLE_SECONDS

    async def _tell_changed(
        self, found: Mapping[Follower, Mapping[str, bytes]], now: float
    ) -> None:
        await self._compare(found, now)
        for follower, told in found.items():
            session, incarnation = follower.session, follower.incarnation
            known = self._told.get(session)
            if known is None or not incarnation:
                continue
            if known.told == told and known.incarnation == incarnation:
                continue
            if await self._writer.descriptions.tell(session, incarnation, told):
                self._told[session] = _Told(incarnation, told, now)
                self._instruments.beside_told(session, list(told))

    async def _compare(self, found: Iterable[Follower], now: float) -> None:
        """Read what is stored of sessions of which that is not known."""
        unknown = [one for one in found if self._is_unknown(one, now)]
        rest = iter(unknown)
        while some := list(islice(rest, SESSIONS_AT_ONCE)):
            stored = await self._writer.descriptions.load([one.session for one in some])
            for follower, one in zip(some, stored, strict=True):
                # It may be of another life; then it is told again.
                self._told[follower.session] = _Told(
                    follower.incarnation, one.told, now
                )

    def _is_unknown(self, follower: Follower, now: float) -> bool:
        incarnation = follower.incarnation
        if not incarnation:
            return False
        known = self._told.get(follower.session)
        return (
            known is None
            or known.incarnation != incarnation
            or now - known.compared_at >= COMPARE_SECONDS
        )

    def _note_refused(self, place: _Place, unreadable: Mapping[str, str]) -> None:
        for path, why in unreadable.items():
            text = as_text(path)
            place.refused.setdefault(text, self._register.sources.get(text))
            source = Source(text, SourceState.REFUSED, reason=why, mend=_MEND)
            self._register.note(source)
        still = set(map(as_text, unreadable))
        for text in place.refused.keys() - still:
            before = place.refused.pop(text)
            if before is None:
                self._register.forget(text)
            else:
                self._register.note(before)


def _glimpses(place: _Place) -> dict[str, Glimpse]:
    """How the files of a directory were seen last, those that were."""
    return {
        path: seen
        for path, one in place.followers.items()
        if (seen := one.glimpse) is not None
    }

"""Whether a tailer may begin one session anew, and when it gives the session up.

A session is owned by a tailer that sees its file. The follower knows what the file
holds and what is stored of it; `claimant` asks the other tailers.
"""

from functools import partial

from tailcast_streams.session_state import Appended, Batch
from tailcast_tailer.appending.appender import Stored
from tailcast_tailer.files.threads import Run
from tailcast_tailer.following.context import FollowerContext
from tailcast_tailer.following.fates import Trouble


# How long a file has to be gone before its owner gives the session up. A network file
# system may report that in error for a while.
ABSENT_SECONDS = 2.0
NETWORK_ABSENT_SECONDS = 10.0

_TELL_APART = "remove one of the files, or set TAILCAST_SESSION_PREFIX"


class Ownership:
    """The ownership of one session, as this tailer has it."""

    def __init__(
        self, session: str, path: str, run: Run, context: FollowerContext
    ) -> None:
        self._session = session
        self._path = path
        self._run = run
        self._context = context
        # How often a file was seen to have the path.
        self.sightings = 0
        # Since when no file has the path; None while one has.
        self._absent_since: float | None = None
        # The session is claimed, or its file began anew too often.
        self.is_disputed = False

    def move(self, path: str) -> None:
        """The file was renamed."""
        self._path = path

    def sighted(self) -> None:
        """A file has the path."""
        self.sightings += 1
        self._absent_since = None

    async def contested(self) -> None:
        """The file began anew too often: what it holds now waits, and that is told."""
        self.is_disputed = True
        await self._context.claimant.wait(self._session)
        self._context.instruments.session_contested(self._session)
        reason = "it is written anew too often: it is told later than it is written"
        self._context.fates.troubled(
            self._session, self._path, Trouble.CONTESTED, reason
        )

    async def may_begin_anew(self, stored: Stored) -> bool:
        """Whether this tailer may: it is the owner, or the owner sees no file."""
        if await self._context.claimant.may_begin_anew(self._session, stored.owner):
            return True
        self.is_disputed = True
        reason = f"{stored.owner} follows another file of this session"
        self._context.fates.troubled(
            self._session, self._path, Trouble.DISPUTED, reason, _TELL_APART
        )
        return False

    async def settle(self) -> None:
        """The file is as it is stored, or there is none: nothing is disputed."""
        if self.is_disputed:
            await self._context.claimant.settle(self._session)
            self.is_disputed = False
            self._context.instruments.rewrite_settled(self._session)
            self._context.fates.fine(
                self._session, self._path, Trouble.DISPUTED, Trouble.CONTESTED
            )

    async def unseen(
        self, stored: Stored, *, is_absent: bool, moved_at: float
    ) -> tuple[float | None, Stored | None]:
        """Nothing has the path: when to look again, and what is stored then.

        Args:
            stored: what is believed to be stored.
            is_absent: whether nothing has the path, as far as an error tells.
            moved_at: when the file that had it last brought something.
        """
        await self.settle()
        if not is_absent or stored.owner != self._context.appender.owner:
            self._absent_since = None
            return None, stored
        now = self._context.clock()
        if self._absent_since is None:
            self._absent_since = now
        patience = (
            NETWORK_ABSENT_SECONDS if self._context.is_network else ABSENT_SECONDS
        )
        wait = max(self._absent_since, moved_at) + patience - now
        if wait > 0:
            return wait, stored
        absences = partial(self._context.roots.absences, [self._path])
        if (await self._run(absences))[0] and stored.is_sound:
            return None, await self._give_up(stored)
        return None, stored

    async def _give_up(self, stored: Stored) -> Stored | None:
        """Own the session no longer, if it still is as it was left; else None."""
        since = self._absent_since
        gone_for = 0.0 if since is None else self._context.clock() - since
        gone_since_ms = int((self._context.wall_clock() - gone_for) * 1_000)
        after = stored._replace(
            owner="", gone_since_ms=max(gone_since_ms, stored.updated_ms + 1)
        )
        if not await self._write_down(after):
            return None
        self._context.instruments.given_up(self._session)
        return after

    async def take_back(self, stored: Stored) -> Stored | None:
        """The file is as it was read: if it was gone, say that it is back.

        None if the session is no longer as it is believed.
        """
        if not stored.gone_since_ms:
            return stored
        owner = self._context.appender.owner
        after = stored._replace(owner=owner, gone_since_ms=0)
        return after if await self._write_down(after) else None

    async def _write_down(self, after: Stored) -> bool:
        """Store whose the session is; whether it still was as it was left."""
        position = after.position
        batch = Batch(
            session=self._session,
            expected=position,
            incarnation=position.incarnation,
            generation=position.generation,
            offset=position.offset,
            entries=(),
            fields={"owner": after.owner, "absent_since_ms": after.gone_since_ms},
        )
        return await self._context.writer.append(batch) is Appended.DONE

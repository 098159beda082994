"""Compares what is stored with what should be: the broker may have lost something.

An append notices a broker that lost its last seconds, but an idle file appends nothing.
So positions are asked for every half minute, of thousands of files in turn; a file
whose position differs is read again. After a reconnection, and when the broker turns
out to have forgotten something, all are asked for at once. The list of sessions is
repaired on the way.
"""

import asyncio
import random
from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import islice

from tailcast_service.pauses import next_tick, wait_or_timeout
from tailcast_streams.broker import SessionWriter
from tailcast_streams.exceptions import BrokerError
from tailcast_streams.session_state import NOTHING_STORED
from tailcast_tailer.following.document_file import DocumentFile
from tailcast_tailer.following.followed import Followed
from tailcast_tailer.following.follower import Follower
from tailcast_tailer.upkeep.presence import Presence


# Sessions that are asked for in one go.
AUDIT_SESSIONS = 500
# Sessions that are asked for in half a minute, as long as none was forgotten.
AUDIT_SHARE = 1_000
# How long the list of sessions may be behind.
TOUCH_SECONDS = 1.0


class Audit:
    """Compares the positions of all files of one tailer."""

    def __init__(
        self,
        writer: SessionWriter,
        presence: Presence,
        *,
        untouched: dict[str, int],
        recheck: Callable[[str], None],
        seconds: float,
    ) -> None:
        """Prepare; `untouched` is what was appended and is not in the list yet.

        `recheck` makes the file of a path ask the broker again, soon.
        """
        self._writer = writer
        self._presence = presence
        self._untouched = untouched
        self._seconds = seconds
        # By session; the one that was asked for longest ago first.
        self._followers: OrderedDict[str, Follower] = OrderedDict()
        self._documents: dict[str, DocumentFile] = {}
        # Set to audit all, before its time.
        self._is_due = asyncio.Event()
        self._recheck = recheck

    def include(self, followed: object) -> None:
        """Audit this file too."""
        if isinstance(followed, Follower):
            self._followers[followed.session] = followed
        elif isinstance(followed, DocumentFile):
            self._documents[followed.name] = followed

    def exclude(self, followed: Followed) -> None:
        """Audit this file no longer."""
        if isinstance(followed, DocumentFile):
            self._documents.pop(followed.name, None)
        elif isinstance(followed, Follower):
            self._followers.pop(followed.session, None)

    def broker_is_back(self) -> None:
        """Audit soon: the broker may have lost anything."""
        self._is_due.set()
        self.add_documents_again()

    def add_documents_again(self) -> None:
        """Add all emergency documents again: the broker knows which it has."""
        for document in self._documents.values():
            self._recheck(document.path)

    async def run(self) -> None:
        """Audit until cancelled."""
        while True:
            is_for_all = await wait_or_timeout(self._is_due, self._seconds)
            self._is_due.clear()
            await self._presence.wait_until_up()
            self._probe_documents()
            try:
                await self._audit(is_for_all=is_for_all)
            except BrokerError as error:
                self._presence.lost(error, "audit")

    async def _audit(self, *, is_for_all: bool) -> None:
        """Compare all, or those whose turn it is and all others if these differ."""
        left = len(self._followers)
        most = left if is_for_all else min(left, AUDIT_SHARE)
        while most > 0 and (some := self._next(min(most, AUDIT_SESSIONS))):
            has_forgotten = await self._compare(some)
            left -= len(some)
            most = left if has_forgotten else most - len(some)

    def _next(self, count: int) -> list[Follower]:
        """Those that were asked for longest ago; now they are asked for."""
        sessions = list(islice(self._followers, count))
        for session in sessions:
            self._followers.move_to_end(session)
        return [self._followers[session] for session in sessions]

    async def touch(self) -> None:
        """Tell the list of sessions what was appended, until cancelled."""
        was_cut_off = False
        while True:
            await next_tick(TOUCH_SECONDS)
            await self._presence.wait_until_up()
            if not self._untouched:
                continue
            activity_ms = dict(self._untouched)
            self._untouched.clear()
            try:
                if was_cut_off:
                    # Another tailer may have taken some of them out meanwhile.
                    for session in await self._taken_out(list(activity_ms)):
                        del activity_ms[session]
                await self._writer.touch(activity_ms)
                was_cut_off = False
            except BrokerError as error:
                was_cut_off = True
                self._untouched.update(activity_ms | self._untouched)
                self._presence.lost(error, "list of sessions")

    def _probe_documents(self) -> None:
        """Check the newest, which a broker loses first, and another at random."""
        if documents := list(self._documents.values()):
            newest = max(documents, key=lambda document: document.added_at)
            self._recheck(newest.path)
            self._recheck(random.choice(documents).path)  # noqa: S311  # any one

    async def _compare(self, followers: Sequence[Follower]) -> bool:
        """Have those read again whose positions differ; whether any is behind."""
        believed = {
            one.session: (one, position)
            for one in followers
            if (position := one.believed) is not None
        }
        stored = await self._writer.positions(list(believed))
        out = await self._taken_out(list(believed))
        activity_ms: dict[str, int] = {}
        has_forgotten = False
        for (follower, before), now in zip(believed.values(), stored, strict=True):
            if follower.session in out and follower.believed == before:
                follower.taken_out()
                continue
            # A batch since then explains a difference, and costs no more than a look.
            if before != now:
                self._recheck(follower.path)
                ends = (now.generation, now.offset), (before.generation, before.offset)
                has_forgotten |= ends[0] < ends[1]
            if now != NOTHING_STORED and follower.glimpse is not None:
                activity_ms[follower.session] = follower.activity_ms
        await self._writer.touch(activity_ms)
        return has_forgotten

    async def _taken_out(self, sessions: Sequence[str]) -> set[str]:
        """Those that another tailer took out, while this one was cut off."""
        listed = await self._writer.activity(sessions)
        unlisted = [session for session in sessions if session not in listed]
        states = await self._writer.states(unlisted)
        return {
            session
            for session, state in zip(unlisted, states, strict=True)
            if state is not None and state.taken_out_ms
        }

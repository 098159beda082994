"""Compares what is stored with what should be: the broker may have lost something.

An append notices a broker that lost its last seconds, but an idle file appends nothing.
So every position is asked for, every half minute and after every reconnection; a file
whose position differs is read again. The list of sessions is repaired on the way.
"""

import asyncio
import random
from collections.abc import Callable, Sequence

from tailcast_service.pauses import wait_or_timeout
from tailcast_streams.broker import SessionWriter
from tailcast_streams.exceptions import BrokerError
from tailcast_streams.session_state import NOTHING_STORED
from tailcast_tailer.following.document_file import DocumentFile
from tailcast_tailer.following.follower import Follower
from tailcast_tailer.upkeep.presence import Presence


# Sessions that are asked for in one go.
AUDIT_SESSIONS = 500
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
        self._followers: list[Follower] = []
        self._documents: list[DocumentFile] = []
        # Set to audit before its time.
        self._is_due = asyncio.Event()
        self._recheck = recheck

    def include(self, followed: object) -> None:
        """Audit this file too."""
        if isinstance(followed, Follower):
            self._followers.append(followed)
        elif isinstance(followed, DocumentFile):
            self._documents.append(followed)

    def broker_is_back(self) -> None:
        """Audit soon: the broker may have lost anything."""
        self._is_due.set()
        self.add_documents_again()

    def add_documents_again(self) -> None:
        """Add all emergency documents again: the broker knows which it has."""
        for document in self._documents:
            self._recheck(document.path)

    async def run(self) -> None:
        """Audit until cancelled."""
        while True:
            await wait_or_timeout(self._is_due, self._seconds)
            self._is_due.clear()
            await self._presence.wait_until_up()
            self._probe_documents()
            try:
                for start in range(0, len(self._followers), AUDIT_SESSIONS):
                    await self._compare(self._followers[start : start + AUDIT_SESSIONS])
            except BrokerError as error:
                self._presence.lost(error, "audit")

    async def touch(self) -> None:
        """Tell the list of sessions what was appended, until cancelled."""
        while True:
            await asyncio.sleep(TOUCH_SECONDS)
            await self._presence.wait_until_up()
            if not self._untouched:
                continue
            activity_ms = dict(self._untouched)
            self._untouched.clear()
            try:
                await self._writer.touch(activity_ms)
            except BrokerError as error:
                self._untouched.update(activity_ms | self._untouched)
                self._presence.lost(error, "list of sessions")

    def _probe_documents(self) -> None:
        """Check the newest, which a broker loses first, and another at random."""
        if self._documents:
            newest = max(self._documents, key=lambda document: document.added_at)
            self._recheck(newest.path)
            self._recheck(random.choice(self._documents).path)  # noqa: S311  # any one

    async def _compare(self, followers: Sequence[Follower]) -> None:
        believed = {
            one.session: (one, position)
            for one in followers
            if (position := one.believed) is not None
        }
        stored = await self._writer.positions(list(believed))
        activity_ms: dict[str, int] = {}
        for (follower, before), now in zip(believed.values(), stored, strict=True):
            # A batch since then explains a difference, and costs no more than a look.
            if before != now:
                self._recheck(follower.path)
            if now != NOTHING_STORED and follower.glimpse is not None:
                activity_ms[follower.session] = follower.activity_ms
        await self._writer.touch(activity_ms)

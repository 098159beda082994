"""Serves clients that are not live: slices of the window, pages, and look-ups.

One turn serves one follower of one client with one page or slice, or several of its
followers with small slices; then another one has its turn. A client waits for at most
one page at a time, and gets the next when its socket accepts more. This module decides
the order in which a client that is behind is served. What a cursor means is decided in
`sessions`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Any, assert_never

from tailcast_gateway.delivery.core.channel import (
    Channel,
    Client,
    Follower,
    FollowerState,
    Wanted,
)
from tailcast_gateway.delivery.core.encoding import SLICE_BYTES
from tailcast_gateway.delivery.core.followers import Followers
from tailcast_gateway.delivery.core.isolation import Isolation
from tailcast_gateway.delivery.core.shared_page import SharedPage
from tailcast_gateway.delivery.core.telling import told_documents
from tailcast_gateway.instruments import Instruments
from tailcast_gateway.protocol.answers import heartbeat
from tailcast_gateway.protocol.breaks import Break, resumed
from tailcast_gateway.protocol.client_messages import INVALID_MESSAGE, error_message
from tailcast_gateway.scheduling.fair_semaphore import FairSemaphore
from tailcast_gateway.scheduling.scheduler import Scheduler
from tailcast_gateway.scheduling.turns import WorkKind
from tailcast_gateway.sessions.core.continuity import Continuity
from tailcast_gateway.sessions.core.outcomes import breaks_of
from tailcast_gateway.sessions.core.samples import Sample
from tailcast_gateway.sessions.core.verdicts import (
    NoValues,
    Replaced,
    Resume,
    Trimmed,
    Verdict,
    Wait,
)
from tailcast_gateway.sessions.reads import Reads
from tailcast_gateway.sessions.sampling import Sampling
from tailcast_gateway.views.view import View
from tailcast_service.pauses import jittered
from tailcast_streams.entries import Entry, Kind
from tailcast_streams.exceptions import BrokerError
from tailcast_streams.position import NOTHING, Cursor, EntryID


# How long a file that is shorter than a client's cursor may take to grow back, seconds.
SHORT_FILE_SECONDS = 60.0
# The mean pause before a failed read is tried again, seconds; it varies by chance.
CATCH_UP_RETRY_SECONDS = 0.25
# How many slices a client gets in one turn at most; together they are hardly larger
# than a single one may be.
SLICES_IN_TURN = 16


class CatchUp:
    """Serves followers until they reach the window's end."""

    def __init__(
        self,
        replay: Reads,
        sampling: Sampling,
        *,
        isolation: Isolation,
        mark: Callable[[str], None],
        ask: Callable[[Client], None],
        learn: Callable[[Channel], Awaitable[None]],
        scheduler: Scheduler,
        max_replays: int,
        spawn: Callable[[Coroutine[Any, Any, None]], object],
        clock: Callable[[], float],
        timestamp: Callable[[], str],
        instruments: Instruments,
    ) -> None:
        self._reads = replay
        self._sampling = sampling
        # Confines failures to the one client that was served.
        self._isolation = isolation
        # The clients that it serves.
        self.followers = Followers(isolation, catch_up=self, mark=mark)
        # Pings a client that has got as much as it may get before it answers.
        self._ask = ask
        # Reads what the index of a session says.
        self._learn = learn
        # Gives clients their turns.
        self._scheduler = scheduler
        # Bounds how many replays hold a page.
        self._pages = FairSemaphore(max_replays)
        # Starts a task that the replica owns.
        self._spawn = spawn
        self._clock = clock
        # Returns the time now in the format of records.
        self._timestamp = timestamp
        self._instruments = instruments

    def wake(self, client: Client) -> None:
        """Serve a client in another step of the event loop."""
        if not client.is_being_served and not client.is_closed:
            client.is_being_served = True
            turn = partial(self._turn, client)
            self._scheduler.call(client.account, WorkKind.REPLAY, turn)

    def look_up(self, follower: Follower) -> None:
        """Look up the place that a follower wants."""
        self._begin(follower.client, partial(self._look_up_for, follower))

    def tell_caught_up(self, follower: Follower) -> None:
        """Tell a follower of a session without entries that its replay is over."""
        asyncio.get_running_loop().call_soon(self._greet, follower)

    def _greet(self, follower: Follower) -> None:
        # If the session was created in the meantime, its first entry comes after this.
        if follower.is_current:
            with self._isolation.over(follower.client):
                frame = follower.encoder.caught_up(NOTHING)
                follower.client.socket.write(frame)

    # Serving.

    def _turn(self, client: Client) -> None:
        client.is_being_served = False
        if not client.is_closed:
            with self._isolation.over(client):
                self._serve(client)

    def _serve(self, client: Client) -> None:
        while client.announcements and not client.socket.paused:
            client.socket.write(client.announcements.popleft())
        if client.socket.paused or not client.behind:
            # `writing_resumed` continues, or `wake` for the next follower that is
            # behind.
            return
        if client.allowance is not None and client.allowance.is_waiting:
            # The client's answer to the ping continues.
            return
        follower = next(iter(client.behind))
        if _is_served_at_once(follower):
            self._serve_slices(client)
            self.wake(client)
            return
        client.is_being_served = True
        if follower.lacks_news:
            self._begin(client, partial(self._learn_for, follower))
        elif follower.is_reduced:
            self._begin(client, partial(self._serve_sample_to, follower))
        else:
            self._begin(client, partial(self._serve_page_to, follower))

    def _begin(
        self, client: Client, work: Callable[[], Coroutine[Any, Any, None]]
    ) -> None:
        """Do something for a client that takes more than one step."""
        self._spawn(self._scheduler.run(client.account, WorkKind.REPLAY, work))

    def _serve_slices(self, client: Client) -> None:
        """Serve the next one, and others if their slices are small.

        Who comes back to a hundred sessions lacks a few records in each. A client that
        has an allowance may have to answer in between.
        """
        left = SLICE_BYTES
        for _ in range(SLICES_IN_TURN):
            left -= self._serve_slice(next(iter(client.behind)))
            if left <= 0 or client.socket.paused or client.allowance is not None:
                return
            if not client.behind or not _is_served_at_once(next(iter(client.behind))):
                return

    def _serve_slice(self, follower: Follower) -> int:
        """Serve a slice of the window; how many bytes the entries had."""
        channel, client = follower.channel, follower.client
        size = 0
        if follower.cursor != channel.window.end:
            page = _page_of_window(follower)
            size = sum([len(entry.record) for entry in page.entries])
            frames = self._frames(follower, page)
            self._give(follower, frames, page.entries[-1].cursor)
        if follower.cursor == channel.window.end and not client.socket.paused:
            self.followers.go_live(follower)
        return size

    def _give(self, follower: Follower, frames: bytes, cursor: Cursor) -> None:
        """Write, move the cursor, and let the client's next session go first."""
        client = follower.client
        follower.cursor = cursor
        follower.failures = 0
        client.behind.pop(follower)
        client.behind[follower] = None
        if frames:
            client.socket.write(frames)
            self._instruments.frames_sent(1, len(frames))
        if client.allowance is not None and client.allowance.give(len(frames)):
            self._ask(client)

    async def _learn_for(self, follower: Follower) -> None:
        """Read where the run fell back, so that it is told in its places."""
        client = follower.client
        with self._isolation.over(client):
            try:
                await self._learn(follower.channel)
            except BrokerError as error:
                self._instruments.broker_failed("index", error)
                await self._pause_before_retry()
            finally:
                client.is_being_served = False
                self.wake(client)

    async def _serve_page_to(self, follower: Follower) -> None:
        with self._isolation.over(follower.client):
            async with self._pages:
                await self._serve_page(follower)

    async def _serve_page(self, follower: Follower) -> None:
        client, channel = follower.client, follower.channel
        epoch, cursor, view = channel.epoch, follower.cursor, follower.view
        try:
            page = await self._page(follower, cursor)
            for _ in page.filter(view):
                # Others have their turn.
                await asyncio.sleep(0)
        except BrokerError as error:
            self._instruments.broker_failed("page", error)
            # If it is the session's fault, the feed finds that out.
            self.followers.mark(channel.session)
            await self._pause_before_retry()
            return
        finally:
            client.is_being_served = False
            self.wake(client)
        if follower.view is view and _is_as_it_was(follower, cursor, epoch):
            self._take_page(follower, page)

    async def _page(self, follower: Follower, cursor: Cursor) -> SharedPage:
        """What a follower gets next."""
        channel = follower.channel
        if channel.window.proves(cursor):
            return _page_of_window(follower)
        page = await self._reads.page(channel, cursor, SharedPage)
        page = page.up_to(channel.window.end.id)
        if follower.client.allowance is not None:
            page = page.first(_slice_bytes(follower.client))
        return page

    def _take_page(self, follower: Follower, page: SharedPage) -> None:
        if _is_slice_enough(follower):
            # In the meantime the window began there, or the session was created.
            self._serve_slice(follower)
        elif page.continuity is Continuity.BROKEN or not page.entries:
            if not follower.channel.window.proves(follower.cursor):
                self._retry_later(follower)
        else:
            self._give(follower, self._frames(follower, page), page.entries[-1].cursor)

    # Replays that are reduced.

    async def _serve_sample_to(self, follower: Follower) -> None:
        with self._isolation.over(follower.client):
            async with self._pages:
                await self._serve_sample(follower)

    async def _serve_sample(self, follower: Follower) -> None:
        client, channel = follower.client, follower.channel
        epoch, cursor, view = channel.epoch, follower.cursor, follower.view
        sample = follower.sample
        found: list[Entry | None] = []
        try:
            if sample is None:
                sample = await self._sampling.begin(
                    channel.session, view, cursor, channel.window.end
                )
            if sample is not None:
                found = await self._sampling.entries(
                    channel.session, sample, channel.record_bytes
                )
        except BrokerError as error:
            self._instruments.broker_failed("page", error)
            await self._pause_before_retry()
            return
        finally:
            client.is_being_served = False
            self.wake(client)
        if follower.view == view and _is_as_it_was(follower, cursor, epoch):
            self._take_sample(follower, sample, found)

    def _take_sample(
        self,
        follower: Follower,
        sample: Sample | None,
        found: Sequence[Entry | None],
    ) -> None:
        entries = [entry for entry in found if entry is not None]
        if sample is None or (len(entries) < len(found) and not follower.failures):
            # What was to be sent is not there any more.
            self._retry_later(follower)
            return
        follower.sample = sample
        of = [one.of for one in sample.next(len(found))]
        counts = [
            count for count, entry in zip(of, found, strict=True) if entry is not None
        ]
        sample.sent += len(found)
        page = SharedPage(follower.cursor, Continuity.PROVED, entries)
        frames = b"" if not entries else self._frames(follower, page, counts)
        cursor = entries[-1].cursor if entries else follower.cursor
        if sample.is_over:
            cursor, follower.sample = sample.end, None
            follower.is_sampled = not sample.goes_on
        self._give(follower, frames, cursor)

    def _frames(
        self,
        follower: Follower,
        page: SharedPage,
        counts: Sequence[int] | None = None,
    ) -> bytes:
        """The frames that a follower gets for a page, and where the run fell back."""
        frames, news = b"", follower.channel.news
        for fall in news.within(page.cursor.id, page.entries[-1].id):
            before, page = page.split(fall.id)
            if before.entries:
                frames += self._frames_between(follower, before, counts)
            counts = counts and counts[len(before.entries) :]
            told = resumed(fall, page.cursor, page.entries[0].cursor)
            frames += follower.encoder.break_frame(Break("rewind", told))
        return frames + self._frames_between(follower, page, counts)

    def _frames_between(
        self, follower: Follower, page: SharedPage, counts: Sequence[int] | None
    ) -> bytes:
        client, view = follower.client, follower.view
        if counts is not None:
            some, of = page.entries, counts[: len(page.entries)]
            encoder = follower.encoder
            return encoder.frames(some, page.cursor, view, replayed=True, counts=of)
        if follower.channel.is_documents:
            return told_documents(
                page.entries,
                client.subscription,
                client.wire,
                self._isolation.session_failed,
                with_history=follower.is_replay,
            )
        if not follower.is_replay and view.max_rate:
            return self._conflated(follower, view, page)
        return page.frames(follower.encoder, view, replayed=follower.is_replay)

    def _conflated(self, follower: Follower, view: View, page: SharedPage) -> bytes:
        """The newest record of the page, for a client that asked for a rate."""
        wanted = page.wanted(view)
        records = [entry for entry in wanted if entry.kind is Kind.RECORD]
        newest = records[-1:]
        kept = [one for one in wanted if one.kind is not Kind.RECORD or one in newest]
        counts = [len(records) if one.kind is Kind.RECORD else 0 for one in kept]
        return follower.encoder.frames(kept, page.cursor, view, counts=counts)

    def _retry_later(self, follower: Follower) -> None:
        """Look the cursor up again, since nothing follows it where it should."""
        follower.failures += 1
        follower.read_again()
        # Perhaps the window is out of date. If so, the feed finds that out.
        self.followers.mark(follower.channel.session)
        self.followers.look_up(follower, follower.cursor)

    # Look-ups.

    async def _look_up_for(self, follower: Follower) -> None:
        with self._isolation.over(follower.client):
            await self._look_up(follower)
            self._tell_found(follower)

    def _tell_found(self, follower: Follower) -> None:
        """Call those who wait for the client's places."""
        client, channel = follower.client, follower.channel
        if client.on_found and not client.is_closed:
            waiting = [one for one in client.on_found if not one(channel)]
            client.on_found[:] = waiting

    async def _look_up(self, follower: Follower) -> None:
        if follower.failures > 1:
            await self._pause_before_retry()
        channel, wanted = follower.channel, follower.wanted
        while self._is_wanted(follower, wanted):
            assert wanted is not None  # noqa: S101  # it is looking up
            epoch = channel.epoch
            try:
                verdict = await self._reads.place(
                    channel,
                    wanted,
                    has_waited=self._has_waited(follower),
                    overtaken=follower.failures > 0,
                )
            except BrokerError as error:
                self._instruments.broker_failed("place", error)
                self.followers.mark(channel.session)
                await self._pause_before_retry()
                continue
            # A verdict of an earlier epoch is void; `reset` has started a new look-up.
            if channel.epoch == epoch and self._is_wanted(follower, wanted):
                self.settle(follower, verdict)
            return

    def settle_if_asked(self, follower: Follower, verdict: Verdict) -> None:
        """Like `settle`, unless the follower's place is known already."""
        if follower.state is FollowerState.LOOKING_UP:
            self.settle(follower, verdict, is_answered=True)

    def settle(
        self, follower: Follower, verdict: Verdict, *, is_answered: bool = False
    ) -> None:
        """Carry out the verdict on a follower's place.

        Args:
            follower: the follower whose place was looked up.
            verdict: the verdict on that place.
            is_answered: whether the answer to `subscribe` has said where it starts.
        """
        match verdict:
            case Resume():
                follower.reached = verdict.reached
                self._resume(follower, verdict.cursor, is_answered=is_answered)
            case Trimmed():
                self._tell_breaks(follower, verdict)
                self._instruments.gap_told(
                    follower.channel.session, connection=follower.client.id
                )
                self.followers.set_behind(follower, verdict.to)
            case Replaced():
                self._tell_breaks(follower, verdict)
                self._instruments.rewind_told(
                    follower.channel.session, connection=follower.client.id
                )
                self.followers.set_behind(follower, verdict.marker)
            case NoValues():
                self._begin_without_values(follower, verdict)
            case Wait():
                self._wait(follower, verdict)
            case _:
                assert_never(verdict)

    def _resume(self, follower: Follower, cursor: Cursor, *, is_answered: bool) -> None:
        wanted = follower.wanted
        if isinstance(wanted, EntryID) and cursor != NOTHING:
            # History is skipped: tell the client where the new records begin.
            follower.client.socket.write(follower.encoder.caught_up(cursor))
        if isinstance(wanted, Cursor) and not is_answered:
            self._tell_if_moved(follower, wanted, cursor)
        self.followers.set_behind(follower, cursor)

    def _tell_breaks(self, follower: Follower, verdict: Verdict) -> None:
        wanted = follower.wanted
        had = wanted if isinstance(wanted, Cursor) else follower.cursor
        for one in breaks_of(verdict, had):
            follower.client.socket.write(follower.encoder.break_frame(one))

    def _begin_without_values(self, follower: Follower, verdict: NoValues) -> None:
        """Begin now, and say so, as this session has no steps or no times."""
        text = f"{follower.channel.session} {verdict}: it begins now"
        follower.client.send(error_message(INVALID_MESSAGE, text))
        self.followers.set_behind(follower, follower.channel.window.end)

    def _tell_if_moved(self, follower: Follower, before: Cursor, now: Cursor) -> None:
        """Tell a client the new cursor of its place, if generations were renumbered.

        By the order of the old cursor it would take new records for repetitions.
        """
        if NOTHING.id < now.id < before.id:
            cursors = {follower.channel.session: str(now)}
            follower.client.send(
                heartbeat(timestamp=self._timestamp(), cursors=cursors)
            )

    def _wait(self, follower: Follower, verdict: Wait) -> None:
        if verdict.is_file_long_enough:
            follower.waiting_since = None
        elif follower.waiting_since is None:
            follower.waiting_since = self._clock()
        assert follower.wanted is not None  # noqa: S101  # it was looked up
        self.followers.wait(follower, FollowerState.WAITING, follower.wanted)

    def _has_waited(self, follower: Follower) -> bool:
        since = follower.waiting_since
        return since is not None and self._clock() - since >= SHORT_FILE_SECONDS

    def _is_wanted(self, follower: Follower, wanted: Wanted | None) -> bool:
        return (
            follower.is_current
            and follower.state is FollowerState.LOOKING_UP
            and follower.wanted == wanted
            and not follower.client.is_closed
        )

    async def _pause_before_retry(self) -> None:
        await asyncio.sleep(jittered(CATCH_UP_RETRY_SECONDS))


def _is_as_it_was(follower: Follower, cursor: Cursor, epoch: int) -> bool:
    """Whether a follower can be given what was read for this place of it."""
    client = follower.client
    return (
        follower.is_current
        and follower.state is FollowerState.BEHIND
        and follower.cursor == cursor
        and follower.channel.epoch == epoch
        and not client.is_closed
        and not client.socket.paused
    )


def _is_served_at_once(follower: Follower) -> bool:
    """Whether nothing has to be read for what it gets next."""
    if follower.lacks_news or follower.is_reduced:
        return False
    return _is_slice_enough(follower)


def _is_slice_enough(follower: Follower) -> bool:
    """Whether a slice of the window is served in one step: one that is not filtered."""
    window = follower.channel.window
    is_at_end = follower.cursor == window.end
    return is_at_end or (follower.view.where is None and window.proves(follower.cursor))


def _page_of_window(follower: Follower) -> SharedPage:
    """What follows a cursor that the window proves, and is not the window's end."""
    entries = follower.channel.window.after(
        follower.cursor, max_bytes=_slice_bytes(follower.client)
    )
    return SharedPage.of_window(follower.cursor, entries)


def _slice_bytes(client: Client) -> int:
    """How many bytes of a window a client gets in one turn."""
    if client.allowance is None:
        return SLICE_BYTES
    return min(SLICE_BYTES, client.allowance.left_bytes)

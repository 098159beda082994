"""Sessions past their time to live: emptied, and deleted once their file is gone.

Asks now and then for the sessions that have not changed for `session_ttl`, also those
whose files were gone before this tailer started; `lifetime` decides what becomes of
each. A file counts as absent only if its directory can be read: a file system that is
not mounted shows no files, and no session may be deleted for that.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from tailcast_streams.broker import SessionWriter
from tailcast_streams.exceptions import BrokerError
from tailcast_streams.session_state import Batch, SessionState
from tailcast_tailer.appending.retention import Retention
from tailcast_tailer.core.lifetime import (
    DAY_SECONDS,
    ExpiryAction,
    changed_ms,
    judge_expiry,
)
from tailcast_tailer.files.roots import Roots
from tailcast_tailer.files.threads import Run
from tailcast_tailer.following.follower import Follower
from tailcast_tailer.instruments import Instruments
from tailcast_tailer.upkeep.presence import Presence


# How often to look: a twentieth of the time to live, within these seconds.
LOOKED_FOR_SECONDS = (0.1, 600.0)
TTL_SHARE = 20
# Sessions whose states are asked for in one go.
EXPIRED_SESSIONS = 100
# Until so many times its time to live a session's stream waits for its index.
WAITING_TTLS = 2
# Until the next attempt after a failure, beside the wait for the broker.
EXPIRY_RETRY_SECONDS = 1.0


class Expiry:
    """Expires sessions."""

    def __init__(
        self,
        writer: SessionWriter,
        presence: Presence,
        *,
        retention: Retention,
        owner: str,
        roots: Sequence[str],
        session_ttl: float,
        instruments: Instruments,
        run: Run,
        clock: Callable[[], float],
        wall_clock: Callable[[], float],
    ) -> None:
        """Prepare; `session_ttl` in seconds, infinite to end none."""
        self._writer = writer
        self._presence = presence
        self._retention = retention
        self._owner = owner
        self._roots = Roots(roots)
        self._ttl_ms = session_ttl * 1_000
        self._instruments = instruments
        self._run = run
        self._clock = clock
        self._wall_clock = wall_clock
        # Unix milliseconds at the last look: the earlier one of our clock and the
        # broker's, so that a session expires only if it did by both.
        self._now_ms = 0
        # Followed files, by session.
        self._followers: dict[str, Follower] = {}
        # Sessions that were emptied, by when they had changed last.
        self._emptied: dict[str, int] = {}

    def include(self, followed: object) -> None:
        """Note that this file is followed here."""
        if isinstance(followed, Follower):
            self._followers[followed.session] = followed

    def exclude(self, followed: object) -> None:
        """This file is followed no longer."""
        if isinstance(followed, Follower):
            self._followers.pop(followed.session, None)

    async def run(self, has_listed: asyncio.Event) -> None:
        """Expire sessions until cancelled, once it is known which files there are."""
        await has_listed.wait()
        while not await self._attempt(self.note_orphans):
            pass
        least, most = LOOKED_FOR_SECONDS
        interval = max(least, min(most, self._ttl_ms / 1_000 / TTL_SHARE))
        while True:
            await self._attempt(self.look)
            await asyncio.sleep(interval)

    async def _attempt(self, step: Callable[[], Awaitable[None]]) -> bool:
        """Take the step once the broker answers; whether it did."""
        await self._presence.wait_until_up()
        try:
            await step()
        except BrokerError as error:
            self._presence.lost(error, "ends of sessions")
            await asyncio.sleep(EXPIRY_RETRY_SECONDS)
            return False
        return True

    async def note_orphans(self) -> None:
        """Note the streams whose files are gone. Raises BrokerError.

        They count in the budget, and are trimmed first when the broker is full.
        """
        listed = await self._writer.sessions()
        orphans = [name for name in listed if name not in self._followers]
        for start in range(0, len(orphans), EXPIRED_SESSIONS):
            names = orphans[start : start + EXPIRED_SESSIONS]
            states = await self._writer.states(names)
            ours = {
                name: state
                for name, state in zip(names, states, strict=True)
                if state is not None and self._roots.holds(state.path)
            }
            for name, state in ours.items():
                self._note(name, state, listed[name])
            await self._note_absences(ours)

    async def _note_absences(self, states: dict[str, SessionState]) -> None:
        """Say which files went while no tailer looked."""
        whose = {
            name: state
            for name, state in states.items()
            if state.owner in ("", self._owner) and not state.gone_since_ms
        }
        paths = [state.path for state in whose.values()]
        absences = await self._run(partial(self._roots.absences, paths))
        now_ms = int(self._wall_clock() * 1_000)
        for (name, state), is_absent in zip(whose.items(), absences, strict=True):
            if is_absent:
                since_ms = max(now_ms, state.updated_ms + 1)
                await self._set_absence(name, state, since_ms, owner="")

    async def look(self) -> None:
        """Carry out what is due for each session past its time. Raises BrokerError."""
        self._now_ms = min(int(self._wall_clock() * 1_000), await self._writer.now_ms())
        until_ms = self._now_ms - self._ttl_ms
        if until_ms < 0:
            return
        listed = await self._writer.sessions(active_until_ms=int(until_ms))
        self._emptied = {
            name: at for name, at in self._emptied.items() if name in listed
        }
        names = list(listed)
        for start in range(0, len(names), EXPIRED_SESSIONS):
            some = names[start : start + EXPIRED_SESSIONS]
            await self._look_at({name: listed[name] for name in some})

    async def _look_at(self, listed: dict[str, int]) -> None:
        states = await self._writer.states(list(listed))
        ours: dict[str, SessionState] = {}
        is_present: dict[str, bool] = {"": False, self._owner: False}
        for name, state in zip(listed, states, strict=True):
            if state is None:
                await self._writer.unlist(name)
            elif self._is_young(name):
                continue
            elif name in self._followers or self._roots.holds(state.path):
                owner = state.owner
                if owner not in is_present:
                    is_present[owner] = await self._writer.is_present(owner)
                if not is_present[owner]:
                    ours[name] = state
        paths = [self._path_of(name, state) for name, state in ours.items()]
        absences = await self._run(partial(self._roots.absences, paths))
        for (name, state), is_absent in zip(ours.items(), absences, strict=True):
            action = judge_expiry(
                state,
                listed[name],
                is_absent=is_absent,
                now_ms=self._now_ms,
                ttl_ms=self._ttl_ms,
            )
            await self._carry_out(action, name, state, listed[name])

    def _is_young(self, name: str) -> bool:
        """Whether it was appended to here within its time, by the steady clock."""
        follower = self._followers.get(name)
        at = None if follower is None else follower.appended_at
        return at is not None and (self._clock() - at) * 1_000 < self._ttl_ms

    def _path_of(self, name: str, state: SessionState) -> str:
        follower = self._followers.get(name)
        return state.path if follower is None else follower.path

    async def _carry_out(
        self, action: ExpiryAction, name: str, state: SessionState, activity_ms: int
    ) -> None:
        days = (self._now_ms - changed_ms(state, activity_ms)) / 1_000 / DAY_SECONDS
        if action is ExpiryAction.KEEP:
            return
        if action is ExpiryAction.DELETE:
            await self._delete(name, state, days)
            return
        if action is ExpiryAction.NOTE_ABSENCE:
            await self._set_absence(name, state, self._now_ms)
        elif action is ExpiryAction.FORGET_ABSENCE:
            await self._set_absence(name, state, 0)
        changed = changed_ms(state, activity_ms)
        if self._emptied.get(name) != changed:
            self._note(name, state, activity_ms)
            waits = self._now_ms - changed < WAITING_TTLS * self._ttl_ms
            if not await self._retention.empty(name, why="age", waits=waits):
                return
            self._emptied[name] = changed
            self._instruments.session_emptied(name, days=days)

    async def _delete(self, name: str, state: SessionState, days: float) -> None:
        if not await self._writer.discard(name, state.position):
            return
        await self._writer.unlist(name)
        if name in self._followers:
            self._followers[name].session_deleted()
        self._retention.forget(name)
        self._emptied.pop(name, None)
        self._instruments.session_deleted(name, days=days)

    async def _set_absence(
        self,
        name: str,
        state: SessionState,
        absent_since_ms: int,
        *,
        owner: str | None = None,
    ) -> None:
        """Write it into the state, if that still is as it was seen."""
        position = state.position
        if position.is_diverged:
            return
        fields: dict[str, str | int | float | bytes] = {
            "absent_since_ms": absent_since_ms
        }
        if owner is not None:
            fields["owner"] = owner
        batch = Batch(
            session=name,
            expected=position,
            incarnation=position.incarnation,
            generation=position.generation,
            offset=position.offset,
            entries=(),
            fields=fields,
        )
        # If it is not, another tailer appended, and knows better.
        await self._writer.append(batch)

    def _note(self, name: str, state: SessionState, activity_ms: int) -> None:
        self._retention.note(name, state.position, activity_ms=activity_ms)

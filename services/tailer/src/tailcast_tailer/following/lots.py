"""Files that moved a moment ago: looked at in the loop, appended together.

What a line of a running job costs is mostly to be woken, to change threads and to wait
for the broker. So these files share all that: what moved is looked at here, and leaves
in one write; its answers come in one. What moves meanwhile is the next lot. Whatever
does not go so simply, at a look or at an append, gets a turn of its own: it finds out
what is stored and what is amiss, and tells it.
"""

from collections.abc import Awaitable, Callable, Sequence

from tailcast_streams.exceptions import BrokerError
from tailcast_streams.session_state import Appended
from tailcast_tailer.appending.appender import Appender, Prepared
from tailcast_tailer.files.devices import Devices, Patience
from tailcast_tailer.following.followed import Item
from tailcast_tailer.following.follower import Follower, QuickLook
from tailcast_tailer.following.turns import Turns
from tailcast_tailer.instruments import Instruments


# What one lot appends at most, bytes of files, but for its last file.
TAKEN_BYTES = 1_048_576


class Lots:
    """Takes the lots of one tailer."""

    def __init__(
        self,
        turns: Turns,
        *,
        appender: Appender,
        devices: Devices,
        instruments: Instruments,
        until_up: Callable[[], Awaitable[None]],
        lost: Callable[[BrokerError, str], None],
        rest: Callable[[Item], None],
    ) -> None:
        """Prepare.

        Args:
            turns: where files wait.
            appender: appends what they have.
            devices: is told for which of them looks had to wait.
            instruments: counts looks.
            until_up: waits while the broker is away.
            lost: is told that it could not be asked.
            rest: is given a file that is stored as it was seen.
        """
        self._turns = turns
        self._appender = appender
        self._devices = devices
        self._instruments = instruments
        self._until_up = until_up
        self._lost = lost
        self._rest = rest

    async def run(self) -> None:
        """Take lots until cancelled."""
        while True:
            await self._turns.prompt.wait()
            await self._until_up()
            await self._take(self._look())

    def _look(self) -> list[tuple[Item, Follower, Prepared]]:
        """Look at those that wait, as many as one lot has."""
        lot: list[tuple[Item, Follower, Prepared]] = []
        size, patience = 0, Patience()
        for item in self._turns.prompt.some():
            if item.is_gone:
                continue
            follower = item.followed
            if size >= TAKEN_BYTES:
                self._turns.prompt.put(item)
                continue
            found = None
            if isinstance(follower, Follower):
                found = self._look_at(follower, patience)
            item.is_queued = False
            if found is None or not isinstance(follower, Follower):
                self._turns.give_turn(item)
            elif found.prepared is None:
                self._rest(item)
            else:
                item.is_running = True
                lot.append((item, follower, found.prepared))
                size += found.prepared.size
        return lot

    def _look_at(self, follower: Follower, patience: Patience) -> QuickLook | None:
        patience.begin()
        try:
            return follower.quick_look()
        except Exception as error:  # noqa: BLE001  # its turn shows what is amiss
            self._instruments.batch_narrowed(follower.session, 0, error)
            return None
        finally:
            if seconds := patience.seconds():
                self._devices.was_slow(follower.device)
                self._instruments.device_slow(follower.path, seconds)

    async def _take(self, lot: Sequence[tuple[Item, Follower, Prepared]]) -> None:
        """Append what there is, and see what became of each."""
        if not lot:
            return
        outcomes = await self._append([prepared for _, _, prepared in lot])
        for (item, follower, prepared), outcome in zip(lot, outcomes, strict=True):
            is_done = follower.took(prepared, outcome)
            if is_done:
                self._rest(item)
            else:
                item.is_running = False
                self._turns.give_turn(item)

    async def _append(
        self, prepared: Sequence[Prepared]
    ) -> Sequence[Appended | BrokerError | None]:
        """What became of each; None if that is not known."""
        try:
            return await self._appender.append_all(prepared)
        except BrokerError as error:
            self._lost(error, "a lot of files")
        except Exception as error:  # noqa: BLE001  # it is of one, whose turn tells it
            lines = sum(one.addition.lines for one in prepared)
            self._instruments.batch_narrowed("", lines, error)
        return [None] * len(prepared)

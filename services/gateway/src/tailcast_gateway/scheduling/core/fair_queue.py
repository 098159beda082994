"""Who comes next, by what each client has cost so far: start-time fair queueing.

Pure. What a piece of work costs is known only when it is done, so nothing is promised
before: its cost is charged afterwards, and moves its client's next piece behind those
of clients that have cost less. All count from the clock, which is where the piece began
that was taken last. So n clients that always want more get one n-th each, and none has
a debt to clients that come later.

Whoever has cost little lately begins before the clock, by what it left to others, and
by a bounded credit at most. So what a newcomer needs at once is done at once, and not
each piece of it after one of all others. What counts is what all clients of an address
have cost: whoever leaves and comes anew gets no more.

After Goyal, Vin and Cheng, "Start-time Fair Queuing" (SIGCOMM 1996).
"""

from heapq import heappop, heappush, heappushpop
from itertools import count
from typing import Generic, NamedTuple, TypeVar


_Item = TypeVar("_Item")


class Group:
    """Clients that together have the part of one: those of one address."""

    __slots__ = ("start", "waiting")

    def __init__(self) -> None:
        # How many of them wait for something to be done.
        self.waiting = 0
        # Where their next piece would begin on the clock if they were one client.
        self.start = 0.0


class Account:
    """What one client has cost."""

    __slots__ = ("_group", "_pieces", "latest", "start")

    def __init__(self) -> None:
        # With whom it shares.
        self._group = Group()
        # How many pieces of its work wait.
        self._pieces = 0
        # Where its next piece begins on the clock of the queue.
        self.start = 0.0
        # What its latest piece has cost.
        self.latest = 0

    def join(self, group: Group) -> None:
        """Share with others, before anything is done for it."""
        self._group = group

    def begin_to_wait(self) -> None:
        """Note that one more piece of its work waits."""
        self._pieces += 1
        self._group.waiting += self._pieces == 1

    def end_to_wait(self) -> None:
        """Note that one does not wait any more."""
        self._pieces -= 1
        self._group.waiting -= self._pieces == 0

    def charge(self, cost: int) -> None:
        """Note what a piece has cost: the more, the more of its group wait."""
        sharing = self._group.waiting + (self._pieces == 0)
        self.start += cost * sharing
        self._group.start += cost
        self.latest = cost

    def come(self, clock: float, credit: float) -> None:
        """Begin at the clock, or before it by what the group has left to others."""
        self._group.start = max(self._group.start, clock - credit)
        self.start = max(self.start, self.earliest(clock))

    def earliest(self, clock: float) -> float:
        """Where its next piece may begin."""
        return min(clock, self._group.start)


class _Waiting(NamedTuple, Generic[_Item]):
    # Where it begins on the clock. Of those that begin together, clients come first
    # that have cost nothing lately, and then those that wait for longest.
    start: float
    is_busy: bool
    number: int
    account: Account
    item: _Item


class FairQueue(Generic[_Item]):
    """Pieces of work that wait, each of some client."""

    __slots__ = ("_clock", "_credit", "_numbers", "_waiting")

    def __init__(self, *, credit: float = 0.0) -> None:
        # What clients may have before others that cost nothing while these did.
        self._credit = credit
        # Where the piece begins that was taken last.
        self._clock = 0.0
        self._waiting: list[_Waiting[_Item]] = []
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def first_start(self) -> float:
        """Where the piece begins that comes next; there must be one."""
        return self._waiting[0].start

    def add(self, account: Account, item: _Item) -> None:
        """Let a piece of work wait."""
        is_busy = account.start >= self._clock
        account.come(self._clock, self._credit)
        waiting = _Waiting(account.start, is_busy, next(self._numbers), account, item)
        heappush(self._waiting, waiting)

    def hurry(self, account: Account, item: _Item, start: float) -> None:
        """Let a piece that waits begin earlier; later it is taken once more."""
        number = next(self._numbers)
        heappush(self._waiting, _Waiting(start, True, number, account, item))

    def take(self) -> tuple[Account, _Item]:
        """Take the piece that comes next; there must be one."""
        waiting = heappop(self._waiting)
        while not waiting.is_busy and (
            waiting.start < (start := waiting.account.earliest(self._clock))
        ):
            # Others of its address have had meanwhile what this one left.
            waiting = heappushpop(self._waiting, waiting._replace(start=start))
        self._clock = max(self._clock, waiting.start)
        return waiting.account, waiting.item

    def begin(self, account: Account) -> None:
        """Note that a piece is begun at once, while none waits."""
        account.come(self._clock, self._credit)
        self._clock = max(self._clock, account.start)

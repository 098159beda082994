"""Who comes next of those that want to compute."""

from hypothesis import given, strategies as st

from tailcast_gateway.scheduling.core.fair_queue import Account, FairQueue, Group


def test_the_first_that_waits_comes_first() -> None:
    """Of clients that have cost the same."""
    queue: FairQueue[str] = FairQueue()
    for name in ("a", "b", "c"):
        queue.add(Account(), name)
    assert len(queue) == 3
    assert [queue.take()[1] for _ in range(3)] == ["a", "b", "c"]


def test_whoever_has_cost_less_comes_first() -> None:
    """However long another one waits already."""
    queue: FairQueue[str] = FairQueue()
    dear, cheap = Account(), Account()
    for account, cost in ((dear, 10), (cheap, 1)):
        queue.begin(account)
        account.charge(cost)
    queue.add(dear, "dear")
    queue.add(cheap, "cheap")
    assert [queue.take()[1] for _ in range(2)] == ["cheap", "dear"]


def test_nobody_saves_by_resting_or_pays_for_having_been_alone() -> None:
    """What one client used while no other wanted to gives the others nothing."""
    queue: FairQueue[str] = FairQueue()
    busy, new = Account(), Account()
    for _ in range(100):
        queue.begin(busy)
        busy.charge(10)
    turns: list[str] = []
    queue.add(busy, "busy")
    queue.add(new, "new")
    for _ in range(20):
        account, name = queue.take()
        turns.append(name)
        account.charge(10)
        queue.add(account, name)
    assert turns[0] == "new"
    assert abs(turns.count("new") - turns.count("busy")) <= 2


@given(
    st.lists(
        st.tuples(st.integers(1, 4), st.lists(st.integers(1, 50), min_size=1)),
        min_size=2,
        max_size=6,
    ),
    st.integers(50, 400),
)
def test_all_that_want_more_get_the_same(
    clients: list[tuple[int, list[int]]], rounds: int
) -> None:
    """Each client has some pieces at once, of costs of its own; none is preferred."""
    queue: FairQueue[int] = FairQueue()
    accounts = [Account() for _ in clients]
    pieces = [0 for _ in clients]
    spent = [0 for _ in clients]
    for which, (at_once, _) in enumerate(clients):
        for _ in range(at_once):
            queue.add(accounts[which], which)
    for _ in range(rounds):
        account, which = queue.take()
        costs = clients[which][1]
        cost = costs[pieces[which] % len(costs)]
        pieces[which] += 1
        spent[which] += cost
        account.charge(cost)
        queue.add(account, which)
    # Each may be ahead by the pieces that it has at once, none of which costs over 50.
    most = max(at_once for at_once, _ in clients)
    assert max(spent) - min(spent) <= 2 * 50 * (most + 1)


@given(st.lists(st.integers(1, 1_000), min_size=1, max_size=50))
def test_a_client_that_has_cost_nothing_waits_for_nobody(costs: list[int]) -> None:
    """Whatever others have cost and want still."""
    queue: FairQueue[str] = FairQueue()
    for cost in costs:
        account = Account()
        queue.begin(account)
        account.charge(cost)
        queue.add(account, "another")
    queue.add(Account(), "new")
    assert queue.take()[1] == "new"


class Crowd:
    """Clients that always want more, pieces of one cost, and others beside them."""

    def __init__(self, *, credit: int, busy: int = 50) -> None:
        self.queue: FairQueue[str] = FairQueue(credit=credit)
        # Whose pieces were carried out, in order.
        self.done: list[str] = []
        for _ in range(busy):
            self.want(Account(), "busy")
        # Until whoever comes has left something to these.
        self.go_on(busy * 2 * credit)

    def want(self, account: Account, name: str) -> None:
        """Let a piece wait."""
        self.queue.add(account, name)

    def go_on(self, pieces: int) -> list[str]:
        """Carry out so many; those of clients that always want more come again."""
        some: list[str] = []
        for _ in range(pieces):
            account, name = self.queue.take()
            account.charge(1)
            some.append(name)
            if name == "busy":
                self.want(account, name)
        self.done += some
        return some

    def pieces_at_once(self, account: Account, name: str) -> int:
        """How many a client has before any other, wanting one after the other."""
        count = 0
        while True:
            self.want(account, name)
            if self.go_on(1) != [name]:
                return count
            count += 1


def of(group: Group) -> Account:
    """A client of an address."""
    account = Account()
    account.join(group)
    return account


def test_whoever_has_left_something_to_others_has_some_at_once() -> None:
    """And then no more than they have; not each piece after one of all others."""
    crowd = Crowd(credit=10)
    assert 10 <= crowd.pieces_at_once(Account(), "new") <= 12
    done = crowd.go_on(51 * 10)
    assert done.count("new") == 1  # the one that waits; it wants no other


def test_whoever_comes_anew_has_no_more() -> None:
    """From an address that has used much a new client has one piece at once."""
    crowd, group = Crowd(credit=10), Group()
    at_once = [crowd.pieces_at_once(of(group), "again") for _ in range(20)]
    assert at_once[0] >= 10
    assert sum(at_once) <= 10 + 2 * len(at_once)


def test_clients_that_come_together_share_what_their_address_has_left() -> None:
    """One of another address comes before those that wait in vain for it."""
    crowd, group = Crowd(credit=10), Group()
    for _ in range(100):
        crowd.want(of(group), "many")
    assert crowd.go_on(20).count("many") == 20
    crowd.want(Account(), "another")
    assert crowd.go_on(1) == ["another"]


def test_who_rests_for_long_has_no_more_than_who_rests_a_while() -> None:
    """What is left to others is counted up to the credit."""
    crowd, account = Crowd(credit=10), Account()
    crowd.pieces_at_once(account, "new")
    crowd.go_on(50 * 100)
    assert 10 <= crowd.pieces_at_once(account, "new") <= 12

"""Who comes next of those that want to compute."""

from hypothesis import given, strategies as st

from tailcast_gateway.scheduling.core.fair_queue import Account, FairQueue


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

"""How long messages are."""

from tailcast_gateway.protocol.limits import limits_of, portions


def test_portions() -> None:
    """In lists that fit; there is one at least, and what does not fit goes alone."""
    items = ["aa", "bbbb", "c", "d" * 9, "e"]
    parts = [*portions(items, len, room=6)]
    assert parts == [
        (["aa", "bbbb"], True), (["c"], True), (["d" * 9], True), (["e"], False),
    ]  # fmt: skip  # one glance
    assert [*portions([], len, room=6)] == [([], False)]
    assert [*portions(iter(items[:2]), len, room=6)] == [(items[:2], False)]


def test_what_a_client_asks_for() -> None:
    """One bound for all its messages."""
    assert limits_of(4_096) == (4_096, 4_096)

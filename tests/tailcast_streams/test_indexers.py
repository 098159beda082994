"""Who keeps which session."""

from collections import Counter

from hypothesis import given, strategies as st

from tailcast_streams.indexers import indexer_of


NAMES = st.lists(st.text(min_size=1), unique=True)


def test_nobody_keeps_anything_where_nobody_is() -> None:
    """Whatever it is called."""
    assert indexer_of("s", []) == ""


@given(st.text(), NAMES, st.text(min_size=1))
def test_only_what_is_its_own_changes_hands(
    session: str, names: list[str], more: str
) -> None:
    """Whoever comes or goes; the order of names does not matter."""
    before = indexer_of(session, names)
    assert indexer_of(session, names[::-1]) == before
    assert indexer_of(session, {*names, more}) in (before, more)


def test_sessions_are_shared_evenly() -> None:
    """Each of three keeps about a third."""
    names = ["host:1", "host:2", "other:3"]
    kept = Counter(indexer_of(f"run_{number}", names) for number in range(3_000))
    assert all(800 < kept[name] < 1_200 for name in names)

"""The first paths of many that come in any order."""

from hypothesis import given, strategies as st

from tailcast_streams.sources import FirstPaths, Source, SourceState


paths = st.text("abc", max_size=3)
sources = st.builds(Source, paths, st.sampled_from(SourceState))


@given(
    st.lists(st.lists(sources, unique_by=lambda one: one.path)),
    paths,
    st.sets(st.sampled_from(SourceState)),
    st.integers(0, 5),
)
def test_the_first_are_those_of_all_in_order(
    parts: list[list[Source]], after: str, states: set[SourceState], limit: int
) -> None:
    """However they are parted; a path that comes twice is one."""
    first = FirstPaths(after=after, states=states, limit=limit)
    known: dict[str, Source] = {}
    for part in parts:
        part = [known.setdefault(one.path, one) for one in part]  # noqa: PLW2901  # as told first
        first.take(part)
    wanted = [one for one in known.values() if one.path > after and one.state in states]
    assert first.found == sorted(wanted)[:limit]

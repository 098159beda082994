"""How much of its memory a gateway has left."""

from pathlib import Path

import pytest

from tailcast_gateway.connections.memory import (
    Memory,
    bound_of_group,
    used_by_process,
)


def test_it_is_scarce_beyond_the_watermark() -> None:
    """Not at it; whoever wants to know is told of each change once."""
    used = iter((850, 851, 900, 100))
    told: list[bool] = []
    memory = Memory(
        0.85, bound=lambda: 1_000, used=lambda: next(used), on_change=told.append
    )
    for expected in (False, True, True, False):
        memory.look()
        assert memory.is_scarce is expected
    assert told == [True, False]


def test_without_a_bound() -> None:
    """There is always room."""
    memory = Memory(0.1, bound=lambda: None, used=lambda: 1 << 60, on_change=print)
    memory.look()
    assert not memory.is_scarce


@pytest.mark.parametrize(
    ("own", "above", "bound"),
    [("500\n", "max\n", 500), ("max", "300", 300), ("400", "300", 300), ("", "", None)],
)
def test_the_bound_of_a_group(
    tmp_path: Path, own: str, above: str, bound: int | None
) -> None:
    """The least one, of the group itself and of those above it."""
    group = tmp_path / "groups/pod/container"
    group.mkdir(parents=True)
    for folder, text in ((group, own), (group.parent, above)):
        if text:
            (folder / "memory.max").write_text(text)
    (tmp_path / "cgroup").write_text("1:name=x:/\n0::/pod/container\n")
    assert bound_of_group(tmp_path / "groups", tmp_path) == bound


def test_machines_without_groups(tmp_path: Path) -> None:
    """There is no bound then."""
    assert bound_of_group(tmp_path, tmp_path) is None
    (tmp_path / "cgroup").write_text("4:memory:/somewhere\n")
    assert bound_of_group(tmp_path, tmp_path) is None


def test_what_is_used(tmp_path: Path) -> None:
    """This process uses something; where that is not told, it counts as nothing."""
    assert used_by_process() > 1_000_000
    assert used_by_process(tmp_path) == 0

"""What is offered for a session that does not exist."""

import pytest

from tailcast_gateway.sessions import similar
from tailcast_gateway.sessions.core.similar import MAX_CHARACTERS, similar_to
from tailcast_gateway.sessions.similar import MAX_ANSWERS, NAMES_SECONDS, Similar
from tailcast_gateway.views.grant import EVERYTHING_GRANTED, Grant
from tests.gateway.sessions.rig import Sessions


NAMES = ["session_20261126_002257", "session_001", "session_002", "other/run", "ab"]


@pytest.mark.parametrize(
    ("session", "found"),
    [
        ("20261126_002257", ["session_20261126_002257"]),
        ("sesion_001", ["session_001", "session_002"]),
        ("SESSION_001", ["session_001", "session_002"]),
        ("other/run.jsonl", ["other/run"]),
        ("session", ["session_20261126_002257", "session_001", "session_002"]),
        ("run", ["other/run"]),
        ("a", []),
        ("", []),
        ("nothing of the kind", []),
        ("x" * (MAX_CHARACTERS + 1), []),
    ],
)
def test_names_that_are_like_it(session: str, found: list[str]) -> None:
    """A part of it, or other characters; nothing that only looks for a way out."""
    assert similar_to(session, NAMES) == found


def test_at_most_three_the_latest_first() -> None:
    """Names that are too long are none."""
    names = ["run" * 100, *(f"run_{number}" for number in range(9))]
    assert similar_to("run", names) == ["run_0", "run_1", "run_2"]


async def test_the_list_is_read_once_for_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who asks too often is offered nothing."""
    monkeypatch.setattr(similar, "MAX_NAMES", 1)
    rig = Sessions()
    reads = list[float]()

    class Reads:
        async def latest(self) -> dict[str, int]:
            reads.append(rig.now)
            return {"run_1": 2, "run_2": 1}

    offers = Similar(Reads(), clock=lambda: rig.now)  # type: ignore[arg-type]  # all it asks
    found = [await offers.to("run", EVERYTHING_GRANTED) for _ in range(MAX_ANSWERS + 1)]
    assert found == [["run_1"]] * MAX_ANSWERS + [[]]
    rig.now += 1
    assert await offers.to("run", EVERYTHING_GRANTED) == ["run_1"]
    assert len(reads) == 1
    rig.now += NAMES_SECONDS
    assert await offers.to("run", EVERYTHING_GRANTED) == ["run_1"]
    assert len(reads) == 2
    assert await offers.to("run", Grant(globs=("other",))) == []

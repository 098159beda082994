"""Where delivery goes on by a verdict, and what is told of that."""

import pytest

from tailcast_gateway.sessions.core.outcomes import breaks_of, goes_on_after, reached_by
from tailcast_gateway.sessions.core.verdicts import (
    NoValues,
    Replaced,
    Resume,
    Trimmed,
    Verdict,
    Wait,
)
from tailcast_streams.position import BEGINNING_CURSOR, NOTHING, Cursor
from tests.gateway.entries import cursor, id_of


TO = cursor("1-30")


@pytest.mark.parametrize(
    ("verdict", "place"),
    [
        (Resume(TO, is_proved=True), TO),
        (Trimmed(TO), TO),
        (Replaced(TO), TO),
        (Wait(is_file_long_enough=True), None),
        (NoValues("steps"), None),
    ],
)
def test_where_delivery_goes_on(verdict: Verdict, place: Cursor | None) -> None:
    """It is known by every verdict but those that leave the place open."""
    assert goes_on_after(verdict) == place


@pytest.mark.parametrize(
    ("verdict", "since", "reason"),
    [
        (Trimmed(TO), str(cursor("1-10")), "trimmed"),
        (Trimmed(TO, is_cursor_known=False), str(cursor("1-10")), "unknown_cursor"),
        (Trimmed(TO, since=BEGINNING_CURSOR), "1-0-00000000", "trimmed"),
    ],
)
def test_a_gap_says_from_where_and_why(
    verdict: Trimmed, since: str, reason: str
) -> None:
    """It begins at the client's place, unless the verdict says where."""
    (gap,) = breaks_of(verdict, cursor("1-10"))
    fields = {"from": since, "to": str(TO), "reason": reason}
    assert gap == ("gap", fields)


def test_a_generation_that_began_within_a_gap_is_told() -> None:
    """A rewind follows the gap; the first generation began for nobody."""
    gap, rewind = breaks_of(Trimmed(cursor("2-10")), cursor("1-10"))
    assert (gap.kind, rewind.kind) == ("gap", "rewind")
    assert rewind.fields["reason"] == "truncated"
    assert rewind.fields["generation"] == "2"
    assert len(breaks_of(Trimmed(TO), NOTHING)) == 1


def test_another_file_under_the_name_is_a_rewind() -> None:
    """It begins at the file's beginning, as clients see it."""
    (rewind,) = breaks_of(Replaced(Cursor(id_of("2-0"), 0)), TO)
    assert rewind.kind == "rewind"
    assert rewind.fields["reason"] == "replaced"
    assert rewind.fields["cursor"] == "2-0-00000000"
    (rewind,) = breaks_of(Replaced(NOTHING), TO)
    assert rewind.fields["cursor"] == "1-0-00000000"


@pytest.mark.parametrize(
    "verdict",
    [Resume(TO, is_proved=False), Wait(is_file_long_enough=False), NoValues("times")],
)
def test_nothing_is_told_where_nothing_is_missing(verdict: Verdict) -> None:
    """Also while it is waited, and where a client begins now."""
    assert not breaks_of(verdict, cursor("1-10"))


@pytest.mark.parametrize(
    ("verdict", "told"),
    [
        (Resume(TO, is_proved=True, reached=40), {"reached": 40}),
        (Resume(TO, is_proved=True), {}),
        (Replaced(TO), {}),
    ],
)
def test_how_far_a_run_is_that_has_not_come_to_a_step(
    verdict: Verdict, told: dict[str, object]
) -> None:
    """It is told if it stands in the verdict."""
    assert reached_by(verdict) == told

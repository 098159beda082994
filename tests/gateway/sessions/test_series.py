"""Which metrics are drawn, and pages of the catalogue."""

from functools import partial
from typing import Any

from tailcast_gateway.sessions.core.series import (
    DEFAULT_DRAWN,
    Catalogue,
    Chosen,
    Drawn,
    choose,
    drawn_body,
    listed_body,
    others_within,
)
from tailcast_index.fold import Gap, LeftOut, Metric, Rewind, Span, Summary
from tailcast_index.fold.figures import NOTHING_LEFT_OUT
from tailcast_index.meaning import Choice
from tailcast_index.rollups import Series
from tailcast_streams.position import NOTHING, Cursor, EntryID
from tests.gateway.entries import cursor


def metric(name: str) -> Metric:
    """One of which only the name matters."""
    return Metric(name, 0, "int", 1, 1, 1, 1, 1, 0, None, None)


def metrics(*names: str) -> list[Metric]:
    """Several."""
    return [metric(name) for name in names]


def test_the_first_ones_unless_some_are_named() -> None:
    """The others are counted; a name twice is once; what does not exist is named."""
    names = [f"m{at}" for at in range(DEFAULT_DRAWN + 3)]
    assert choose(metrics(*names), None) == Chosen(names[:DEFAULT_DRAWN], (), 3)
    assert choose(metrics("a"), None) == Chosen(["a"], (), 0)
    assert choose(metrics("a", "b"), ["b", "c", "b"]) == Chosen(["b"], ["c"])


def test_names_with_commas_in_them() -> None:
    """The whole is one name if there is such a metric, and else it is a list."""
    asked = ["a", "b", "a,b"]
    assert choose(metrics("a"), asked, whole="a,b") == Chosen(["a"], ["b"])
    assert choose(metrics("a", "a,b"), asked, whole="a,b") == Chosen(["a,b"], [])
    assert choose(metrics(), ["a"], whole="a") == Chosen([], ["a"])


def page(part: str = "", after: str = "", limit: int = 2) -> dict[str, Any]:
    """A page of three metrics."""
    left_out = LeftOut(9, tuple("abcdefg"))
    said = summary(left_out=left_out, approximate_to=EntryID(1, 70))
    listed = Catalogue(metrics("loss", "LR", "lr/eval"), NOTHING, said)
    found: dict[str, Any] = listed_body(
        "s", listed, part=part, after=after, limit=limit
    )
    assert (found["leftOut"], found["indexedTo"]) == (7, "1-0-00000000")
    assert found["approximateTo"] == "1-70-00000000"
    found["data"] = [one["name"] for one in found["data"]]
    return {name: found[name] for name in ("of", "data", "cursor", "more")}


def test_pages_go_by_name() -> None:
    """Whatever comes meanwhile, no name is on two pages."""
    assert page() == {"of": 3, "data": ["LR", "loss"], "cursor": "loss", "more": True}
    assert page(after="loss") == {
        "of": 3, "data": ["lr/eval"], "cursor": "lr/eval", "more": False,
    }  # fmt: skip  # one glance
    assert page(after="z")["cursor"] == "z"
    assert page(part="lr", limit=9)["data"] == ["LR", "lr/eval"]


def summary(**fields: Any) -> Summary:
    """What an index says of which only this matters."""
    nothing: dict[str, Any] = {"left_out": NOTHING_LEFT_OUT}
    return Summary(
        steps=Span(), times=Span(), unread={}, choice=Choice(), **nothing | fields
    )


def drawn(chosen: Chosen, indexed_to: Cursor | None = NOTHING) -> dict[str, object]:
    """What is said of an answer that draws nothing of seven records."""
    place = cursor("1-70")
    one = Drawn(Series(0, 7, {}, [], []), chosen, indexed_to, place, summary(), 32)
    body = drawn_body("s", "step", one)
    assert (body.pop("sessionId"), body.pop("x")) == ("s", "step")
    assert (body.pop("cursor"), body.pop("of")) == (str(place), 7)
    assert body.pop("bucket") == 32
    assert (body.pop("series"), body.pop("gaps"), body.pop("rewinds")) == ({}, [], [])
    return body


def test_what_is_not_drawn_is_named() -> None:
    """Metrics that do not exist by name, and those that were left out by number."""
    assert drawn(Chosen([], ["a"])) == {"indexedTo": "1-0-00000000", "unknown": ["a"]}
    assert drawn(Chosen([], (), 3), None) == {"indexedTo": None, "metricsLeftOut": 3}


def test_gaps_and_fall_backs_are_told() -> None:
    """Those that are kept; of those before it is said how many there were."""
    first, last = EntryID(1, 5), EntryID(1, 9)
    says = summary(
        gaps=(Gap(first, last, "trimmed"), Gap(first, last, "unheard of")),
        gap_count=2,
        rewinds=(
            Rewind(first, 3, 8, records=4, time_ms=70),
            Rewind(last, 2, 9, "b", records=6),
        ),
        rewind_count=5,
    )
    one = Drawn(Series(0, 7, {}, [], []), Chosen([]), None, cursor("1-70"), says, 1)
    body = drawn_body("s", "time", one)
    assert body["gaps"] == [
        {"from": f"{Cursor(first, 0)}", "to": f"{Cursor(last, 0)}", "reason": reason}
        for reason in ("trimmed", "file_lost")
    ]
    assert body["rewinds"] == [
        {"x": 70, "cursor": f"{Cursor(first, 0)}", "step": 3, "before": 8},
        {"x": None, "cursor": f"{Cursor(last, 0)}", "step": 2, "before": 9, "run": "b"},
    ]
    assert "gapsLeftOut" not in body
    assert body["rewindsLeftOut"] == 3


def test_what_a_sample_tells_besides() -> None:
    """Markers and gaps between two entries; nothing if some may be unknown."""
    first, last = EntryID(1, 5), EntryID(1, 9)
    after, end = EntryID(1, 2), EntryID(2, 4)
    gaps = (Gap(after, first, "left_out"), Gap(first, last, "trimmed"))
    marker = EntryID(2, 3)
    says = summary(gaps=gaps, gap_count=2)
    none: tuple[int, list[EntryID]] = (0, [])
    others = partial(others_within, after=after, end=end)
    assert others(says, [after, marker], none) == [marker, first]
    assert others(summary(gaps=gaps, gap_count=3), [], none) is None
    assert others(summary(emergencies=1), [], none) is None
    # Files that were rotated away: markers too, of which the latest are known.
    rotated = [marker, EntryID(3, 0)]
    assert others(summary(), [], (2, rotated)) == [marker]
    assert others(summary(), [], (3, rotated)) is None
    assert others(summary(), [], (3, [after, marker])) == [marker]

"""All emergencies in one list: in which order, and what is said of each."""

import json
from typing import Any

import msgspec
import pytest

from tailcast_gateway.protocol.client_messages import InvalidMessage
from tailcast_gateway.sessions.core.emergency_list import (
    ListedEmergency,
    Listing,
    Order,
    Tail,
    WantedEmergencies,
    acknowledgement_fields,
    changed,
    known_of,
    listed_emergency,
    listing_of,
    marks,
    of_document,
    of_kept,
    place_of,
    place_text,
)
from tailcast_gateway.views.grant import EVERYTHING_GRANTED, Grant
from tailcast_gateway.views.subscription import Begin, Rule, Subscription
from tailcast_streams.cuts import Cut
from tailcast_streams.emergencies import (
    Acknowledgement,
    FoundEmergency,
    KeptEmergency,
    KeptHistory,
    Life,
)
from tailcast_streams.entries import Kind
from tailcast_streams.exceptions import InvalidPosition
from tailcast_streams.position import Cursor, EntryID
from tests.gateway.entries import cursor, entry


ADA = Acknowledgement("ada", "ok", 5)


def kept(
    offset: int, *, session: str = "a", time_ms: int = 0, severity: str = ""
) -> KeptEmergency:
    """One that is kept."""
    place = Cursor(EntryID(1, offset), 7)
    return KeptEmergency(session, place, "i1", offset, time_ms or offset, severity)


def found(offset: int, time_ms: int | None = None) -> FoundEmergency:
    """One that is not indexed."""
    place = Cursor(EntryID(1, offset), 7)
    return FoundEmergency(place, 3, time_ms, 9_000, b'{"severity":"low"}')


def document(session: str = "", **details: str) -> ListedEmergency:
    """One that is a file of its own."""
    one = entry("1-1", record=b'{"n":1}', kind=Kind.EMERGENCY)
    one = one._replace(details={"session": session, "path": "e.json", **details})
    return of_document(one, step=None, time_ms=None)


def of(*names: str) -> Subscription:
    """What is subscribed to."""
    return Subscription([Rule(name, "*" in name, True, Begin.NOW) for name in names])


def listing(*some: KeptEmergency, **more: Any) -> Listing:
    """All that there is."""
    lives = {one.session: Life("i1", ()) for one in some}
    history = KeptHistory(kept=some, lives=lives, acknowledged=more.pop("seen", {}))
    known = known_of(history, more.pop("documents", ()))
    return listing_of(history, known, more.pop("tails", {}), **more)


def offsets(one: Listing, **wanted: Any) -> list[int]:
    """Where those are that are asked for."""
    return [it.order.cursor.id.offset for it in one.newest(WantedEmergencies(**wanted))]


def test_the_newest_is_first() -> None:
    """By time; of the same time in the order of the file."""
    some = [kept(9, time_ms=50), kept(10, time_ms=50), kept(1, time_ms=90)]
    assert offsets(listing(*some)) == [1, 10, 9]


def test_what_is_kept_and_in_a_tail_is_there_once() -> None:
    """With the time at which it was first read; the others as they were found."""
    tail = Tail(incarnation="i1", found=[found(10), found(20), found(30, 5)])
    made = listing(kept(10, time_ms=100), tails={"a": tail}, behind=2)
    told = {it.order.cursor.id.offset: it for it in made.emergencies}
    assert [told[at].order.time_ms for at in (10, 20, 30)] == [100, 9_000, 5]
    assert (told[20].severity, told[20].record) == ("low", found(20).record)
    assert made.behind == 2


def test_another_stream_takes_the_place_of_one() -> None:
    """What is kept of the earlier one is told as lost, until an indexer knows."""
    tail = Tail(incarnation="i2", found=[found(10)])
    made = listing(kept(10), kept(20), tails={"a": tail})
    assert offsets(made, rewound=False) == [10]
    assert offsets(made, rewound=True) == [20]


def test_what_a_tail_cuts_is_lost() -> None:
    """As is what was cut before; of a session nothing is known of it is not."""
    tail = Tail(incarnation="i1", cuts=[Cut(2, 15)])
    made = listing(kept(10), kept(20), kept(30, session="b"), tails={"a": tail})
    assert offsets(made, rewound=True) == [20]
    history = KeptHistory(kept=[kept(20)])
    known = known_of(history, [])
    assert offsets(listing_of(history, known, {}), rewound=True) == []
    made = listing_of(history, known, {"a": tail})
    assert marks(of_kept(kept(20)), made) == {"rewound": True}


def test_what_is_asked_for() -> None:
    """By session, kind, time, and whether somebody has seen it."""
    some = (kept(1, severity="low"), kept(2), kept(3, session="b"))
    made = listing(
        *some, documents=[document(), document("b", id="x")], seen={"x": ADA}
    )
    assert offsets(made, sessions=of("a")) == [2, 1]
    assert len(offsets(made, sessions=of("b"))) == 2
    assert len(offsets(made, sessions=of("b"), with_general=True)) == 3
    assert len(offsets(made)) == 5
    assert offsets(made, severities=frozenset({"low"})) == [1]
    assert offsets(made, since_ms=2, until_ms=3) == [2]
    assert len(offsets(made, acknowledged=True)) == 1
    assert len(offsets(made, acknowledged=False)) == 4


def test_pages_go_on_where_they_ended() -> None:
    """Whatever has come since; a place names the session, whatever is in its name."""
    some = [kept(at, session="a/b - c") for at in range(1, 6)]
    made = listing(*some)
    newest = list(made.newest(WantedEmergencies()))
    place = place_of(place_text(newest[1]))
    assert place == newest[1].order
    assert list(made.newest(WantedEmergencies(), after=place)) == newest[2:]
    assert made.find(newest[3].id) == newest[3]
    assert made.find("none") is None


@pytest.mark.parametrize("text", ["", "x", "1", "1/1-2-00000003", "/1-2-00000003/a"])
def test_what_is_no_place(text: str) -> None:
    """It is refused."""
    with pytest.raises(InvalidMessage):
        place_of(text)
    with pytest.raises(InvalidPosition):
        place_of("1/?/a")


def test_what_is_said_of_one() -> None:
    """Where it is, what it says, and who has seen it; nulls for what is not there."""
    one = of_kept(kept(10, severity="low"))
    made = listing(kept(10, severity="low"), seen={one.id: ADA})
    told = json.loads(msgspec.json.encode(listed_emergency(one, b'{"a":1}', made)))
    assert told == {
        "id": "a/1-10-00000007", "sessionId": "a", "cursor": "1-10-00000007",
        "url": "../api/record?sessionId=a&cursor=1-10-00000007",
        "time": 10, "step": 10, "severity": "low", "data": {"a": 1},
        "acknowledged": {"who": "ada", "note": "ok", "at": 5},
    }  # fmt: skip  # one glance
    told = listed_emergency(document(), None, made)
    assert (told["path"], told["severity"], told["data"]) == ("e.json", None, None)
    assert "sessionId" not in told
    assert acknowledgement_fields(ADA)["who"] == "ada"


def test_files_of_their_own() -> None:
    """By path and content, or by cursor; their time is the record's, or the file's."""
    one = document("s", id="e.json/00", written="17")
    assert (one.id, one.session, one.order.time_ms) == ("e.json/00", "s", 17)
    assert document().id == f"e.json/{document().order.cursor}"
    assert document().order.time_ms == 0
    told = entry("1-2", record=b"{}", kind=Kind.EMERGENCY)
    assert of_document(told, step=2, time_ms=5).order[:2] == (5, "!emergencies")
    assert Order(1, "a", cursor("1-1")) < Order(2, "a", cursor("1-1"))


def test_what_was_seen_since() -> None:
    """And what was taken back."""
    before, after = {"a": ADA, "b": ADA}, {"a": ADA, "c": ADA}
    assert changed(before, after) == {"c": ADA, "b": None}


def test_what_a_grant_allows() -> None:
    """Those of its sessions; if it is all, those of none, and how many are behind."""
    whole = Listing(emergencies=[document(), document("a"), document("b")], behind=3)
    assert whole.within(EVERYTHING_GRANTED) is whole
    some = whole.within(Grant(globs=("a",)))
    assert [one.session for one in some.emergencies] == ["a"]
    assert some.behind == 0

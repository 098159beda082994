from dataclasses import replace
from unittest.mock import ANY

from msgspec import Raw

from tailcast_gateway.sessions.core.catalogue import (
    describe,
    rejected,
    size_bytes,
    snapshot,
)
from tailcast_gateway.sessions.core.runs import Known, ListedRun, SeenRun
from tailcast_gateway.sessions.core.told import SeenSession, end_of
from tailcast_index.fold import Index
from tailcast_index.meaning import Rules
from tailcast_streams.entries import Rejection
from tailcast_streams.position import digest
from tailcast_streams.session_state import Head, SessionState, StoredPosition
from tests.gateway.entries import chain, cursor, entry, head, id_of, marker


RULES = Rules(("step",), ("time",))


def shot(state: SessionState, *, latest: bytes = b"") -> SeenSession:
    """A snapshot; an emergency is its latest record too."""
    return SeenSession(
        state=state,
        cursor=end_of(state),
        metrics=b'{"phi":{"last":1.5}}',
        metrics_left_out=0,
        latest=latest,
        latest_emergency=b'{"emergency":{}}' if state.emergencies else b"",
        latest_emergency_id=state.latest_emergency_id,
    )


def known_of(*lines: bytes, is_whole: bool = True) -> Known:
    """What records say, up to the last one."""
    index = Index("a", incarnation="i", rules=RULES)
    entries = [entry(f"1-{n + 1}", f"1-{n}", line) for n, line in enumerate(lines)]
    index.fold(entries, now_ms=2_000_000_000_000)
    while index.stale is not None:
        index.restart(entries[0])
        index.fold(entries, now_ms=2_000_000_000_000)
    summary = index.summary(2_000_000_000_000)
    return Known(summary, indexed_to=None if is_whole else index.cursor)


def test_a_session() -> None:
    """What is kept, or null where there is nothing."""
    some = ListedRun(
        head([marker(), *chain(10)]), known_of(b'{"step":3}', b'{"step":2}')
    )
    full = describe("a", some, listed_ms=5, now_ms=10)
    assert (full["status"], full["lastActivity"]) == ("running", 5)
    assert (full["oldest"], full["head"]) == ("1-0-00000000", str(cursor("1-10")))
    assert (full["firstStep"], full["lastStep"], full["firstTime"]) == (3, 3, None)
    assert full["rate"] == 0.0
    assert "indexedTo" not in full
    bare = describe("a", ListedRun(head(has_state=False)), listed_ms=0, now_ms=10)
    assert bare["records"] == 0
    assert bare["oldest"] is bare["head"] is bare["lastStep"] is bare["rate"] is None


def test_figures_that_are_not_of_the_end() -> None:
    """Say up to where they are true; or that nothing is known of it."""
    state = head([marker(), *chain(10)]).state
    assert state is not None
    old = known_of(b'{"step":3,"time":1.9e9}', is_whole=False)
    for known, to, last in ((old, str(old.indexed_to), 3), (Known(), None, None)):
        listed = describe(
            "a", ListedRun(Head(state, None, None), known), listed_ms=0, now_ms=0
        )
        shown = snapshot("a", SeenRun(shot(state), known), now_ms=0)
        assert listed["indexedTo"] == shown["indexedTo"] == to
        assert shown["steps"] == {"first": last, "last": last}
        assert listed["rate"] is shown["rate"] is None
        assert listed["lastTime"] == (1_900_000_000_000 if last else None)


def test_counts_of_a_file_that_was_written_anew() -> None:
    """Are of what it has now, and not of all that came; as far as that is known."""
    state = head([marker(), *chain(10)]).state
    assert state is not None
    state = state._replace(records=9, emergencies=4)
    known = known_of(b'{"step":3}', b'{"step":4}')
    for generation, one, expected in (
        (1, known, (9, 4)), (2, known, (2, 0)), (2, Known(), (9, 4)),
    ):  # fmt: skip  # one glance
        position = state.position._replace(generation=generation)
        now = state._replace(position=position)
        listed = ListedRun(Head(now, None, None), one)
        told = describe("a", listed, listed_ms=0, now_ms=0)
        shown = snapshot("a", SeenRun(shot(now), one), now_ms=0)
        assert (told["records"], told["emergencies"]) == expected
        assert shown["records"] == expected[0]
        assert shown["emergencies"] == {"count": expected[1], "latest": ANY}


def test_figures_without_records_that_were_trimmed() -> None:
    """Say so."""
    index = Index("a", incarnation="i", rules=RULES)
    index.fold([entry("1-20", "1-10")], now_ms=0)
    told = ListedRun(head([entry("1-20", "1-10")]), Known(index.summary(0)))
    assert describe("a", told, listed_ms=0, now_ms=0)["trimmed"] is True


def test_figures_that_were_worked_out_from_curves() -> None:
    """It is said up to where they are."""
    summary = known_of(b'{"step":3}').summary
    assert summary is not None
    known = Known(replace(summary, approximate_to=id_of("2-70")))
    told = ListedRun(head(chain(10)), known)
    said = describe("a", told, listed_ms=0, now_ms=0)
    assert said["approximateTo"] == "2-70-00000000"


def test_snapshots() -> None:
    """All that belongs together."""
    state = head([marker(), *chain(10)], last_digest=7).state
    assert state is not None
    latest = b'{"phi" :1.50,"n":340282366920938463463374607431768211456,"phi":-0}'
    full = state._replace(
        updated_ms=1_000, records=3, emergencies=1,
        latest_emergency_id=id_of("1-5"),
    )  # fmt: skip  # one glance
    alarm = b'{"emergency":{}}'
    known = known_of(b'{"step":0}', b'{"step":9}')
    found = shot(full, latest=latest)
    assert snapshot("a", SeenRun(found, known), now_ms=61_000) == {
        "sessionId": "a", "cursor": "1-10-00000007", "data": Raw(latest),
        "metrics": Raw(b'{"phi":{"last":1.5}}'), "steps": {"first": 0, "last": 9},
        "times": {"first": None, "last": None}, "rate": 0.0, "status": "stalled",
        "lastActivity": 1_000, "records": 3, "rejected": 0,
        "emergencies": {"count": 1, "latest": {
            "id": f"a/1-5-{digest(alarm):08x}", "data": Raw(alarm)}},
        "totalSteps": None, "etaMs": None, "spark": None,
    }  # fmt: skip  # one glance
    assert size_bytes(SeenRun(found)) > len(alarm)
    left_out = snapshot("a", SeenRun(replace(found, metrics_left_out=2)), now_ms=0)
    assert left_out["metricsLeftOut"] == 2


def test_snapshots_of_little() -> None:
    """Nulls where there is nothing, and where somebody wrote something by hand."""
    none = snapshot("a", None, now_ms=0)
    assert (none["cursor"], none["data"], none["status"]) == (None, None, None)
    for text in (b"junk", b'{"a":' * 5_000, b'{"a":"\xff"}', b""):
        bare = shot(SessionState(position=StoredPosition()), latest=text)
        shown = snapshot("a", SeenRun(bare), now_ms=0)
        assert (shown["cursor"], shown["data"]) == (None, None)
        assert shown["emergencies"] == {"count": 0, "latest": None}


def test_what_is_no_record_and_not_rejected() -> None:
    """Where there is some, and not else."""
    some = head([marker()]).state
    assert some is not None
    for size in (0, 7):
        state = some._replace(text=size, partial_bytes=size, absent_since_ms=size)
        told = (
            describe("a", ListedRun(Head(state, None, None)), listed_ms=0, now_ms=0),
            snapshot("a", SeenRun(shot(state)), now_ms=0),
        )
        fields = ("text", "partialBytes", "absentSince")
        expected = dict.fromkeys(fields, 7) if size else {}
        for one in told:
            assert one.items() >= expected.items()
            assert (set(fields) & one.keys() == set(fields)) is bool(size)
            assert size or not set(fields) & one.keys()


def test_rejected_lines() -> None:
    """With where they are in the file."""
    line = Rejection(id_of("1-40"), "not JSON", 30, 9, "junk")
    assert rejected(line) == {
        "id": "1-40", "reason": "not JSON", "offset": 30, "length": 9, "line": "junk",
    }  # fmt: skip  # one glance

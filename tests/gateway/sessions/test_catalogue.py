from dataclasses import replace

from msgspec import Raw

from tailcast_gateway.sessions.core.catalogue import (
    describe,
    rejected,
    size_bytes,
    snapshot,
)
from tailcast_gateway.sessions.core.runs import ListedRun, SeenRun
from tailcast_streams.entries import Rejection
from tailcast_streams.position import digest
from tailcast_streams.session_state import (
    Head,
    SessionState,
    StoredPosition,
    snapshot_of,
)
from tests.gateway.entries import chain, cursor, head, id_of, marker


def test_a_session() -> None:
    """What is kept, or null where there is nothing."""
    full = describe(
        "a", ListedRun(head([marker(), *chain(10)])), listed_ms=5, now_ms=10
    )
    assert (full["status"], full["lastActivity"]) == ("running", 5)
    assert (full["oldest"], full["head"]) == ("1-0-00000000", str(cursor("1-10")))
    bare = describe("a", ListedRun(head(has_state=False)), listed_ms=0, now_ms=10)
    assert bare["records"] == 0
    assert bare["oldest"] is bare["head"] is bare["lastStep"] is None


def test_snapshots() -> None:
    """Everything of one append; what fades does so until now."""
    state = head([marker(), *chain(10)], last_digest=7).state
    assert state is not None
    alarm = b'{"emergency":{}}'
    latest = b'{"phi" :1.50,"n":340282366920938463463374607431768211456,"phi":-0}'
    full = replace(
        state, latest=latest, metrics=b'{"phi":{"last":1.5}}', rate=2.0,
        first_step=0, last_step=9, updated_ms=1_000, records=3, emergencies=1,
        latest_emergency_id=id_of("1-5"), latest_emergency=alarm,
    )  # fmt: skip  # one glance
    shown = snapshot("a", SeenRun(snapshot_of(full)), now_ms=61_000)
    assert shown == {
        "sessionId": "a", "cursor": "1-10-00000007", "data": Raw(latest),
        "metrics": Raw(b'{"phi":{"last":1.5}}'), "steps": {"first": 0, "last": 9},
        "times": {"first": None, "last": None}, "rate": 0.7358, "status": "stalled",
        "lastActivity": 1_000, "records": 3, "rejected": 0,
        "emergencies": {"count": 1, "latest": {
            "id": f"a/1-5-{digest(alarm):08x}", "data": Raw(alarm)}},
        "totalSteps": None, "etaMs": None, "spark": None,
    }  # fmt: skip  # one glance
    assert size_bytes(SeenRun(snapshot_of(full))) > len(alarm)


def test_snapshots_of_little() -> None:
    """Nulls where there is nothing, and where somebody wrote something by hand."""
    none = snapshot("a", None, now_ms=0)
    assert (none["cursor"], none["data"], none["status"]) == (None, None, None)
    bare = snapshot_of(SessionState(position=StoredPosition(), latest=b"junk"))
    shown = snapshot("a", SeenRun(bare), now_ms=0)
    told = (shown["cursor"], shown["data"], shown["metrics"])
    assert told == (None, None, Raw(b"{}"))
    assert shown["emergencies"] == {"count": 0, "latest": None}
    for text in (b'{"a":' * 5_000, b'{"a":"\xff"}', b""):
        bare = snapshot_of(SessionState(position=StoredPosition(), latest=text))
        assert snapshot("a", SeenRun(bare), now_ms=0)["data"] is None


def test_what_is_no_record_and_not_rejected() -> None:
    """Where there is some, and not else."""
    some = head([marker()]).state
    assert some is not None
    for size in (0, 7):
        state = replace(some, text=size, partial_bytes=size, absent_since_ms=size)
        told = (
            describe("a", ListedRun(Head(state, None, None)), listed_ms=0, now_ms=0),
            snapshot("a", SeenRun(snapshot_of(state)), now_ms=0),
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

import json

from gateway.catalog import describe, page, status
from gateway.window import NOTHING
from telemetry_stream.broker import Kind
from tests.gateway.entries import chain, cursor, entry, head, marker


def test_status() -> None:
    """By how long nothing has come."""
    assert status(1_000) == "running"
    assert status(100_000) == "stalled"
    assert status(1_000_000) == "ended"


def test_a_session() -> None:
    """What is kept, or null where there is nothing."""
    full = describe("a", head([marker(), *chain(10)]), active_ms=5, now_ms=10)
    assert (full["status"], full["lastActivity"]) == ("running", 5)
    assert (full["oldest"], full["head"]) == ("1-0-00000000", str(cursor("1-10")))
    bare = describe("a", head(has_state=False), active_ms=0, now_ms=10)
    assert bare["records"] == 0
    assert bare["oldest"] is bare["head"] is bare["lastStep"] is None


def test_pages() -> None:
    """Records alone; bounded by number and by size; the cursor passes over the rest."""
    gap = entry("1-40", "1-30", b"", Kind.GAP)
    entries = [*chain(10, 20, 30), gap]
    made = json.loads(
        page("a", entries, after=NOTHING, limit=9, size_bytes=999, told={"x": 1})
    )
    assert made == {
        "sessionId": "a", "x": 1, "data": [{"o": 10}, {"o": 20}, {"o": 30}],
        "cursor": "1-40-00000000", "more": False,
    }  # fmt: skip  # one glance
    short = json.loads(
        page("a", entries, after=NOTHING, limit=2, size_bytes=999, told={})
    )
    assert (len(short["data"]), short["more"]) == (2, True)
    small = json.loads(
        page("a", entries, after=NOTHING, limit=9, size_bytes=1, told={})
    )
    assert (len(small["data"]), small["more"]) == (1, True)
    at = cursor("1-40", b"")
    none = json.loads(page("a", [], after=at, limit=9, size_bytes=9, told={}))
    assert (none["data"], none["cursor"]) == ([], str(at))

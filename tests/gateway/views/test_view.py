import gc
import json
from typing import Any

import pytest

from tailcast_gateway.limits import FILTER
from tailcast_gateway.protocol.client_messages import InvalidMessage, Subscribe, parse
from tailcast_gateway.protocol.limits import MAX_FILTER_VALUES
from tailcast_gateway.views.filters import Filter
from tailcast_gateway.views.view import (
    FILTERED_IN_TURN,
    PLAIN,
    DecodedEntries,
    View,
    Views,
)
from tailcast_streams.entries import Kind
from tailcast_streams.metrics import RecordFields
from tests.gateway.entries import chain, entry, marker


HIGH: dict[str, Any] = {"where": {"metric": "o", "op": "gt", "value": 15}}


def request(**fields: Any) -> Subscribe:
    """A `subscribe` with these fields."""
    message = parse(json.dumps({"type": "subscribe", **fields}).encode())
    assert isinstance(message, Subscribe)
    return message


def test_nothing_asked_for_is_plain() -> None:
    """Every record, one after the other."""
    views = Views()
    assert views.view_of(request()) is PLAIN
    assert len(views) == 0
    assert PLAIN.is_contiguous
    assert PLAIN.index([b'{"step":1}']) is None


def test_what_a_filter_cannot_judge_is_told() -> None:
    """It is told, and not held back in silence."""
    deep = b'{"tree":' + b'{"c":' * 5_000 + b"1" + b"}" * 5_001
    entries = [entry("1-10", "1-0", deep), *chain(20, previous="1-10"), entry("1-30")]
    wanted = DecodedEntries(entries).wanted(Views().view_of(request(**HIGH)))
    assert [one.id.offset for one in wanted] == [10, 20]


def test_equal_forms_are_one() -> None:
    """Whatever the order in which a client says it; what nobody has is forgotten."""
    views = Views()
    first = views.view_of(request(metrics=["a", "b"], **HIGH, maxRate=5))
    same = {"value": 15, "op": "gt", "metric": "o"}
    assert views.view_of(request(metrics=["b", "a"], where=same, maxRate=5.0)) is first
    other = views.view_of(request(metrics=["a"], **HIGH))
    assert other is not first
    assert len(views) == 2
    del first, other
    gc.collect()
    assert len(views) == 0


def test_too_many_forms() -> None:
    """Each of them costs time for every record."""
    views = Views(max_views=1)
    kept = views.view_of(request(maxRate=1))
    with pytest.raises(InvalidMessage) as caught:
        views.view_of(request(maxRate=2, id=7))
    assert (caught.value.code, caught.value.id) == ("too_many_subscriptions", 7)
    assert views.view_of(request(maxRate=1)) is kept


def test_what_is_no_form() -> None:
    """One line that says what to mend, with the message's ID."""
    with pytest.raises(InvalidMessage) as caught:
        Views().view_of(request(id="x", where={"metric": "a", "op": "is"}))
    assert (caught.value.code, caught.value.id) == ("invalid_filter", "x")
    assert "where.op" in caught.value.text
    assert caught.value.limit is None


def test_what_is_too_much_of_a_form() -> None:
    """It is no filter either, and a limit says so."""
    much = {"metric": "a", "op": "in", "value": ["b"] * (MAX_FILTER_VALUES + 1)}
    with pytest.raises(InvalidMessage) as caught:
        Views().view_of(request(where=much))
    assert (caught.value.code, caught.value.limit) == ("invalid_filter", FILTER)


def test_filters_hold_records_back_alone() -> None:
    """Emergencies, markers and gaps pass."""
    view = Views().view_of(request(**HIGH))
    alarm = entry("1-12", "1-10", b'{"o":1,"emergency":{}}', Kind.EMERGENCY)
    entries = [marker(), *chain(10), alarm, *chain(20, previous="1-12")]
    wanted = DecodedEntries(entries).wanted(view)
    assert [one.id.offset for one in wanted] == [0, 12, 20]
    assert not view.is_contiguous
    assert DecodedEntries(entries).wanted(PLAIN) is entries


def test_an_index_uses_the_configured_keys() -> None:
    """Steps and times, parallel to the records."""
    views = Views(step_keys=["n"], time_keys=["at"])
    found = views.view_of(request(index=True)).index([b'{"n":1,"at":1e9}', b"{}"])
    assert found is not None
    assert (found.steps, found.times) == ([1, None], [1_000_000_000_000, None])


def test_it_matters_where_step_and_time_are_if_they_are_told_or_kept() -> None:
    """Not where records are shown as they are."""
    views = Views()
    asked = [request(index=True), request(metrics=["a"]), request(max_points=9)]
    needs = [views.view_of(one).needs_reading for one in asked]
    assert needs == [True, True, False]


def test_conflated_flows_are_not_contiguous() -> None:
    """Sampled replays are, once they are over."""
    assert not View(max_rate=1.0).is_contiguous
    assert View(max_points=5).is_contiguous


def test_more_metrics_than_a_projection_has() -> None:
    """Whoever makes the message, the bound holds."""
    message = Subscribe(metrics=[f"m{n}" for n in range(101)], id=3)
    with pytest.raises(InvalidMessage) as caught:
        Views().view_of(message)
    assert (caught.value.code, caught.value.id) == ("invalid_message", 3)


def test_a_filter_lets_others_have_their_turn() -> None:
    """After so much work: what it costs for a record, times the records."""
    entries = chain(*range(1, 1_001))
    decoded = DecodedEntries(entries)
    asked: list[object] = []

    def even(fields: RecordFields) -> bool:
        asked.append(fields["o"])
        return len(asked) % 2 == 0

    view = View(where=Filter("even", even, FILTERED_IN_TURN // 100))
    seen = [len(asked) for _ in decoded.filter(view)]
    assert seen == list(range(100, 1_000, 100))
    assert len(asked) == 1_000
    wanted = decoded.wanted(view)
    assert [one.id.offset for one in wanted] == list(range(2, 1_001, 2))
    # It is not filtered again, and another view's filter decodes nothing again.
    assert len(asked) == 1_000
    assert list(decoded.filter(PLAIN)) == []
    # Nor need anybody wait for it who lets nobody have a turn.
    assert len(DecodedEntries(entries).wanted(view)) == 500


def test_what_a_filter_costs() -> None:
    """Its conditions and groups, each counted once."""
    view = Views().view_of(request(**HIGH))
    assert view.filter_nodes == 1
    assert PLAIN.filter_nodes == 0

"""What `where` means, and that equal conditions are one."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from tailcast_gateway.protocol.limits import (
    MAX_CONDITIONS,
    MAX_FILTER_DEPTH,
    MAX_FILTER_VALUES,
    MAX_TEXT_CHARACTERS,
)
from tailcast_gateway.views.filters import InvalidFilter, parse_filter
from tailcast_streams.metrics import MISSING, finder, read_fields


RECORD: dict[str, object] = {
    "step": 42,
    "loss/train": 0.5,
    "a.b": 1,
    "flag": True,
    "none": None,
    "list": [1],
    "nan": "NaN",
    "up": "Infinity",
    "down": "-Infinity",
    "a": {"b": 2, "c": {"d": 3}},
    "time": "2025-12-18T01:30:00Z",
    "telemetry": {"phi": 0.72, "step": 7, "x.y": 4, "deep": {"z": 5, "t.u": 6}},
}


def condition(metric: str, op: str, value: object) -> dict[str, object]:
    """One condition."""
    return {"metric": metric, "op": op, "value": value}


def matches(where: object, fields: dict[str, object] = RECORD) -> bool:
    """Whether a record is wanted."""
    return parse_filter(where).matches(fields)


def refusal(where: object) -> str:
    """Why a filter is none."""
    with pytest.raises(InvalidFilter) as refused:
        parse_filter(where)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("step", 42),
        ("loss/train", 0.5),
        ("phi", 0.72),
        ("a.b", 1),
        ("x.y", 4),
        ("a.c.d", 3),
        ("telemetry.phi", 0.72),
        ("telemetry.deep.z", 5),
        ("deep.z", 5),
        ("deep.t.u", MISSING),
        ("step.x", MISSING),
        ("a.c.e", MISSING),
        ("gone", MISSING),
        ("gone.too", MISSING),
    ],
)
def test_where_a_metric_is_found(metric: str, value: object) -> None:
    """Literally at the top, then in `telemetry`, then as a path from either."""
    assert finder(metric)(RECORD) == value


@pytest.mark.parametrize("telemetry", [3, None, [], "phi"])
def test_telemetry_that_is_no_object(telemetry: object) -> None:
    """Nothing is in it."""
    fields: dict[str, object] = {"telemetry": telemetry}
    assert finder("phi")(fields) is MISSING
    assert finder("a.b")(fields) is MISSING
    assert finder("telemetry")(fields) is telemetry


@pytest.mark.parametrize(
    ("metric", "op", "value", "is_match"),
    [
        ("step", "eq", 42, True),
        ("step", "eq", 42.0, True),
        ("step", "eq", "42", False),
        ("step", "eq", 43, False),
        ("flag", "eq", True, True),
        ("flag", "eq", False, False),
        ("flag", "eq", 1, False),
        ("a.b", "eq", True, False),
        ("none", "eq", None, True),
        ("step", "eq", None, False),
        ("nan", "eq", "NaN", True),
        ("list", "eq", 1, False),
        ("step", "neq", 43, True),
        ("step", "neq", 42, False),
        ("step", "neq", "42", True),
        ("flag", "neq", 1, True),
        ("gone", "eq", None, False),
        ("gone", "neq", 1, False),
        ("step", "gt", 41, True),
        ("step", "gt", 42, False),
        ("step", "gte", 42, True),
        ("step", "gte", 42.5, False),
        ("phi", "lt", 1, True),
        ("phi", "lt", 0.72, False),
        ("phi", "lte", 0.72, True),
        ("phi", "lte", 0.5, False),
        ("flag", "gt", 0, False),
        ("none", "lt", 1, False),
        ("list", "lt", 1, False),
        ("time", "lt", 1, False),
        ("gone", "lt", 1, False),
        ("up", "gt", 1e300, True),
        ("down", "lt", -1e300, True),
        ("up", "lt", 1, False),
        ("up", "gte", "Infinity", True),
        ("step", "lt", "Infinity", True),
        ("nan", "gt", 0, False),
        ("nan", "lte", 0, False),
        ("time", "gt", "2025-12-18", True),
        ("time", "gte", "2025-12-18T01:30:00Z", True),
        ("time", "lt", "2025-12-18", False),
        ("time", "lte", "2026", True),
        ("nan", "gt", "A", False),
        ("step", "gt", "1", False),
        ("step", "in", [1, 42], True),
        ("step", "in", ["42"], False),
        ("time", "in", ["2025-12-18T01:30:00Z"], True),
        ("flag", "in", [1], False),
        ("flag", "in", [True, 1], True),
        ("a.b", "in", [True], False),
        ("a.b", "in", [True, 1], True),
        ("none", "in", [None], True),
        ("none", "in", [0, False], False),
        ("list", "in", [1], False),
        ("gone", "in", [None], False),
        ("step", "nin", [1], True),
        ("step", "nin", [42], False),
        ("list", "nin", [1], True),
        ("gone", "nin", [1], False),
        ("step", "exists", True, True),
        ("none", "exists", True, True),
        ("gone", "exists", True, False),
        ("step", "exists", False, False),
        ("gone", "exists", False, True),
        ("phi", "finite", True, True),
        ("step", "finite", True, True),
        ("flag", "finite", True, False),
        ("nan", "finite", True, False),
        ("gone", "finite", True, False),
        ("nan", "finite", False, True),
        ("up", "finite", False, True),
        ("down", "finite", False, True),
        ("time", "finite", False, False),
        ("phi", "finite", False, False),
        ("list", "finite", False, False),
        ("gone", "finite", False, False),
    ],
)
def test_what_a_condition_means(
    metric: str, op: str, value: object, is_match: bool
) -> None:
    """Each op, on values of each kind and on nothing."""
    assert matches(condition(metric, op, value)) is is_match


def test_flags_are_true_unless_said_otherwise() -> None:
    """`exists` and `finite` alone ask for it."""
    assert parse_filter({"metric": "a", "op": "exists"}) == parse_filter(
        condition("a", "exists", True)
    )


YES = condition("step", "eq", 42)
NO = condition("step", "eq", 43)


@pytest.mark.parametrize(
    ("where", "is_match"),
    [
        ({"all": [YES, condition("phi", "gt", 0.5)]}, True),
        ({"all": [YES, NO]}, False),
        ({"any": [NO, YES]}, True),
        ({"any": [NO, condition("phi", "gt", 1)]}, False),
        ({"not": NO}, True),
        ({"not": {"not": NO}}, False),
        ({"not": condition("gone", "eq", 1)}, True),
        ({"all": [YES, {"any": [NO, {"not": NO}]}]}, True),
    ],
)
def test_what_a_tree_means(where: object, is_match: bool) -> None:
    """All, any, and plain negation, of what is missing too."""
    assert matches(where) is is_match


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (YES, condition("step", "eq", 42.0)),
        (condition("a", "eq", 0), condition("a", "eq", -0.0)),
        (condition("a", "in", [1, "b", 2.0]), condition("a", "in", [2, 1.0, "b", 1])),
        ({"all": [YES, NO]}, {"all": [NO, YES, YES]}),
        ({"any": [YES]}, YES),
        ({"all": [YES, {"all": [NO]}]}, {"all": [NO, YES]}),
        ({"not": {"not": YES}}, YES),
    ],
)
def test_equal_conditions_have_one_key(one: object, other: object) -> None:
    """However they are written."""
    assert parse_filter(one) == parse_filter(other)
    assert len({parse_filter(one), parse_filter(other)}) == 1


@pytest.mark.parametrize(
    "other", [NO, condition("step", "eq", "42"), condition("step", "neq", 42)]
)
def test_different_conditions_are_different(other: object) -> None:
    """A text is no number."""
    assert parse_filter(YES) != parse_filter(other)
    assert parse_filter(condition("a", "eq", 1)) != parse_filter(
        condition("a", "eq", True)
    )


LONG = "m" * (MAX_TEXT_CHARACTERS + 1)


@pytest.mark.parametrize(
    ("where", "text"),
    [
        (3, "where must be an object"),
        ([YES], "where must be an object"),
        ({}, "where.metric must be a text"),
        ({"all": []}, "where.all must be a list with something in it"),
        ({"any": YES}, "where.any must be a list with something in it"),
        ({"all": [YES, 1]}, "where.all[1] must be an object"),
        ({"all": [YES], "any": [YES]}, "where has 'any'; it takes one of all or any"),
        ({"not": YES, "x": 1}, "where has 'x'; it takes one of"),
        ({"not": [YES]}, "where.not must be an object"),
        ({**YES, "extra": 1}, "where has 'extra'; it takes one of"),
        (condition("", "eq", 1), "where.metric is empty"),
        (condition(LONG, "eq", 1), "where.metric is longer than 1,024 characters"),
        (condition("a", "like", 1), "where.op must be one of eq, neq, gt"),
        ({"metric": "a", "op": ["eq"], "value": 1}, "where.op must be one of"),
        ({"metric": "a", "value": 1}, "where.op must be one of"),
        ({"metric": "a", "op": "eq"}, "where.value is missing"),
        (condition("a", "eq", [1]), "where.value must be a text, a number"),
        (condition("a", "eq", 2**1024), "where.value must be a text, a number"),
        (condition("a", "eq", float("nan")), "where.value must be a text, a number"),
        (condition("a", "eq", LONG), "where.value is longer than 1,024 characters"),
        (condition("a", "gt", None), "where.value must be a number or a text with gt"),
        (condition("a", "lt", True), "where.value must be a number or a text with lt"),
        (condition("a", "lt", "NaN"), "where.value: nothing compares with NaN"),
        (condition("a", "in", 1), "where.value must be a list with something in it"),
        (condition("a", "nin", []), "where.value must be a list with something in it"),
        (condition("a", "in", [1, [2]]), "where.value[1] must be a text, a number"),
        (condition("a", "exists", 1), "where.value must be true or false with exists"),
        (
            condition("a", "in", [0] * (MAX_FILTER_VALUES + 1)),
            "where.value has more than 1,000 values",
        ),
    ],
)
def test_what_is_no_filter(where: object, text: str) -> None:
    """One line that says where and what to mend."""
    assert refusal({"all": [where]}).replace("where.all[0]", "where").startswith(text)
    assert refusal(where).startswith(text)


BIG = 340_282_366_920_938_463_463_374_607_431_768_211_456


@pytest.mark.parametrize(
    ("op", "value", "is_so"),
    [
        ("eq", BIG, True),
        ("eq", BIG + 1, False),
        ("neq", BIG + 1, True),
        ("eq", float(BIG), True),
        ("in", [1, BIG], True),
        ("nin", [BIG - 1], True),
        ("gt", BIG - 1, True),
        ("gt", BIG, False),
        ("gte", BIG, True),
        ("gt", 2**64, True),
        ("lt", -BIG, False),
        ("lt", 1e39, True),
        ("lt", "Infinity", True),
        ("gt", "-Infinity", True),
        ("finite", True, True),
    ],
)
def test_whole_numbers_of_any_length_compare_as_numbers(
    op: str, value: object, is_so: bool
) -> None:
    """To the last digit, whatever wire they came by."""
    where = msgspec.json.decode(json.dumps(condition("n", op, value)))
    record = b'{"n":%d}' % BIG
    assert parse_filter(where).matches(read_fields(record)) is is_so


@pytest.mark.parametrize("limit", [0, BIG, 1.7e308, -BIG, "-Infinity"])
def test_whole_numbers_that_no_double_holds_are_beyond_all_others(
    limit: object,
) -> None:
    """Records have them as a text of their digits."""
    above: dict[str, object] = {"n": "9" * 309}
    below: dict[str, object] = {"n": "-" + "9" * 5_000}
    assert matches(condition("n", "gt", limit), above)
    assert not matches(condition("n", "lt", limit), above)
    assert not matches(condition("n", "gt", limit), below)
    assert not matches(condition("n", "gt", limit), {"n": "x" * 400})


def test_filters_with_long_numbers_have_one_key_for_each() -> None:
    """One form for all who ask for the same."""
    keys = {parse_filter(condition("n", "gt", BIG + more)).key for more in range(3)}
    assert len(keys) == 3
    assert parse_filter(condition("n", "in", [BIG, 1])) == parse_filter(
        condition("n", "in", [1, BIG])
    )


def nested(depth: int) -> dict[str, object]:
    """A condition at a depth."""
    where: dict[str, object] = YES
    for _ in range(depth - 1):
        where = {"not": where}
    return where


def test_bounds_of_a_tree() -> None:
    """So deep and so many, no more."""
    parse_filter(nested(MAX_FILTER_DEPTH))
    assert "nested deeper than 16" in refusal(nested(MAX_FILTER_DEPTH + 1))
    parse_filter({"any": [YES] * (MAX_CONDITIONS - 1)})
    assert "where.any[99] is one condition too many" in refusal(
        {"any": [YES] * MAX_CONDITIONS}
    )


def test_bounds_of_what_is_compared_with() -> None:
    """So many values, of so many characters, no more."""
    parse_filter(condition("a", "in", [0] * MAX_FILTER_VALUES))
    assert "more than 1,000 values" in refusal(
        condition("a", "in", [0] * (MAX_FILTER_VALUES + 1))
    )
    parse_filter(condition("a", "eq", "x" * MAX_TEXT_CHARACTERS))
    assert "1,024 characters" in refusal(
        condition("a", "eq", "x" * (MAX_TEXT_CHARACTERS + 1))
    )


@pytest.mark.parametrize("record", [b"[1]", b"{", b'{"a":' * 5_000])
def test_a_record_that_cannot_be_read_has_no_fields(record: bytes) -> None:
    """It ends nobody's delivery."""
    assert read_fields(record) == {}
    assert read_fields(b'{"a":1}') == {"a": 1}


names = st.sampled_from(["a", "b", "a.b", "telemetry", "telemetry.a"])
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.floats(-2, 2),
    st.sampled_from(["NaN", "Infinity", "-Infinity", "", "a"]),
)
conditions = st.one_of(
    st.builds(condition, names, st.sampled_from(["eq", "neq"]), scalars),
    st.builds(
        condition, names, st.sampled_from(["in", "nin"]), st.lists(scalars, min_size=1)
    ),
    st.builds(
        condition,
        names,
        st.sampled_from(["gt", "gte", "lt", "lte"]),
        st.one_of(st.integers(-2, 2), st.floats(-2, 2), st.sampled_from(["", "a"])),
    ),
    st.builds(condition, names, st.sampled_from(["exists", "finite"]), st.booleans()),
)
trees: st.SearchStrategy[Any] = st.recursive(
    conditions,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"all": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"any": st.lists(inner, min_size=1, max_size=3)}),
        st.fixed_dictionaries({"not": inner}),
    ),
    max_leaves=8,
)
values: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=2), st.dictionaries(names, inner, max_size=3)
    ),
    max_leaves=6,
)
records = st.dictionaries(names, values)


def by_definition(where: dict[str, Any], fields: dict[str, object]) -> bool:
    """A tree's groups, evaluated as they are written."""
    if "all" in where:
        return all(by_definition(part, fields) for part in where["all"])
    if "any" in where:
        return any(by_definition(part, fields) for part in where["any"])
    if "not" in where:
        return not by_definition(where["not"], fields)
    return matches(where, fields)


@given(trees, records)
def test_the_canonical_form_means_the_same(
    where: dict[str, Any], fields: dict[str, object]
) -> None:
    """It is a filter itself, with itself as its key."""
    compiled = parse_filter(where)
    again = parse_filter(msgspec.json.decode(compiled.key))
    assert again == compiled
    expected = by_definition(where, fields)
    assert compiled.matches(fields) is again.matches(fields) is expected


@given(conditions, records)
def test_a_missing_metric_satisfies_nothing(
    where: dict[str, Any], fields: dict[str, object]
) -> None:
    """Nothing but `exists: false`."""
    if finder(where["metric"])(fields) is MISSING:
        is_absence = where["op"] == "exists" and not where["value"]
        assert matches(where, fields) is is_absence

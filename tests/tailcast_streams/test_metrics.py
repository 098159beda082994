"""One rule says where a metric is, for whoever looks."""

from tailcast_streams.metrics import MISSING, finder, read_fields


def test_the_literal_name_wins_over_the_path() -> None:
    """At the top, then in `telemetry`, then as a path from each."""
    fields = {"a.b": 1, "a": {"b": 2}, "telemetry": {"a.b": 3, "c": {"d": 4}}}
    assert [finder(name)(fields) for name in ("a.b", "c.d", "c.e", "x")] == [
        1, 4, MISSING, MISSING,
    ]  # fmt: skip  # one glance


def test_what_is_no_object_has_no_metrics() -> None:
    """It is passed over, not an error."""
    fields = read_fields(b"[1,2]")
    assert finder("a")(fields) is finder("a.b")(fields) is MISSING

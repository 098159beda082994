"""What comes again and again fills no log, and is counted each time."""

from structlog.testing import capture_logs

from tailcast_gateway.instruments import Instruments
from tailcast_gateway.limits import FILTER, SUBSCRIPTIONS
from tailcast_gateway.protocol.close_codes import counted_as


def test_pages_of_other_origins_do_not_fill_the_log() -> None:
    """However many there are, and whatever they call themselves."""
    instruments = Instruments()
    with capture_logs() as lines:
        for number in range(1_000):
            instruments.origin_refused(f"http://{number}.example")
    assert [(line["origin"], line["times"]) for line in lines] == [
        ("http://0.example", 1)
    ]
    counted = b'tailcast_gateway_connections_refused_total{reason="origin"} 1000.0'
    assert counted in instruments.exposition()


def test_what_is_beyond_a_limit_does_not_fill_the_log() -> None:
    """Each limit has its line, with who was beyond it, and which setting it is."""
    instruments = Instruments()
    with capture_logs() as lines:
        for number in range(100):
            instruments.limited(
                SUBSCRIPTIONS, subject="ada", address=f"10.0.0.{number}"
            )
        instruments.limited(FILTER, address="10.0.0.1")
    told = [(one["limit"], one["setting"], one["subject"]) for one in lines]
    assert told == [
        ("subscriptions", "TAILCAST_MAX_SUBSCRIPTIONS", "ada"),
        ("filter", None, None),
    ]
    assert lines[0]["address"] == "10.0.0.0"
    counted = b'tailcast_gateway_limited_total{limit="subscriptions"} 100.0'
    assert counted in instruments.exposition()


def ends(instruments: Instruments, *codes: int) -> None:
    """So many connections end, one with each code."""
    for number, code in enumerate(codes):
        instruments.connection_closed(
            code,
            "",
            "nobody",
            connection=str(number),
            counted_as=counted_as(code),
            peer="10.0.0.1:1",
            seconds=1.0,
        )


def test_thousands_that_leave_together_have_one_line() -> None:
    """It counts them by their codes, and each is told by itself at `debug`."""
    instruments = Instruments()
    with capture_logs() as lines:
        ends(instruments, *([1006] * 2_000), 1001, 4321)
        instruments.tell_ends()
        instruments.tell_ends()
    told = [one for one in lines if one["log_level"] != "debug"]
    assert told == [
        {
            "event": "connections closed",
            "log_level": "info",
            "times": 2_002,
            "codes": {"1006": 2_000, "1001": 1, "other": 1},
        }
    ]
    each = [one["connection"] for one in lines if one["log_level"] == "debug"]
    assert each == [str(number) for number in range(2_002)]


def test_who_leaves_later_is_counted_in_the_next_line() -> None:
    """What has been told is not told again."""
    instruments = Instruments()
    with capture_logs() as lines:
        ends(instruments, 1000)
        instruments.tell_ends()
        ends(instruments, 1000, 1000)
        instruments.tell_ends()
    told = [one["codes"] for one in lines if one["event"] == "connections closed"]
    assert told == [{"1000": 1}, {"1000": 2}]

"""What comes again and again fills no log, and is counted each time."""

from structlog.testing import capture_logs

from tailcast_gateway.instruments import Instruments
from tailcast_gateway.limits import FILTER, SUBSCRIPTIONS


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

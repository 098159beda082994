"""What comes again and again fills no log, and is counted each time."""

from structlog.testing import capture_logs

from tailcast_gateway.instruments import Instruments


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

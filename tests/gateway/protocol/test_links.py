"""Where over HTTP what was too long is to be had."""

from urllib.parse import urljoin

import pytest

from tailcast_gateway.protocol.links import record_link, session_link
from tests.gateway.entries import cursor


@pytest.mark.parametrize("stream", ["/ws/telemetry", "/sse/telemetry"])
def test_links_hold_below_a_prefix(stream: str) -> None:
    """They are relative to the address of either stream."""
    at = cursor("1-10")
    for prefix in ("", "/node/a:5000"):
        base = f"http://h{prefix}"
        found = urljoin(f"{base}{stream}", record_link("a/?#&ü %", at))
        name = "a%2F%3F%23%26%C3%BC%20%25"
        assert found == f"{base}/api/record?sessionId={name}&cursor={at}"
        assert urljoin(f"{base}{stream}", session_link("a/?")) == (
            f"{base}/api/snapshot?sessionId=a%2F%3F"
        )

"""The time-outs of what is in front of a gateway, and ours, fit each other."""

import re

import pytest

from tailcast_gateway.connections.core.handshakes import Answer
from tailcast_gateway.connections.edge import Edge
from tailcast_gateway.connections.event_stream import COMMENT_SECONDS
from tailcast_gateway.connections.server import KEEP_ALIVE_SECONDS, make_server_config
from tailcast_gateway.instruments import Instruments
from tailcast_gateway.settings import GatewaySettings
from tests.docs.pages import code_blocks, read_page, rows, section


PAGE = read_page("docs/operations.md")
# The longest that a setting of ours may make a WebSocket silent.
PING_INTERVAL_SECONDS = 30
# What HAProxy keeps a server's connection for beyond its client's (`pool-purge-delay`).
PURGE_SECONDS = 5
UNITS = {"": 0.001, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0}

TABLE = [cells for cells in rows(section(PAGE, "Time-outs")) if cells[0] != "in front"]
CONFIGURATIONS = {
    "deploy/haproxy.cfg": read_page("deploy/haproxy.cfg"),
    "docs/operations.md": code_blocks(PAGE, "haproxy")[0].text,
}


def seconds_in(cell: str) -> list[int]:
    """The times that a cell says."""
    return [int(number) for number in re.findall(r"(\d+) ?s\b", cell)]


def setting(text: str, name: str) -> float:
    """A time-out of HAProxy's, in seconds."""
    found = re.search(rf"^ *timeout {name} (\d+)(\w*)$", text, re.MULTILINE)
    assert found is not None, f"timeout {name} is not set"
    return int(found[1]) * UNITS[found[2]]


def test_the_page_says_how_long_a_gateway_keeps_a_connection() -> None:
    """In words, and in the comment of the configuration; and it is so."""
    config = make_server_config(
        None,
        edge=Edge(instruments=Instruments()),
        judge=lambda handshake: Answer(503, handshake.path),
        on_failed=lambda path, error, id: None,
        max_message_bytes=1,
    )
    assert config.timeout_keep_alive == KEEP_ALIVE_SECONDS
    kept = f"{KEEP_ALIVE_SECONDS} s"
    assert f"stays open for {kept} in a gateway" in " ".join(PAGE.split())
    assert f"keep theirs for {kept}" in CONFIGURATIONS["deploy/haproxy.cfg"]
    assert len(TABLE) >= 5


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0].split("]")[0].strip("["))
def test_a_gateway_closes_last(row: list[str]) -> None:
    """What is in front closes first, by itself or by what is to be set there."""
    _, kept, silent, to_set = row
    default = seconds_in(kept)
    assert default or "without end" in kept
    if not default or default[0] >= KEEP_ALIVE_SECONDS:
        assert "ttl=60" in to_set or max(seconds_in(to_set)) < KEEP_ALIVE_SECONDS
    if seconds_in(to_set):
        assert max(seconds_in(to_set)) < KEEP_ALIVE_SECONDS
    # Pings and comments come before what is silent is cut.
    for limit in seconds_in(silent.split("; any answer")[0]):
        assert limit > PING_INTERVAL_SECONDS > COMMENT_SECONDS


@pytest.mark.parametrize("text", CONFIGURATIONS.values(), ids=CONFIGURATIONS)
def test_the_balancer_that_comes_along(text: str) -> None:
    """It keeps the same order, towards its clients too."""
    client, resting = setting(text, "client"), setting(text, "http-keep-alive")
    # A longer one would have no effect.
    assert resting <= client
    assert client + PURGE_SECONDS < KEEP_ALIVE_SECONDS
    assert f"{int(client + PURGE_SECONDS)} s (`timeout client`" in PAGE
    assert setting(text, "server") > COMMENT_SECONDS
    slow = GatewaySettings.model_fields["slow_timeout"].default
    assert setting(text, "tunnel") > slow

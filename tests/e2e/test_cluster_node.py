"""The URL of one node of a cluster: refused, and said to be one."""

from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
import redis

from tailcast.embedded import find_program
from tailcast_streams.redis.broker import RedisBroker
from tests.brokers import ProcessBroker, free_port
from tests.integration.gateway_rig import serving
from tests.tailer.harness import eventually, lines, running, session_path


SLOTS = 16_384


@pytest.fixture
def node() -> Iterator[ProcessBroker]:
    """A node of a cluster of two, which has the lower half of the slots."""
    nodes = [
        ProcessBroker(
            find_program(),
            tcp=True,
            options=("--cluster-enabled", "yes", "--cluster-port", str(free_port())),
        )
        for _ in range(2)
    ]
    with nodes[0] as lower, nodes[1] as upper:
        with lower.client() as one, upper.client() as other:
            one.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, SLOTS // 2 - 1)
            other.execute_command("CLUSTER", "ADDSLOTSRANGE", SLOTS // 2, SLOTS - 1)
            port = other.config_get("cluster-port")["cluster-port"]
            one.execute_command("CLUSTER", "MEET", "127.0.0.1", upper.port, port)
        yield lower


async def is_formed(node: ProcessBroker) -> bool:
    """Whether it knows who has the other half."""
    with node.client() as connection:
        client: Any = connection
        info = client.execute_command("CLUSTER", "INFO")
        try:
            client.get("a")
            client.get("b")
        except redis.RedisError as error:
            return (
                "cluster_state:ok" in str(info)
                and "MOVED" in type(error).__name__.upper()
            )
    return False


async def test_a_node_of_a_cluster_says_that_it_is_one(
    node: ProcessBroker, tmp_path: Path
) -> None:
    """Tailer and gateway alike, with what to do instead."""
    await eventually(lambda: is_formed(node))
    for name in ("a", "b", "c", "d"):
        session_path(tmp_path, name).write_bytes(lines(1))
    async with (
        aclosing(RedisBroker(node.url)) as broker,
        running(broker, tmp_path) as tailer,
        serving(broker) as gateway,
    ):

        async def are_told() -> bool:
            told = "MOVED", "this is a node of a cluster: give the URL of one server"
            reasons = [tailer.why_not_ready(), gateway.replica.why_not_ready]
            return all(text in reason for text in told for reason in reasons)

        await eventually(are_told)

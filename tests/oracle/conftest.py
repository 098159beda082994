"""The world of a test."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.oracle.files import Kind
from tests.oracle.world import MakeWorld, World


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[MakeWorld]:
    """Make the world of a test, in which a tailer runs; hold it to the law at last."""
    made: list[World] = []
    stack = ExitStack()

    def make(kind: Kind = Kind.NETWORK, **options: Any) -> World:
        world = World(tmp_path, kind, **options)
        stack.enter_context(world.ruled())
        made.append(world)
        world.start()
        world.pass_time(1.0)
        return world

    with stack:
        yield make
        made[0].end()

"""A broker, a clock and a file, for scenarios that give every turn themselves."""

from pathlib import Path

import pytest

from tailcast_streams.memory.broker import MemoryBroker
from tests.tailer.single import Clock


@pytest.fixture
def broker() -> MemoryBroker:
    """A broker of the test's own."""
    return MemoryBroker()


@pytest.fixture
def clock() -> Clock:
    """A clock that only we move."""
    return Clock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that is not there yet."""
    return tmp_path / "a.jsonl"

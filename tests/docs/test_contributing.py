"""docs/contributing.md names files that exist."""

import re
from pathlib import Path

from tests.docs.pages import read_page


ROOT = Path(__file__).parents[2]


def test_every_file_that_it_names_is_there() -> None:
    """Whoever follows a list finds each of its places."""
    page = read_page("docs/contributing.md")
    named = set(re.findall(r"`([\w./-]+/[\w./-]+|[\w-]+\.(?:yml|md))`", page))
    assert len(named) > 20
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []

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


def test_every_name_in_a_step_stands_in_one_of_its_files() -> None:
    """A step that says "`carry_out` hands it on" names what its file still has."""
    page = read_page("docs/contributing.md")
    steps = re.findall(r"^\d\. .+(?:\n   .+)*", page, re.MULTILINE)
    missing: list[str] = []
    for step in steps:
        quoted = re.findall(r"`([^`\n]+)`", step)
        files = [name for name in quoted if (ROOT / name).is_file()]
        text = "\n".join((ROOT / name).read_text(encoding="utf-8") for name in files)
        names = [name for name in quoted if re.fullmatch(r"\w+", name)]
        missing += [name for name in names if not re.search(rf"\b{name}\b", text)]
    assert len(steps) > 20
    assert missing == []

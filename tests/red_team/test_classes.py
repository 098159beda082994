"""Each class of published mistakes has tests, and these exist."""

import re
from pathlib import Path

from tests.red_team.classes import MISTAKES


ROOT = Path(__file__).parent.parent.parent


def test_every_class_names_its_tests() -> None:
    """A test that is renamed or removed is missed here."""
    missing: list[str] = []
    for mistake in MISTAKES:
        assert mistake.tests, mistake
        for name in mistake.tests:
            module, _, function = name.partition(":")
            file = ROOT / f"{module.replace('.', '/')}.py"
            definition = rf"^(async )?def {re.escape(function)}\("
            if not re.search(definition, file.read_text(), re.MULTILINE):
                missing.append(name)
    assert not missing


def test_no_class_is_missing() -> None:
    """There are eighteen, and no source is in two of them."""
    sources = [source for mistake in MISTAKES for source in mistake.sources]
    assert len(MISTAKES) == 18
    assert len(sources) == len(set(sources))

"""Every promise and every known trap has a test that names it."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.traps import ALL


TESTS = Path(__file__).parent
IN_NAME = re.compile(r"(?<![a-z0-9])([abcgp][0-9]{1,2})(?=_)")
IN_TEXT = re.compile(r"\b([ABCGP][0-9]{1,2})\b")


def named() -> Iterator[tuple[str, str]]:
    """Which IDs tests name, and where."""
    for path in sorted(TESTS.rglob("test_*.py")):
        text = path.read_text()
        if not (IN_NAME.search(text) or IN_TEXT.search(text)):
            continue
        for node in ast.walk(ast.parse(text)):
            if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                continue
            if node.name.startswith("test_"):
                where = f"{path.relative_to(TESTS)}::{node.name}"
                ids = {found.upper() for found in IN_NAME.findall(node.name)}
                ids |= set(IN_TEXT.findall(ast.get_docstring(node) or ""))
                for id in ids:
                    yield id, where


def test_ids_and_tests_name_each_other() -> None:
    """What nothing tests is a wish, and a misspelt ID would hold nothing."""
    found = list(named())
    missing = sorted(ALL.keys() - {id for id, _ in found})
    assert not missing, [f"{id}: {ALL[id]}" for id in missing]
    unknown = [(id, where) for id, where in found if id not in ALL]
    assert not unknown

"""The parts of a Markdown page that tests compare: statements, tables, code blocks."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


ROOT = Path(__file__).parent.parent.parent
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`([^`]+)`")
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
_TABLE_HEAD = re.compile(r"^\|.*\n\|---.*$", re.MULTILINE)
_BLOCK = re.compile(r"\n(?=\n|- |\|)")
_SENTENCE_END = re.compile(r"(?<=[\w)`\"*…]\.) (?=[A-Z`\"*\[])")


class CodeBlock(NamedTuple):
    """What stands between two fences."""

    language: str
    text: str


def read_page(path: str) -> str:
    """The text of a page, by its path in the repository."""
    return (ROOT / path).read_text(encoding="utf-8")


def section(page: str, title: str) -> str:
    """What stands below a heading, up to the next one of its level or above."""
    heading = re.search(rf"^(#+) {re.escape(title)}$", page, re.MULTILINE)
    assert heading is not None, f"there is no section {title!r}"
    rest = page[heading.end() :]
    level = len(heading[1])
    end = re.search(rf"^#{{1,{level}}} ", rest, re.MULTILINE)
    return rest if end is None else rest[: end.start()]


def rows(text: str) -> Iterator[list[str]]:
    """The cells of each row of each table, headings left out."""
    for line in text.splitlines():
        if line.startswith("| ") and not line.startswith("| ---"):
            yield [cell.strip() for cell in line.strip("| ").split(" | ")]


def named(text: str) -> dict[str, list[str]]:
    """Rows by the name in code type in their first cell; others are left out."""
    found: dict[str, list[str]] = {}
    for first, *others in rows(text):
        for name in CODE.findall(first):
            assert name not in found, f"{name} has two rows"
            found[name] = others
    return found


def code_blocks(page: str, language: str) -> list[CodeBlock]:
    """All blocks of a language."""
    found = (CodeBlock(*match) for match in _FENCE.findall(page))
    return [block for block in found if block.language == language]


def chapters(page: str) -> dict[str, str]:
    """What stands below each heading, up to the next one of any level."""
    _, *parts = _HEADING.split(page)
    return dict(zip(parts[::2], parts[1::2], strict=True))


def statements(text: str) -> list[str]:
    """The sentences and the rows of tables, each on one line; code blocks left out."""
    found: list[str] = []
    for block in _BLOCK.split(_TABLE_HEAD.sub("", _FENCE.sub("", text))):
        line = " ".join(block.split())
        if line.startswith("|"):
            found.append(line.strip("| "))
        else:
            found += _SENTENCE_END.split(line.removeprefix("- "))
    return [one for one in found if one]

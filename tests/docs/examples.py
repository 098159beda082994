"""Reads the examples of docs/protocol.md, and says whether a message is as expected.

In a fenced block, `> ` is what a client sends, `< ` what it gets next, and `* ` what
happens meanwhile; a line that is indented goes on with the one above. `…` stands for
anything: for a value, for a part of a text, for more fields or more items.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast


ANY = "…"
_MARKS = ("> ", "< ", "* ")
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|…|\s+|[^"…\s]+')


class Step(NamedTuple):
    """One line of an example."""

    # ">", "<" or "*".
    mark: str
    text: str

    @property
    def message(self) -> dict[str, Any]:
        """What stands there as JSON, `…` as it is."""
        return cast(dict[str, Any], json.loads(_quoted(self.text)))

    @property
    def kind(self) -> str:
        """The message's type."""
        return str(self.message["type"])


class Section(NamedTuple):
    """A heading's examples, which are one conversation."""

    title: str
    steps: list[Step]


def sections(page: str) -> Iterator[Section]:
    """The sections that have examples."""
    for part in re.split(r"^#+ ", page, flags=re.MULTILINE):
        title, _, rest = part.partition("\n")
        steps = [
            step
            for block in re.findall(
                r"^```\w*\n(.*?)^```", rest, re.DOTALL | re.MULTILINE
            )
            for step in _steps(block)
        ]
        if steps:
            yield Section(title, steps)


def _steps(block: str) -> Iterator[Step]:
    if not block.startswith(_MARKS):
        return
    for line in re.split(r"\n(?=[><*] )", block.strip()):
        yield Step(line[0], " ".join(line[2:].split("\n   ")).strip())


def matches(expected: object, told: object) -> bool:
    """Whether something that was told is as expected."""
    if expected == ANY or repr(expected) == repr(told):
        return True
    if isinstance(expected, str) and isinstance(told, str):
        pattern = ".*".join(map(re.escape, expected.split(ANY)))
        return re.fullmatch(pattern, told, re.DOTALL) is not None
    if isinstance(expected, dict) and isinstance(told, dict):
        fields = cast(Mapping[str, Any], expected)
        return _match_fields(fields, cast(Mapping[str, Any], told))
    if isinstance(expected, list) and isinstance(told, list):
        items = cast(Sequence[Any], expected)
        return _match_items(items, cast(Sequence[Any], told))
    return False


def _match_fields(expected: Mapping[str, Any], told: Mapping[str, Any]) -> bool:
    named = {name: value for name, value in expected.items() if name != ANY}
    if ANY not in expected and told.keys() != named.keys():
        return False
    return all(
        name in told and matches(value, told[name]) for name, value in named.items()
    )


def _match_items(expected: Sequence[Any], told: Sequence[Any]) -> bool:
    if expected and expected[-1] == ANY:
        expected = expected[:-1]
        told = told[: len(expected)]
    return len(expected) == len(told) and all(map(matches, expected, told))


def _quoted(text: str) -> str:
    """The text with each bare `…` as a string, or as a field where one may stand."""
    tokens = [token for token in _TOKEN.findall(text) if not token.isspace()]
    for at, token in enumerate(tokens):
        if token == ANY:
            follows = tokens[at + 1] if at + 1 < len(tokens) else ""
            is_field = follows.startswith("}") and not tokens[at - 1].endswith(":")
            tokens[at] = f'"{ANY}":0' if is_field else f'"{ANY}"'
    return "".join(tokens)

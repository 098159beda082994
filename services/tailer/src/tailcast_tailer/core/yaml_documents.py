"""YAML as far as settings are written in it: one object of plain values.

Pure. It is data and nothing else: no tag makes anything, nothing refers to anything (a
few lines of references expand to gigabytes), and what looks like a date is the text
that it is.
"""

from typing import Any, Final, cast

import yaml
from yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent

from tailcast_streams.nesting import MAX_DEPTH


_Loader: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class NotPlain(Exception):
    """It is no YAML, or none that is data only; the text says why."""


class _PlainLoader(_Loader):  # type: ignore[misc]  # whichever there is
    """Reads what looks like a date as a text."""

    yaml_implicit_resolvers: Final = {
        first: [one for one in some if one[0] != "tag:yaml.org,2002:timestamp"]
        for first, some in _Loader.yaml_implicit_resolvers.items()
    }


def load_plain(text: str) -> object:
    """What a text of YAML says. Raises NotPlain."""
    try:
        depth = 0
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, AliasEvent):
                raise NotPlain("it has references (*name), which are not followed")
            depth += isinstance(event, CollectionStartEvent)
            depth -= isinstance(event, CollectionEndEvent)
            if depth > MAX_DEPTH:
                raise NotPlain("it is nested too deeply")
        return cast(object, yaml.load(text, Loader=_PlainLoader))  # noqa: S506  # safe
    except yaml.YAMLError as error:
        raise NotPlain(f"it is no plain YAML: {_line_of(error)}") from None
    except (ValueError, TypeError, RecursionError, OverflowError) as error:
        # As of `!!int x`, and of a list as a key.
        raise NotPlain(f"it is no plain YAML: {error}") from None


def _line_of(error: yaml.YAMLError) -> str:
    problem = getattr(error, "problem", None) or str(error)
    mark = getattr(error, "problem_mark", None)
    where = "" if mark is None else f", line {mark.line + 1}"
    return f"{' '.join(str(problem).split())}{where}"

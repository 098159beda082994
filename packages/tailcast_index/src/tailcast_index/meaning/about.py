"""What a run says of itself besides its measurements: its settings, its names.

Pure. It stands on the lines of records (`config`, as Ray repeats it), in a header above
them (`# {…}`, as Spectria has it), or in a document beside the file.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, cast

from tailcast_index.meaning.fields import Fields, objects_getter
from tailcast_index.meaning.names import CONFIG_KEYS
from tailcast_index.meaning.values import Choice


# Texts and tags beyond it are cut, and left out.
MAX_TEXT: Final = 1_024
MAX_TAGS: Final = 64

_NAME_KEYS: Final = ("name", "run_name", "run", "exp_name", "experiment")
_NO_SETTINGS: Final[Mapping[str, object]] = {}


class About(NamedTuple):
    """What a header or a document says of a run."""

    # What the run was started with.
    settings: Mapping[str, object] = _NO_SETTINGS
    # None for what it does not say.
    name: str | None = None
    project: str | None = None
    group: str | None = None
    notes: str | None = None
    tags: tuple[str, ...] = ()


def settings_in(fields: Fields, choice: Choice) -> Fields | None:
    """The settings that a record has, at the top or in an envelope; None without."""
    opened = [find(fields) for find in map(objects_getter, choice.envelopes)]
    for outer in (fields, *opened):
        for key in CONFIG_KEYS if outer is not None else ():
            inner = cast(Fields, outer).get(key)
            if isinstance(inner, dict) and inner:
                return cast(Fields, inner)
    return None


def about_run(document: Fields, *, is_settings: bool = False) -> About:
    """What a header or a document beside the file says.

    Args:
        is_settings: whether all of it is settings, unless it has an object of them; as
            in `args.json`.
    """
    settings = settings_in(document, Choice())
    if settings is None:
        settings = document if is_settings else _NO_SETTINGS
    names = [name for key in _NAME_KEYS if (name := _text(document, key)) is not None]
    tags = document.get("tags")
    listed = cast(Sequence[object], tags) if isinstance(tags, list) else ()
    return About(
        settings,
        next(iter(names), None),
        _text(document, "project"),
        _text(document, "group"),
        _text(document, "notes"),
        tuple(tag[:MAX_TEXT] for tag in listed if isinstance(tag, str))[:MAX_TAGS],
    )


def _text(document: Fields, key: str) -> str | None:
    value = document.get(key)
    return value[:MAX_TEXT] if isinstance(value, str) and value else None

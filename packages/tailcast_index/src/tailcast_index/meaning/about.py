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
_CONFIG_KEYS: Final = frozenset(CONFIG_KEYS)
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


class SettingsFinder:
    """Finds the settings in the records of one session."""

    def __init__(self, choice: Choice) -> None:
        self._openers = [*map(objects_getter, choice.envelopes)]

    def find(self, fields: Fields) -> Fields | None:
        """The settings of a record, at the top or in an envelope; None without."""
        found = _settings_of(fields)
        for opened in self._openers:
            if found is not None:
                break
            inner = opened(fields)
            found = None if inner is None else _settings_of(inner)
        return found

    def may_be_in(self, fields: Fields) -> bool:
        """Whether a record that has these fields may have settings."""
        inner = [found for opened in self._openers if (found := opened(fields))]
        return not all(one.keys().isdisjoint(_CONFIG_KEYS) for one in (fields, *inner))


def _settings_of(fields: Fields) -> Fields | None:
    if fields.keys().isdisjoint(_CONFIG_KEYS):
        return None
    for key in CONFIG_KEYS:
        inner = fields.get(key)
        if isinstance(inner, dict) and inner:
            return cast(Fields, inner)
    return None


def about_run(document: Fields, *, is_settings: bool = False) -> About:
    """What a header or a document beside the file says.

    Args:
        is_settings: whether all of it is settings, unless it has an object of them; as
            in `args.json`.
    """
    settings = _settings_of(document)
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

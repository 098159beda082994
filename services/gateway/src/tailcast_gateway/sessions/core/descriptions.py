"""What a run says of itself, and people of it, as clients are told.

Pure. A document that cannot be read says nothing: somebody wrote it by hand. Where
several say the same, the one that is for this file alone comes first; see
docs/meaning.md.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from tailcast_index.meaning import About, Choice, Totals, about_run
from tailcast_streams.descriptions import Description


# The names under which edits are stored.
TAGS: Final = "tags"
NOTES: Final = "notes"
PINNED: Final = "pinned"
# A longer configuration is not in lists of sessions, bytes.
MAX_LISTED_CONFIG_BYTES: Final = 4_096

_DOCUMENT: Final = "file:"
_OWN_ENDING: Final = ".meta.json"
_HEADER: Final = "header"
_LEFT_OUT: Final = "left_out"
_SHARED: Final = ("config.json", "args.json", "hparams.yaml")

_T = TypeVar("_T")


class Described(NamedTuple):
    """What is said of one session besides its records."""

    # What the file's own document and its header say, the more telling first.
    own: tuple[Mapping[str, Any], ...] = ()
    # What the documents of its directory say, in their order.
    shared: tuple[Mapping[str, Any], ...] = ()
    # By name: why something is not told.
    not_told: Mapping[str, str] = {}
    # What people said; None for what they did not.
    tags: tuple[str, ...] | None = None
    notes: str | None = None
    is_pinned: bool = False

    def total_steps(self, choice: Choice) -> int | None:
        """How many steps the run will have, None if this does not say it."""
        documents = (*self.own, *self.shared)
        if not documents:
            # As of most: the choice is not looked at.
            return None
        found = map(Totals(choice).of_document, documents)
        return next((total for total in found if total is not None), None)

    def config(self, of_lines: bytes) -> Mapping[str, Any]:
        """The settings of the run; the first that say something count.

        Args:
            of_lines: the settings on the lines, as JSON; b"" for none.
        """
        lines = _object(of_lines)
        found: dict[str, Any] = {}
        for settings in (
            *(about_run(one).settings for one in self.own),
            lines or {},
            *(about_run(one, is_settings=True).settings for one in self.shared),
        ):
            found = {**settings, **found}
        return found


NOT_DESCRIBED: Final = Described()


def read_description(description: Description) -> Described:
    """What is stored of a description."""
    told, edits = description
    if not (told or edits):
        return NOT_DESCRIBED
    documents = {name: _object(text) for name, text in told.items()}
    owns = [name for name in documents if name.endswith(_OWN_ENDING)]
    return Described(
        own=tuple(_there(documents.get(name) for name in (*owns, _HEADER))),
        shared=tuple(_there(documents.get(_DOCUMENT + name) for name in _SHARED)),
        not_told=_texts(documents.get(_LEFT_OUT)),
        tags=_tags(edits.get(TAGS)),
        notes=edits[NOTES].decode(errors="replace") if NOTES in edits else None,
        is_pinned=PINNED in edits,
    )


def told_of(
    described: Described, of_lines: bytes, *, is_listed: bool
) -> dict[str, object]:
    """The fields of a session that say it; without those that have nothing to say.

    Args:
        described: what is said besides the records.
        of_lines: the settings on the lines, as JSON; b"" for none.
        is_listed: whether it is one of many: then a long configuration is left out.
    """
    if described is NOT_DESCRIBED and not of_lines:
        return {}
    about = _about(described)
    config = msgspec.json.encode(described.config(of_lines))
    is_short = not is_listed or len(config) <= MAX_LISTED_CONFIG_BYTES
    tags = about.tags if described.tags is None else described.tags
    fields: dict[str, object] = {
        "name": about.name,
        "project": about.project,
        "group": about.group,
        "tags": list(tags),
        "notes": about.notes if described.notes is None else described.notes,
        "pinned": described.is_pinned,
        "config": msgspec.Raw(config)
        if is_short and len(config) > len(b"{}")
        else None,
        "configBytes": None if is_short else len(config),
        "notTold": dict(described.not_told),
    }
    return {name: value for name, value in fields.items() if value}


def _about(described: Described) -> About:
    """What the file's own document says, and else its header."""
    found = [about_run(one) for one in described.own]
    return About(
        name=_first(one.name for one in found),
        project=_first(one.project for one in found),
        group=_first(one.group for one in found),
        notes=_first(one.notes for one in found),
        tags=_first(one.tags or None for one in found) or (),
    )


def _first(values: Iterator[_T | None]) -> _T | None:
    return next((value for value in values if value is not None), None)


def _there(values: Iterator[_T | None]) -> Iterator[_T]:
    return (value for value in values if value is not None)


def _object(text: bytes) -> Mapping[str, Any] | None:
    if not text:
        return None
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _texts(found: Mapping[str, Any] | None) -> Mapping[str, str]:
    if found is None:
        return {}
    return {name: why for name, why in found.items() if isinstance(why, str)}


def _tags(text: bytes | None) -> tuple[str, ...] | None:
    if text is None:
        return None
    try:
        return tuple(msgspec.json.decode(text, type=list[str]))
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def stored_tags(tags: list[str]) -> bytes:
    """Tags as they are stored."""
    return msgspec.json.encode(tags)

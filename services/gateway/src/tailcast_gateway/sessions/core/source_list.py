"""The paths that tailers watch, as clients see them, in pages.

Pure. A page has some of the paths, in the order of their tailers and then of the paths
themselves. Its counts are always those of all paths.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple, TypeAlias

import msgspec

from tailcast_streams.exceptions import InvalidPosition
from tailcast_streams.sources import Overview, Root, Source, SourceState


NO_TAILER = "no tailer has said what it watches within the last minute"
_START = (
    "start `tailcast {}` or `tailcast up` with the broker and the key prefix that"
    " this gateway has"
)
START_ONE = _START.format("tailer")
START_INDEXER = _START.format("indexer")

Listed: TypeAlias = tuple[str, Source]


class SourcePlace(NamedTuple):
    """The place after a path of a tailer, where a page begins."""

    tailer: str
    path: str

    def __str__(self) -> str:
        return json.dumps(self, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def parse(cls, text: str) -> "SourcePlace":
        """Read the place that came with a page. Raises InvalidPosition."""
        try:
            return cls(*msgspec.json.decode(text, type=tuple[str, str]))
        except (msgspec.MsgspecError, UnicodeError, RecursionError):
            raise InvalidPosition(f"no place in the list: {text[:64]!r}") from None


BEFORE_ALL_SOURCES = SourcePlace("", "")


def with_any(
    overviews: Iterable[Overview],
    states: Collection[SourceState],
    *,
    after: SourcePlace,
) -> list[Overview]:
    """The tailers that may have paths in these states after a place."""
    return [
        overview
        for overview in overviews
        if overview.owner >= after.tailer
        and any(overview.counts.get(state) for state in states)
    ]


def source_page(
    overviews: Sequence[Overview],
    listed: Sequence[Listed],
    *,
    after: SourcePlace,
    limit: int,
) -> dict[str, object]:
    """The answer; `listed` has one path more than `limit` if there are more.

    If nothing is followed, the answer says why, and what to do about it.
    """
    shown = listed[:limit]
    place = SourcePlace(shown[-1][0], shown[-1][1].path) if shown else after
    counts = {
        state.value: sum(overview.counts.get(state, 0) for overview in overviews)
        for state in SourceState
    }
    return {
        "counts": counts,
        **({} if counts[SourceState.FOLLOWED] else _why_nothing(overviews)),
        "data": [_source(tailer, source) for tailer, source in shown],
        "cursor": None if place == BEFORE_ALL_SOURCES else str(place),
        "more": len(listed) > limit,
        "tailers": [tailer_fields(overview) for overview in overviews],
    }


def _why_nothing(overviews: Iterable[Overview]) -> dict[str, object]:
    """Why nothing is followed, and what to do about it, in words for people."""
    roots = [root for overview in overviews for root in overview.roots]
    if not roots:
        return {"reason": NO_TAILER, "mend": START_ONE}
    reasons = [f"{root.path}: {root.reason}" for root in roots if root.reason]
    mends = dict.fromkeys(root.mend for root in roots if root.mend)
    return {"reason": "; ".join(reasons), "mend": "; ".join(mends)}


def _source(tailer: str, source: Source) -> dict[str, object]:
    texts = {"sessionId": source.session, "reason": source.reason, "mend": source.mend}
    return {
        "path": source.path,
        "state": source.state.value,
        **{name: text for name, text in texts.items() if text},
        "tailer": tailer,
    }


def tailer_fields(overview: Overview) -> dict[str, object]:
    """What one tailer watches, in numbers."""
    counts = {state.value: overview.counts.get(state, 0) for state in SourceState}
    return {
        "name": overview.owner,
        "counts": counts,
        "listed": overview.listed,
        "lookedAt": overview.looked_ms or None,
        "roots": [_root(root) for root in overview.roots],
    }


def _root(root: Root) -> dict[str, object]:
    texts = {"reason": root.reason, "mend": root.mend}
    return {
        "path": root.path,
        "patterns": list(root.patterns),
        "files": root.files,
        **{name: text for name, text in texts.items() if text},
    }

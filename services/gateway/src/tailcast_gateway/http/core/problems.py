"""What is wrong now, each with what mends it, for whoever looks: people and programs.

Pure. It is said of what a gateway knows anyway: its feed, what tailers say of files,
and the sessions that moved last. Nothing is a problem that nobody can change.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final, Literal, NamedTuple, TypeAlias, cast

from tailcast_gateway.protocol.message_parts import FeedState
from tailcast_gateway.sessions.core.source_list import (
    NO_TAILER,
    START_INDEXER,
    START_ONE,
    Listed,
)
from tailcast_gateway.views.grant import Grant
from tailcast_streams.sources import UNMATCHED, Overview, SourceState


# How many problems are told, and how many of one kind.
MAX_PROBLEMS: Final = 100
MAX_OF_KIND: Final = 20

ProblemKind: TypeAlias = Literal[
    "broker", "full", "tailer", "indexer", "directory", "refused", "contested",
    "held_back", "rejected", "waiting", "left_out", "unlisted",
]  # fmt: skip  # in the order in which they are told

# What files are called that hold nothing but lines of JSON.
_LINES: Final = (".jsonl", ".ndjson", ".jsonlines")
_FEEDS: Final[Mapping[FeedState, str]] = {
    "fresh": "",
    "stale": "the broker does not answer now: what is written may not have come",
    "down": "there is no broker: nothing comes",
}
# From when on an index counts as late, milliseconds.
INDEX_LATE_MS: Final = 10_000
_MEND_BROKER: Final = "start it, or see what keeps it; all goes on by itself then"


class Problem(NamedTuple):
    """One thing that is wrong."""

    kind: ProblemKind
    # A path, a session or a tailer; "" if it is about this gateway or all of them.
    about: str
    # What is wrong, and what mends it, in words for people.
    reason: str
    mend: str = ""

    @property
    def fields(self) -> dict[str, object]:
        """The problem as clients see it."""
        return {name: text for name, text in self._asdict().items() if text}


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was read in the broker."""

    overviews: Sequence[Overview]
    # Paths that are not followed: those that were meant to be, and some others.
    listed: Sequence[Listed]
    # The sessions that moved last, as lists show them.
    sessions: Sequence[Mapping[str, object]]

    def within(self, grant: Grant) -> "Seen":
        """What a grant allows of it: nothing of paths and tailers unless it is all."""
        if grant.is_all:
            return self
        some = [one for one in self.sessions if grant.allows(str(one["sessionId"]))]
        return Seen(overviews=(), listed=(), sessions=some)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that a gateway knows."""

    feed: FeedState
    # What the broker refuses, in its own words; "" if nothing.
    refusal: str = ""
    connections: int = 0
    max_connections: int = 1
    # Tailers of sessions that run, which are not there.
    silent: Sequence[str] = ()
    # Whether tailers are seen at all by whoever asks.
    sees_tailers: bool = True
    # How many indexers there are, None if that is not known, and how far the indexes
    # are behind.
    indexers: int | None = None
    index_lag_ms: int | None = None
    # None if the broker could not be read.
    seen: Seen | None = None


def find_problems(facts: Facts) -> tuple[list[Problem], bool]:
    """The problems, the gravest first, and whether there are more."""
    kinds: list[Iterator[Problem]] = [
        _of_gateway(facts),
        _of_tailers(facts),
        _of_indexers(facts),
    ]
    if facts.seen is not None:
        seen = facts.seen
        kinds += [
            _of_roots(seen),
            _of_paths(seen, SourceState.REFUSED, "refused"),
            _of_contests(seen),
            _held_back(seen),
            _of_rejected(seen),
            _of_paths(seen, SourceState.WAITING, "waiting"),
            _of_paths(seen, SourceState.LEFT_OUT, "left_out"),
            _unmatched(seen),
            _unlisted(seen),
        ]
    found: list[Problem] = []
    has_more = False
    for kind in kinds:
        found += islice(kind, MAX_OF_KIND)
        has_more = has_more or next(kind, None) is not None
    return found[:MAX_PROBLEMS], has_more or len(found) > MAX_PROBLEMS


def _of_gateway(facts: Facts) -> Iterator[Problem]:
    if facts.refusal:
        reason = f"the broker refuses: {facts.refusal}"
        yield Problem("broker", "", reason, "give this gateway the rights it needs")
    elif facts.feed != "fresh" or facts.seen is None:
        reason = _FEEDS[facts.feed] or "the broker does not answer"
        yield Problem("broker", "", reason, _MEND_BROKER)
    if facts.connections >= facts.max_connections:
        reason = f"all {facts.max_connections} connections are taken"
        yield Problem("full", "", reason, "start another gateway, or raise"
                      " TAILCAST_MAX_CONNECTIONS")  # fmt: skip  # as a call


def _of_tailers(facts: Facts) -> Iterator[Problem]:
    for name in facts.silent:
        reason = "its sessions run, and it is not there: nothing of them comes"
        yield Problem("tailer", name, reason, "start it again")
    if facts.sees_tailers and facts.seen is not None and not facts.seen.overviews:
        yield Problem("tailer", "", NO_TAILER, START_ONE)


def _of_indexers(facts: Facts) -> Iterator[Problem]:
    if facts.feed != "fresh":
        # While the broker is away no index can be up to date.
        return
    if facts.indexers == 0:
        reason = "no indexer is there: steps, metrics and curves of sessions that have"
        reason += " much that is new stay as they are"
        yield Problem("indexer", "", reason, START_INDEXER)
    elif (facts.index_lag_ms or 0) > INDEX_LATE_MS:
        seconds = (facts.index_lag_ms or 0) // 1_000
        reason = f"the indexes are {seconds} s behind the streams: steps, metrics and"
        reason += " curves take longer, or come late"
        mend = "if this does not fall by itself, start another `tailcast indexer`"
        yield Problem("indexer", "", reason, mend)


def _of_roots(seen: Seen) -> Iterator[Problem]:
    for overview in seen.overviews:
        for root in overview.roots:
            # Without a remedy it is only being looked at.
            if root.reason and root.mend:
                yield Problem("directory", root.path, root.reason, root.mend)


def _of_paths(seen: Seen, state: SourceState, kind: ProblemKind) -> Iterator[Problem]:
    for _, source in seen.listed:
        # What is left out, or waits, is as it should be if nothing would change it.
        is_meant = bool(source.mend) or state is SourceState.REFUSED
        if source.state is state and is_meant:
            yield Problem(kind, source.path, source.reason, source.mend)


def _unmatched(seen: Seen) -> Iterator[Problem]:
    """Files of lines that match no pattern: one problem for all in a directory."""
    by_directory: dict[str, list[str]] = {}
    for _, source in seen.listed:
        is_unmatched = source.reason == UNMATCHED and source.path.endswith(_LINES)
        if source.state is SourceState.LEFT_OUT and is_unmatched:
            directory = source.path.rpartition("/")[0]
            by_directory.setdefault(directory, []).append(source.path)
    for directory, paths in by_directory.items():
        more = f", nor do {len(paths) - 1} others beside it" if len(paths) > 1 else ""
        mend = f"tailcast up {directory or '/'}, or its pattern in"
        mend += " TAILCAST_TELEMETRY_PATTERNS"
        yield Problem("left_out", paths[0], f"it {UNMATCHED}{more}", mend)


def _of_contests(seen: Seen) -> Iterator[Problem]:
    for one in seen.sessions:
        owners = cast("Sequence[str]", one.get("owners", ()))
        if len(owners) == 1:
            reason = "its file is written anew too often: the newest version waits"
            mend = "let the job append, or write another file each time"
            yield Problem("contested", str(one["sessionId"]), reason, mend)
        elif owners:
            reason = f"several tailers see different files of it: {', '.join(owners)}"
            mend = "remove one of them, or set TAILCAST_SESSION_PREFIX"
            yield Problem("contested", str(one["sessionId"]), reason, mend)


def _held_back(seen: Seen) -> Iterator[Problem]:
    for one in seen.sessions:
        if size := one.get("partialBytes"):
            reason = f"{size} bytes behind its last line are no whole record"
            mend = "let its writer end each line with a newline"
            yield Problem("held_back", str(one["sessionId"]), reason, mend)


def _of_rejected(seen: Seen) -> Iterator[Problem]:
    for one in seen.sessions:
        if count := one.get("rejected"):
            reason = f"lines that are no records: {count}"
            mend = "mend its writer; /api/rejected?sessionId=… has them"
            yield Problem("rejected", str(one["sessionId"]), reason, mend)


def _unlisted(seen: Seen) -> Iterator[Problem]:
    for overview in seen.overviews:
        more = sum(overview.counts.values()) - overview.listed
        if more > 0:
            reason = f"more paths are below what it watches than it lists: {more}"
            mend = "name the directories that matter, or start a tailer for each"
            yield Problem("unlisted", overview.owner, reason, mend)

"""What to do next with a file: read on, wait, or declare that it began anew.

Pure decisions over what a look saw and what is remembered of earlier looks; time is an
argument, in seconds of any steady clock. No file, no broker, no clock is touched here.
"""

from enum import Enum
from typing import NamedTuple

from tailcast_tailer.core.proofs import Verdict


# How long a rewrite in progress is waited for, however much it grows.
REWRITE_SECONDS = 30.0
# A file that has not changed for longer is as its writer left it.
STILL_SECONDS = 2.0
NETWORK_STILL_SECONDS = 10.0
# Between two looks at bytes that differ.
SECOND_LOOK_SECONDS = 0.1
NETWORK_SECOND_LOOK_SECONDS = 1.0
# Between two generations of a file that is written anew again and again; what stands
# still for a while is taken before that.
GENERATION_SECONDS = 10.0
STANDING_SECONDS = 5.0
# What was rotated away may grow until it was quiet for so long, where nobody can tell
# whether anything has it open.
FINISHED_SECONDS = 5.0
# How often a file is looked at: at a fiftieth of the time since it last changed.
QUIET_SHARE = 50
COLDEST_SECONDS = 10.0
# Where notifications tell of changes, looks find what these missed: within as long as
# the file was quiet before, and within this; but not at once.
WATCHED_SECONDS = 60.0
LEAST_WATCHED_SECONDS = 1.0


class Action(Enum):
    """What a look leads to."""

    # The file is the one that was read: take what follows.
    READ = "read"
    # It does not look so now: look again, with fresh eyes.
    WAIT = "wait"
    # It is another one.
    NEW_GENERATION = "new generation"
    # NULs stayed: read on, taking them for bytes.
    TAKE_NULS = "take NULs"


class Seen(NamedTuple):
    """What one look saw, by a descriptor opened for it."""

    # Bytes; below the stored offset the file is shorter than what was read of it.
    size: int
    mtime_ns: int
    head: Verdict
    marker: Verdict
    # Whether what comes next begins with bytes that are not visible yet.
    has_nul: bool = False
    # Whether the last line of a file that is shorter is not what was stored there.
    has_other_line: bool = False


class Doubt(NamedTuple):
    """What is remembered while a file does not look as it was stored."""

    since: float
    size: int
    mtime_ns: int
    # Since when size and modification time are as they are.
    still_since: float
    # How many looks in a row saw bytes that differ.
    differing_looks: int


class Judgement(NamedTuple):
    """An action, and what to remember for the next look."""

    action: Action
    doubt: Doubt | None


def judge(
    offset: int, seen: Seen, doubt: Doubt | None, *, now: float, is_network: bool
) -> Judgement:
    """Decide what a look at a file that was read up to `offset` means."""
    differs = seen.has_other_line or Verdict.DIFFERS in (seen.head, seen.marker)
    is_shorter = seen.size < offset
    is_unseen = Verdict.UNSEEN in (seen.head, seen.marker)
    if not (differs or is_shorter or is_unseen or seen.has_nul):
        return Judgement(Action.READ, None)
    doubt = _remembered(seen, doubt, now, differs=differs)
    if differs:
        is_sure = doubt.differing_looks >= 2  # noqa: PLR2004 - two fresh opens
        return Judgement(Action.NEW_GENERATION if is_sure else Action.WAIT, doubt)
    still = still_seconds(is_network=is_network)
    if now - doubt.still_since < still and now - doubt.since < REWRITE_SECONDS:
        return Judgement(Action.WAIT, doubt)
    if is_shorter:
        return Judgement(Action.NEW_GENERATION, doubt)
    return Judgement(Action.TAKE_NULS, doubt)


def _remembered(seen: Seen, doubt: Doubt | None, now: float, *, differs: bool) -> Doubt:
    looks = int(differs)
    if doubt is None:
        return Doubt(now, seen.size, seen.mtime_ns, now, looks)
    is_still = (doubt.size, doubt.mtime_ns) == (seen.size, seen.mtime_ns)
    return Doubt(
        doubt.since,
        seen.size,
        seen.mtime_ns,
        doubt.still_since if is_still else now,
        doubt.differing_looks + 1 if differs else 0,
    )


def still_seconds(*, is_network: bool) -> float:
    """How long a file has to look the same to be as its writer left it."""
    return NETWORK_STILL_SECONDS if is_network else STILL_SECONDS


def second_look_seconds(*, is_network: bool) -> float:
    """How long to wait before a file in doubt is looked at again."""
    return NETWORK_SECOND_LOOK_SECONDS if is_network else SECOND_LOOK_SECONDS


def may_begin_anew(
    began_at: float | None, doubt: Doubt | None, *, now: float, is_network: bool
) -> bool:
    """Whether a file that was written anew may begin a generation now.

    Args:
        began_at: when the latest rewrite began one, None if none did.
        doubt: what is remembered of the file as it is now.
    """
    if began_at is None or now - began_at >= GENERATION_SECONDS:
        return True
    standing = NETWORK_STILL_SECONDS if is_network else STANDING_SECONDS
    return doubt is not None and now - doubt.still_since >= standing


def may_be_left(
    *, is_writable: bool | None, has_rest: bool, quiet_seconds: float
) -> bool:
    """Whether a file that was rotated away and read is given up for what follows it.

    Args:
        is_writable: whether anything has it open to write; None: nobody knows.
        has_rest: whether bytes follow what was read, such as half a line.
        quiet_seconds: how long it has not grown.
    """
    is_closed = is_writable is False and not has_rest
    return is_closed or quiet_seconds >= FINISHED_SECONDS


def is_finished(
    *, is_writable: bool | None, has_rest: bool, has_lines: bool = True
) -> bool:
    """Whether a file that is left has been read whole, for all that is known.

    Args:
        is_writable: as above; where nobody knows, it was quiet for a while.
        has_rest: as above.
        has_lines: whether any were read of it. Who is to write the first one is quiet
            until then; and half a line alone is none.
    """
    if not has_lines:
        return is_writable is False
    return not is_writable and not has_rest


def look_interval(
    quiet_seconds: float, *, poll_interval: float, is_watched: bool = False
) -> float:
    """Seconds until the next look at a file that has been quiet for `quiet_seconds`.

    Args:
        is_watched: whether notifications tell of its changes.
    """
    if is_watched:
        least = max(poll_interval, LEAST_WATCHED_SECONDS)
        return max(least, min(WATCHED_SECONDS, quiet_seconds))
    return max(poll_interval, min(COLDEST_SECONDS, quiet_seconds / QUIET_SHARE))

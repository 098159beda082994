"""The tailer's settings. Only `app` reads them; all else takes options."""

import socket
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from tailcast_service.settings import ServiceSettings
from tailcast_service.values import (
    ByteSize,
    CommaList,
    Duration,
    PathList,
    PathText,
    SecretUrl,
    lower_case,
)
from tailcast_streams.defaults import KEY_PREFIX, STEP_KEYS, TIME_KEYS
from tailcast_streams.keys import check_key_prefix
from tailcast_tailer.core.lifetime import DAY_SECONDS
from tailcast_tailer.core.part_names import PartNames
from tailcast_tailer.core.patterns import compile_pattern
from tailcast_tailer.options import MEBIBYTE


__all__ = ["TailerSettings"]


def expand_hostname(prefix: str) -> str:
    """The prefix with `{hostname}` replaced by this machine's name."""
    return prefix.replace("{hostname}", socket.gethostname())


def check_patterns(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """The patterns unchanged; ValueError if one of them is invalid."""
    for pattern in patterns:
        compile_pattern(pattern)
    return patterns


def check_part_patterns(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """The patterns unchanged; ValueError if one of them is none for names."""
    PartNames(patterns)
    return patterns


Patterns = Annotated[CommaList, AfterValidator(check_patterns)]


class TailerSettings(ServiceSettings):
    """All settings of the tailer."""

    redis_url: SecretUrl
    """the broker: redis://, rediss:// or unix:// (`tailcast up` brings its own)"""

    key_prefix: Annotated[
        str, Field(min_length=1), AfterValidator(check_key_prefix)
    ] = KEY_PREFIX
    """first part of every key in the broker

    So several installations share one
    """

    log_dir: PathText = "logs"
    """directory below which the files are"""

    telemetry_patterns: Patterns = ("telemetry/**/*.jsonl",)
    """files with a record on each line, below the log directory, comma-separated

    They are patterns: `*` and `?` stay within a name, `**/` is any number of
    directories, `[*]` is a star
    """

    emergency_patterns: Patterns = ("emergency/**/*.json",)
    """files that are one emergency each, below the log directory, comma-separated

    They are patterns too
    """

    part_patterns: Annotated[CommaList, AfterValidator(check_part_patterns)] = ()
    """more names of files that are parts of one run, in the order of their numbers

    They are patterns such as `shard_*.jsonl`. [What such a run
    is](files.md#runs-that-are-written-as-numbered-files)
    """

    paths: PathList = ()
    """what `tailcast up PATH…` watches instead of the log directory: a JSON list

    It may be one path, and no comma parts them, since paths have commas; not for
    containers
    """

    step_keys: CommaList = STEP_KEYS
    """where a record's step is: the first of these keys that it has"""

    time_keys: CommaList = TIME_KEYS
    """where a record's time is: the first of these keys that it has"""

    session_prefix: Annotated[str, AfterValidator(expand_hostname)] = ""
    """put before every session ID; {hostname} stands for this machine's name"""

    start_at: Annotated[Literal["beginning", "end"], BeforeValidator(lower_case)] = (
        "beginning"
    )
    """where to start in files first seen: beginning or end

    With `end` it leaves out what is in files when a tailer of that name first
    looks, which is told as a `gap`. Files that come later, while it is away too,
    are read whole
    """

    max_line_bytes: Annotated[ByteSize, Field(gt=0)] = MEBIBYTE
    """longer lines are rejected"""

    poll_interval: Annotated[Duration, Field(gt=0)] | None = None
    """how often growing files are looked at of which no notification tells; unset:
    0.1s, on network file systems 0.5s"""

    retention_bytes: Annotated[ByteSize, Field(gt=0)] = 256 * MEBIBYTE
    """how much of each session the broker keeps, in bytes of its file"""

    retention_total_bytes: Annotated[ByteSize, Field(gt=0)] = 2_048 * MEBIBYTE
    """how much it keeps of all sessions; the one that moved longest ago is cut first

    It is what this tailer keeps; others keep as much again
    """

    session_ttl: Annotated[Duration, Field(gt=0)] = 30 * DAY_SECONDS
    """how long a session is kept after its last line; older files are not taken in

    [What happens then](streams.md#how-long-a-session-is-kept)
    """

    max_sessions: Annotated[int, Field(gt=0)] = 100_000
    """how many sessions the broker keeps; the one that moved longest ago goes first

    They are those of all tailers. Beyond that one is [taken
    out](streams.md#how-many-sessions-are-kept) for each that begins; if none can be,
    the file is refused
    """

    metrics_port: Annotated[int, Field(ge=0, le=65535)] = 0
    """port of /metrics, /healthz and /readyz; 0 is off

    9100 with Compose; under `tailcast up` the indexer's is the next one, and the
    gateway's the one after that. A gateway has its metrics at its own port too,
    unless [somebody has to say who it is](security.md)
    """

    ready_fd: Annotated[int, Field(ge=0)] | None = None
    """descriptor on which it says what it waits for, until it is ready

    It is inherited: a line is written each time that changes, and an empty line
    once all files were seen; `tailcast up` sets it, not for containers
    """

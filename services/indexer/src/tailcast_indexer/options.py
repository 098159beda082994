"""What one indexer is to do, as values; what is not given has a default here.

Sizes are in bytes, times in seconds. Nothing is read from the environment: `app` makes
options from the settings, a program or a test makes its own.
"""

import os
import secrets
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field

from tailcast_streams.defaults import STEP_KEYS, TIME_KEYS


MEBIBYTE = 1_048_576


def own_name() -> str:
    """A name that no other indexer has, not even the same one after a restart."""
    return f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options of one indexer."""

    # Where records keep their step and time.
    step_keys: Sequence[str] = STEP_KEYS
    time_keys: Sequence[str] = TIME_KEYS
    # How often the index of a session that moves is written.
    write_interval: float = 1.0
    # How often what should be stored is compared with what is.
    audit_interval: float = 5.0
    # How much memory indexes take that are not being written to.
    kept_bytes: int = 256 * MEBIBYTE
    # How long others take it to be there after it was last heard of.
    presence_seconds: float = 6.0
    name: str = field(default_factory=own_name)

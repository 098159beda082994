"""What a client may do: which sessions it may read, what it may change, until when.

Pure. A grant is made where a client proves who it is, and goes with it from there: in
its subscription, and in what it may ask of stored sessions. `allows` is the only
function that decides about a session.
"""

from dataclasses import dataclass, field
from typing import Final

from tailcast_gateway.views.globs import EVERYTHING, Glob, compiled


@dataclass(frozen=True, slots=True)
class Grant:
    """What one client may do."""

    # Who it is; "" for nobody in particular.
    sub: str = ""
    # Patterns of the sessions that it may read; None for all.
    globs: tuple[str, ...] | None = None
    # Whether it may change what people say of sessions, and acknowledge emergencies.
    can_write: bool = False
    # When its proof is over, Unix seconds; None for never.
    expires_at: float | None = None
    # When its connections end, Unix seconds, if not with the proof.
    connection_ends_at: float | None = None
    # How many connections its subject may have, if fewer than any may.
    connections: int | None = None
    # The patterns, compiled; None if all sessions are allowed.
    _patterns: tuple[Glob | None, ...] | None = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        """Compile the patterns."""
        is_all = self.globs is None or EVERYTHING in self.globs
        patterns = None if is_all else tuple(compiled(one) for one in self.globs or ())
        object.__setattr__(self, "_patterns", patterns)

    @property
    def is_all(self) -> bool:
        """Whether it may read all sessions, and what belongs to none of them."""
        return self._patterns is None

    @property
    def ends_at(self) -> float | None:
        """When a connection with it ends, Unix seconds; None for never."""
        if self.connection_ends_at is not None:
            return self.connection_ends_at
        return self.expires_at

    def allows(self, session: str) -> bool:
        """Whether it may read a session."""
        if self._patterns is None:
            return True
        if session.startswith("!"):
            # These are no sessions, and have something of all of them.
            return False
        return any(one is None or one.matches(session) for one in self._patterns)

    def allows_of(self, session: str) -> bool:
        """Whether it may read what names this session, or none ("")."""
        return self.allows(session) if session else self.is_all


# Of whoever has not said yet who it is.
NOTHING_GRANTED: Final = Grant(globs=())
# Everybody's, where nobody need prove anything.
EVERYTHING_GRANTED: Final = Grant(can_write=True)

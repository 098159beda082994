"""Confines a failure to the one session that was worked on when it happened.

A task that works for all sessions does the part of each session inside `over_session`.
If that fails, the failure is noted and the task goes on with the others. An absent
broker is not the fault of any session, so its errors pass through. `failing` decides
whether a session is tried again.
"""

from collections.abc import (
    Awaitable,
    Callable,
    Collection,
    Generator,
    Mapping,
    Sequence,
)
from contextlib import contextmanager
from typing import TypeVar

from tailcast_gateway.instruments import Instruments
from tailcast_streams.exceptions import (
    BrokerError,
    BrokerFull,
    BrokerRefused,
    BrokerUnavailable,
    BrokerUnwilling,
    KeySpoiled,
)


# Errors that are not the fault of a session: the broker does not serve anybody now.
BROKER_AWAY = (BrokerUnavailable, BrokerFull, BrokerUnwilling)
# Sessions in one round trip.
MAX_SESSIONS = 512
# If this many sessions fail and none can be read, the broker is the reason.
MAX_SICK = 8

_T = TypeVar("_T")


class SessionUnavailable(BrokerRefused):
    """One session cannot be read; the others can."""

    def __init__(self, session: str) -> None:
        super().__init__(unavailable_text(session))
        self.session = session


def unavailable_text(session: str) -> str:
    """What clients are told of such a session."""
    return f"{session} cannot be read now; it is tried again"


class SessionIsolation:
    """Handles failures over sessions."""

    def __init__(self, instruments: Instruments) -> None:
        self._instruments = instruments

    @contextmanager
    def over_session(
        self, session: str, then: Callable[[str], object] | None = None
    ) -> Generator[None]:
        """Note a failure in here, then call `then`. An absent broker's error passes.

        A broker that refuses the keys of one session is a failure of that session.
        """
        try:
            yield
        except BROKER_AWAY:
            raise
        except Exception as error:  # noqa: BLE001  # other sessions are not affected
            self.session_failed(session, error)
            if then is not None:
                then(session)

    @contextmanager
    def only(self, session: str, *expected: type[Exception]) -> Generator[None]:
        """Raise SessionUnavailable for a failure that is of one session alone.

        Args:
            session: what is read in here.
            expected: errors that are none, and pass.
        """
        try:
            yield
        except Exception as error:
            is_spoiled = isinstance(error, KeySpoiled)
            if not is_spoiled and isinstance(error, (BrokerError, *expected)):
                raise
            self.session_failed(session, error)
            raise SessionUnavailable(session) from error

    def session_failed(self, session: str, error: Exception) -> None:
        """Note that work over a session failed."""
        if isinstance(error, KeySpoiled):
            self._instruments.session_spoiled(session, error)
        else:
            self._instruments.defect("session", session, error)

    async def each(
        self,
        sessions: Sequence[str],
        read: Callable[[Sequence[str]], Awaitable[Sequence[_T]]],
        on_sick: Callable[[str, Exception], object] | None = None,
    ) -> dict[str, _T]:
        """Read something of many sessions, without those over which it fails.

        A batch that fails is halved until the failing sessions are found.

        Raises:
            BrokerError: the broker is away, or refuses everything.
        """
        found: dict[str, _T] = {}
        sick: dict[str, Exception] = {}
        left = [sessions] if sessions else []
        while left:
            some = left.pop()
            try:
                answers = await read(some)
            except BROKER_AWAY:
                raise
            except Exception as error:
                if len(some) > 1:
                    middle = len(some) // 2
                    left += [some[middle:], some[:middle]]
                    continue
                sick[some[0]] = error
                if _is_of_all(sick, found, sessions):
                    raise
            else:
                found.update(zip(some, answers, strict=True))
        for session, why in sick.items():
            self.session_failed(session, why)
            if on_sick is not None:
                on_sick(session, why)
        return found


def _is_of_all(
    sick: Mapping[str, Exception], found: Collection[str], asked: Sequence[str]
) -> bool:
    """Whether the broker is the reason why sessions could not be read.

    It is not if another program wrote their keys, however many these are.
    """
    others = sum(not isinstance(error, KeySpoiled) for error in sick.values())
    is_all = not found and others in (MAX_SICK, len(asked))
    last = list(sick.values())[-1]
    return is_all and others > 1 and isinstance(last, BrokerError)

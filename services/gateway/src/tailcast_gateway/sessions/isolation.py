"""Work over sessions: what fails over one of them ends nothing else.

A task that works for all sessions hands over each one's part in here. A failure is
noted, and the task goes on with the others. That the broker is away is nobody's failure
and passes. What never lives here: whether the session is tried again (`failing`).
"""

from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from tailcast_gateway.instruments import Instruments
from tailcast_streams.exceptions import (
    BrokerError,
    BrokerFull,
    BrokerUnavailable,
    BrokerUnwilling,
)


# It is not there: nobody's failure.
BROKER_AWAY = (BrokerUnavailable, BrokerFull, BrokerUnwilling)
# Sessions in one round trip.
MAX_SESSIONS = 512
# Of so many sessions none can be read: then it is the broker that refuses, not they.
MAX_SICK = 8

_T = TypeVar("_T")


class SessionIsolation:
    """Takes failures over sessions."""

    def __init__(self, instruments: Instruments) -> None:
        self._instruments = instruments

    @contextmanager
    def over_session(
        self, session: str, then: Callable[[str], object] | None = None
    ) -> Generator[None]:
        """What fails in here is this session's; `then` is told. An absence passes.

        A broker that refuses one session's keys is a failure of that session.
        """
        try:
            yield
        except BROKER_AWAY:
            raise
        except Exception as error:  # noqa: BLE001  # others must not suffer from it
            self.session_failed(session, error)
            if then is not None:
                then(session)

    def session_failed(self, session: str, error: Exception) -> None:
        """Note that work over a session failed."""
        self._instruments.defect("session", session, error)

    async def each(
        self,
        sessions: Sequence[str],
        read: Callable[[Sequence[str]], Awaitable[Sequence[_T]]],
        on_sick: Callable[[str, Exception], object] | None = None,
    ) -> dict[str, _T]:
        """What is read of many sessions at once, without those over which that fails.

        A batch over which it fails is halved down to these.

        Raises:
            BrokerError: the broker is away, or refuses whatever is asked.
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
                is_all = not found and len(sick) in (MAX_SICK, len(sessions))
                if is_all and len(sick) > 1 and isinstance(error, BrokerError):
                    raise
            else:
                found.update(zip(some, answers, strict=True))
        for session, why in sick.items():
            self.session_failed(session, why)
            if on_sick is not None:
                on_sick(session, why)
        return found

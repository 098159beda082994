"""Whose failure it is: what fails over one client or session ends nothing else.

A task that works for all hands over each one's part in here. A client over which work
failed is told so and closed; a session is noted, and its reader left to go on with the
others. That the broker is away is nobody's failure and passes. No I/O, no clock.
"""

from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager, suppress
from typing import TypeVar

from gateway.channel import Client
from gateway.close_codes import INTERNAL_ERROR
from gateway.instruments import Instruments
from telemetry_stream.exceptions import (
    BrokerError,
    BrokerFull,
    BrokerUnavailable,
    BrokerUnwilling,
)


# It is not there: nobody's failure.
BROKER_AWAY = (BrokerUnavailable, BrokerFull, BrokerUnwilling)
# Of so many sessions none can be read: then it is the broker that refuses, not they.
MAX_SICK = 8

_T = TypeVar("_T")


class Isolation:
    """Takes failures; one for a replica."""

    def __init__(self, instruments: Instruments) -> None:
        self._instruments = instruments

    @contextmanager
    def over(self, client: Client) -> Generator[None]:
        """What fails in here is this client's. BrokerError passes."""
        try:
            yield
        except BrokerError:
            raise
        except Exception as error:  # noqa: BLE001  # others must not suffer from it
            self.client_failed(client, error)

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

    def client_failed(self, client: Client, error: Exception) -> None:
        """Close a client's connection, which says why; nothing more is delivered."""
        client.is_closed = True
        self._instruments.defect("client", client.name or "", error)
        with suppress(Exception):
            client.socket.close(INTERNAL_ERROR.number, INTERNAL_ERROR.reason)

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

"""Tells clients which of their sessions are contested.

A session is contested if several tailers see different files under its name, or if its
file is written anew so often that it waits. Neither a gateway nor a tailer can decide
which file is the right one. So lists of sessions show
it, and each client that watches the session is told once. A client whose socket is full
is told later.
"""

from collections.abc import Iterable, Mapping, Sequence

from tailcast_gateway.delivery.core.channel import Client
from tailcast_gateway.delivery.core.hub import Hub
from tailcast_gateway.instruments import Instruments


class Contests:
    """Tells clients about contested sessions."""

    def __init__(self, hub: Hub, *, instruments: Instruments) -> None:
        self._hub = hub
        self._instruments = instruments
        # The sessions that are contested now, with their tailers.
        self._contested: Mapping[str, Sequence[str]] = {}
        # By session: the tailers that contest it, and the clients that know this.
        self._told: dict[str, tuple[Sequence[str], set[Client]]] = {}

    def note(self, found: Mapping[str, Sequence[str]]) -> None:
        """Take all sessions that are contested now, each with its tailers."""
        settled = [session for session in self._told if session not in found]
        for session in settled:
            owners, told = self._told.pop(session)
            late = told.intersection(self._watching(session))
            late.difference_update(self._tell(session, (), late))
            if late:
                self._told[session] = (owners, late)
        for session, owners in found.items():
            before, told = self._told.get(session, ((), set[Client]()))
            watching = self._watching(session)
            told = told.intersection(watching) if owners == before else set[Client]()
            if owners != before:
                self._instruments.session_contested(session, owners)
            untold = [client for client in watching if client not in told]
            told.update(self._tell(session, owners, untold))
            self._told[session] = (owners, told)
        self._contested = found
        several = [owners for owners in found.values() if len(owners) > 1]
        self._instruments.sessions_contested(len(several))

    def owners_of(self, session: str) -> Sequence[str]:
        """The tailers that contest a session; none where it is not contested."""
        return self._contested.get(session, ())

    def _watching(self, session: str) -> dict[Client, None]:
        return dict.fromkeys(self._hub.clients_of(session))

    def _tell(
        self, session: str, owners: Sequence[str], clients: Iterable[Client]
    ) -> list[Client]:
        """Tell all clients whose sockets accept more; returns these clients."""
        told = [client for client in clients if not client.socket.paused]
        for client in told:
            with self._hub.isolation.over(client):
                client.send(
                    {"type": "contested", "sessionId": session, "owners": list(owners)}
                )
        return told

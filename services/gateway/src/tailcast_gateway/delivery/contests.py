"""Sessions of which several tailers see different files: who watches them is told.

What is true of a session's file cannot be decided here, nor by a tailer; so it is said,
in lists of sessions, and once to each client that watches. A client whose socket takes
nothing is told later.
"""

from collections.abc import Iterable, Mapping, Sequence

from tailcast_gateway.delivery.core.channel import Client
from tailcast_gateway.delivery.core.hub import Hub
from tailcast_gateway.instruments import Instruments


class Contests:
    """Tells of contested sessions."""

    def __init__(self, hub: Hub, *, instruments: Instruments) -> None:
        self._hub = hub
        self._instruments = instruments
        # Who has been told of a session, and of which tailers.
        self._told: dict[str, tuple[Sequence[str], set[Client]]] = {}

    def note(self, found: Mapping[str, Sequence[str]]) -> None:
        """These sessions are contested now, and no others; by these tailers."""
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
        self._hub.contested = found
        self._instruments.sessions_contested(len(found))

    def _watching(self, session: str) -> dict[Client, None]:
        return dict.fromkeys(self._hub.clients_of(session))

    def _tell(
        self, session: str, owners: Sequence[str], clients: Iterable[Client]
    ) -> list[Client]:
        """Tell those who take it, and say who they are."""
        told = [client for client in clients if not client.socket.paused]
        for client in told:
            with self._hub.isolation.over(client):
                client.send(
                    {"type": "contested", "sessionId": session, "owners": list(owners)}
                )
        return told

"""Decides about the handshakes of WebSockets: who is let in, and how it is served.

A client is refused before the upgrade: one that was accepted and then closed would come
back at once.
"""

from collections.abc import Awaitable, Collection
from http import HTTPStatus
from urllib.parse import parse_qsl

from tailcast_gateway.connections.admission import Refusal
from tailcast_gateway.connections.core.handshakes import (
    Admitted,
    Answer,
    Handshake,
    Judgement,
    json_answer,
)
from tailcast_gateway.connections.core.ports import NewSocket
from tailcast_gateway.http.authentication import (
    DOES_NOT_COUNT,
    Authentication,
    Busy,
    Gate,
    counting_cookie,
)
from tailcast_gateway.http.core.address import Address, read_address
from tailcast_gateway.http.host_check import HostCheck
from tailcast_gateway.http.origins import is_origin_allowed
from tailcast_gateway.http.responses import ORIGIN_NOT_ALLOWED, ORIGIN_REFUSED
from tailcast_gateway.limits import MESSAGE_SIZES
from tailcast_gateway.protocol import asyncapi
from tailcast_gateway.protocol.wires import SUBPROTOCOLS, wire_of
from tailcast_gateway.replica import Replica
from tailcast_gateway.sessions.granted import Granted
from tailcast_gateway.views.grant import NOTHING_GRANTED, Grant


class Handshakes:
    """The judge of one gateway."""

    def __init__(
        self,
        replica: Replica,
        host_check: HostCheck,
        authentication: Authentication,
        gate: Gate,
        *,
        allowed_origins: Collection[str],
    ) -> None:
        self._replica = replica
        self._host_check = host_check
        self._authentication = authentication
        self._gate = gate
        self._allowed_origins = allowed_origins

    def judge(self, handshake: Handshake) -> Judgement | Awaitable[Judgement]:
        """Let a client in, or say why not; some of that is said after a while."""
        if (refusal := self._refuse(handshake)) is not None:
            return refusal
        found = self._gate.verdict(
            handshake.raw_headers,
            handshake.host,
            cookie=self._cookie_of(handshake),
            from_proxy=handshake.from_proxy,
            id=handshake.id,
        )
        if found is DOES_NOT_COUNT:
            return self._refuse_slowly(DOES_NOT_COUNT)
        if isinstance(found, Answer):
            return found
        grant = NOTHING_GRANTED if found is None else found.grant
        refused = self._replica.refuse(
            is_surplus=handshake.is_surplus,
            grant=grant,
            address=handshake.host,
            id=handshake.id,
        )
        if refused is not None:
            return _unavailable(refused)
        asked = read_address(parse_qsl(handshake.query, keep_blank_values=True))
        if asked.max_message is not None and self._replica.wires.is_full:
            self._replica.instruments.busy("wires")
            self._replica.instruments.limited(
                MESSAGE_SIZES, address=handshake.host, connection=handshake.id
            )
            text = "too many values of maxMessage are in use here"
            return Answer(503, text, headers={"retry-after": "5"})
        return self._admitted(handshake, asked, found)

    def _refuse(self, handshake: Handshake) -> Answer | None:
        """Why whoever asks is not let in; None if they may be."""
        headers = handshake.headers
        hosts, accepted = headers.get_all("host"), headers.get_all("accept")
        if (answer := self._host_check.refuse(hosts, accepted)) is not None:
            return answer
        if handshake.path != asyncapi.ADDRESS:
            text = f"WebSockets are at {asyncapi.ADDRESS}"
            return json_answer(HTTPStatus.NOT_FOUND, "not_found", text)
        origin = headers.get("origin")
        if not is_origin_allowed(
            origin,
            host=hosts[0],
            peer=None if handshake.peer is None else handshake.peer[0],
            scheme=handshake.scheme,
            allowed=self._allowed_origins,
        ):
            self._replica.instruments.origin_refused(origin or "")
            return json_answer(HTTPStatus.FORBIDDEN, ORIGIN_NOT_ALLOWED, ORIGIN_REFUSED)
        return None

    def _cookie_of(self, handshake: Handshake) -> str:
        """The name of the cookie that counts in a handshake, "" if none does."""
        if not self._authentication.is_on:
            return ""
        headers = {name.lower(): text for name, text in handshake.headers.raw_items()}
        return counting_cookie(headers, method=None, scheme=handshake.scheme)

    async def _refuse_slowly(self, answer: Answer) -> Answer:
        await self._authentication.slow_down()
        return answer

    async def _grant_for(self, token: str, peer: str, id: str) -> Grant | None:
        try:
            return await self._authentication.grant_for(token, peer, id)
        except Busy:
            return None

    def _admitted(
        self, handshake: Handshake, address: Address, granted: Granted | None
    ) -> Admitted:
        offered = handshake.subprotocols
        subprotocol = next((one for one in offered if one in SUBPROTOCOLS), None)

        def begin(socket: NewSocket) -> None:
            wire = wire_of(subprotocol, is_deflated=socket.is_deflated)
            if address.max_message is not None:
                wire = self._replica.wires.bounded(wire, address.max_message) or wire
            connection = self._replica.take(
                socket,
                wire,
                id=handshake.id,
                name=address.name,
                defaults=address.defaults,
                # Without one it says in its first message who it is.
                grant=None if granted is None else granted.grant,
                grant_for=self._grant_for,
            )
            socket.start(connection)
            if address.wrong:
                connection.complain(address.wrong)

        return Admitted(subprotocol, begin)


def _unavailable(refusal: Refusal) -> Answer:
    return Answer(refusal.status, refusal.text, headers=refusal.retry_after())

"""What a handshake asks, and what may be answered: a refusal, or a place.

Pure. Who judges handshakes is given to the server; here are the words between the two.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Final
from urllib.parse import unquote, urlsplit

import msgspec
from websockets.datastructures import Headers

from tailcast_gateway.connections.core.ports import NewSocket


JSON_ANSWER: Final = "application/json"
TEXT_ANSWER: Final = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Handshake:
    """A handshake that the protocol allows."""

    # The path and the query, as they were sent.
    target: str
    headers: Headers
    # Whoever asks: address and port; None if that is not known.
    peer: tuple[str, int] | None
    # How it is asked: `ws` or `wss`.
    scheme: str
    # What it is called in the log, and the connection that it begins.
    id: str = ""
    # Whether more connections are open than there may be.
    is_surplus: bool = False
    # Whether the connection comes from a proxy that is trusted.
    from_proxy: bool = False

    @property
    def path(self) -> str:
        """The path, decoded."""
        return unquote(self._split()[0])

    @property
    def query(self) -> str:
        """The query, as it was sent."""
        return self._split()[1]

    def _split(self) -> tuple[str, str]:
        if self.target.startswith("/"):
            path, _, query = self.target.partition("?")
            return path, query
        # Whoever takes this server for a proxy sends the whole URL.
        parts = urlsplit(self.target)
        return parts.path, parts.query

    @property
    def host(self) -> str:
        """The address of whoever asks, without its port."""
        return "-" if self.peer is None else self.peer[0]

    @property
    def raw_headers(self) -> Iterator[tuple[bytes, bytes]]:
        """The headers in the form that ASGI has them in."""
        for name, value in self.headers.raw_items():
            yield name.encode(), value.encode("latin-1")

    @property
    def subprotocols(self) -> list[str]:
        """The subprotocols that are offered, the most wanted first."""
        offered = ",".join(self.headers.get_all("sec-websocket-protocol"))
        return [name for one in offered.split(",") if (name := one.strip())]


@dataclass(frozen=True, slots=True)
class Answer:
    """A response to what is refused; its connection ends with it."""

    status: int
    text: str
    kind: str = TEXT_ANSWER
    # More headers, by names in lower case.
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    def with_header(self, name: str, value: str) -> "Answer":
        """The same response with one more header."""
        return replace(self, headers={**self.headers, name: value})

    def serialize(self, *, has_body: bool = True) -> bytes:
        """The response as it is on the wire."""
        body = self.text.encode()
        fields = {
            "content-type": self.kind,
            "content-length": str(len(body)),
            "connection": "close",
            **self.headers,
        }
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}"]
        lines += [f"{name}: {value}" for name, value in fields.items()]
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        return head + body if has_body else head


def json_answer(status: int, code: str, text: str, **headers: str) -> Answer:
    """An error in the form that all errors over HTTP have."""
    body = msgspec.json.encode({"code": code, "message": text}).decode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, body, JSON_ANSWER, named)


@dataclass(frozen=True, slots=True)
class Admitted:
    """A handshake that is accepted."""

    # The subprotocol that is chosen, one of those offered; None for none.
    subprotocol: str | None
    # Gives the socket its owner, and starts it.
    begin: Callable[[NewSocket], None]


Judgement = Answer | Admitted
# Some verdicts are told after a while.
Judge = Callable[[Handshake], Judgement | Awaitable[Judgement]]

"""What every client passes before it is served, with a request or with a handshake.

It is made before the gateway listens, and needs no routes: who comes for live records
is served while these are still being made.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from typing import Final

from tailcast_gateway.http.authentication import Authentication, Gate
from tailcast_gateway.http.core.hosts import AllowedHosts
from tailcast_gateway.http.handshakes import Handshakes
from tailcast_gateway.http.host_check import HostCheck
from tailcast_gateway.http.page_files import DASHBOARD, PageFile, read_page
from tailcast_gateway.http.sharing import Sharing
from tailcast_gateway.protocol import asyncapi
from tailcast_gateway.replica import Replica


METRICS_PATH: Final = "/metrics"
LOGIN_PATH: Final = "/login"
LOGOUT_PATH: Final = "/logout"
# What shows no session: everybody may read it, as the page does before it has a token.
_OPEN_PATHS: Final = (
    "/healthz",
    "/readyz",
    "/docs",
    "/openapi.json",
    asyncapi.PATH,
    LOGIN_PATH,
    LOGOUT_PATH,
)


@dataclass(frozen=True, slots=True)
class Entrance:
    """The entrance of one gateway."""

    replica: Replica
    # Who somebody is.
    authentication: Authentication
    # Refuses who calls the gateway by another's name.
    host_check: HostCheck
    # Says which pages of other origins may read what is answered.
    sharing: Sharing
    # Finds out who sends a request.
    gate: Gate
    # Decides about WebSockets.
    handshakes: Handshakes
    # The files of the page, by their paths.
    page: Mapping[str, PageFile]

    def note_failure(self, path: str, error: Exception, id: str) -> None:
        """Note that something could not be served: its path, why, and its ID."""
        self.replica.instruments.defect("request", path, error, connection=id)


def make_entrance(
    replica: Replica,
    *,
    allowed_hosts: Collection[str] = (),
    allowed_origins: Collection[str] = (),
    authentication: Authentication | None = None,
    dashboard: Traversable | None = DASHBOARD,
) -> Entrance:
    """The entrance of a replica.

    `allowed_hosts` are the names of the gateway besides loopback and addresses. Without
    `authentication` everybody may read everything.
    `dashboard` is the folder in which the page is built. Without it, or if nothing is
    built there, the plain page is served.
    """
    instruments = replica.instruments
    host_check = HostCheck(
        AllowedHosts(allowed_hosts), on_refused=instruments.host_refused
    )
    if authentication is None:
        authentication = Authentication(now=replica.now, instruments=instruments)
    page = read_page(dashboard)
    gate = Gate(
        authentication,
        granted=replica.granted,
        open_paths=(*_OPEN_PATHS, *page),
        page_path="/",
        closed_paths=(METRICS_PATH,),
    )
    handshakes = Handshakes(
        replica, host_check, authentication, gate, allowed_origins=allowed_origins
    )
    return Entrance(
        replica,
        authentication,
        host_check,
        Sharing(allowed_origins, instruments),
        gate,
        handshakes,
        page,
    )

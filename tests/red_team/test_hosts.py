"""Pages of a name that is made to mean the gateway's address read nothing."""

import re

import pytest
from starlette.routing import Route

from tests.integration.gateway_rig import Gateway, Rig
from tests.red_team.requests import UPGRADE, asked, request


EVIL = "evil.example"
STREAM = "/ws/telemetry"
# The part of a route that stands for a name.
PLACE = re.compile(r"\{[^}]*\}")


def paths_of(gateway: Gateway) -> list[str]:
    """A path of each route that there is."""
    routes = [route for route in gateway.app.routes if isinstance(route, Route)]
    return sorted({PLACE.sub("a", route.path) for route in routes})


async def test_no_route_answers_by_the_name_of_another(gateway: Gateway) -> None:
    """Each route there is, its methods, and what is no route, refuse it with 421."""
    paths = paths_of(gateway)
    assert {"/metrics", "/docs", "/openapi.json", "/", "/api/sessions"} <= set(paths)
    for path in (*paths, "/nowhere", STREAM):
        for method in ("GET", "HEAD", "POST", "OPTIONS"):
            text = request(path, method=method, hosts=(f"{EVIL}:{gateway.port}",))
            status, _ = await asked(gateway.port, text)
            assert status == 421, (method, path)


@pytest.mark.parametrize("in_pieces", [False, True])
@pytest.mark.parametrize("path", [STREAM, "/elsewhere"])
async def test_no_handshake_by_the_name_of_another(
    gateway: Gateway, path: str, in_pieces: bool
) -> None:
    """Whichever way it is parsed: the page would be of its own origin."""
    place = f"{EVIL}:{gateway.port}"
    text = request(path, *UPGRADE, f"Origin: http://{place}", hosts=(place,))
    status, body = await asked(gateway.port, text, in_pieces=in_pieces)
    assert status == 421
    assert "TAILCAST_ALLOWED_HOSTS" in body
    refused = 'connections_refused_total{reason="host"} 1.0'
    assert refused in gateway.replica.instruments.exposition().decode()


@pytest.mark.parametrize("headers", [(), UPGRADE])
@pytest.mark.parametrize(
    "hosts",
    [(), ("",), ("localhost", EVIL), ("localhost", "localhost"), ("a@localhost",)],
)
async def test_a_host_that_is_none_or_two(
    gateway: Gateway, headers: tuple[str, ...], hosts: tuple[str, ...]
) -> None:
    """Nobody is to choose which of two names was meant (RFC 9112 section 3.2)."""
    for path in (STREAM, "/api/sessions"):
        text = request(path, *headers, hosts=hosts)
        assert (await asked(gateway.port, text))[0] == 400


@pytest.mark.parametrize(
    "host", ["localhost", "app.localhost", "127.0.0.1", "[::1]", "192.0.2.7"]
)
async def test_its_own_names_are_answered(gateway: Gateway, host: str) -> None:
    """Loopback and addresses, with or without a port."""
    for place in (host, f"{host}:{gateway.port}"):
        text = request("/healthz", hosts=(place,))
        assert (await asked(gateway.port, text))[0] == 200
        text = request(STREAM, *UPGRADE, f"Origin: http://{place}", hosts=(place,))
        assert (await asked(gateway.port, text))[0] == 101


async def test_names_that_are_given_are_answered(rig: Rig) -> None:
    """Whatever port is asked, and whatever port was given."""
    async with rig.serving(allowed_hosts=("runs.example:8443",)) as gateway:
        for host in ("runs.example", "Runs.Example:5000", "runs.example."):
            text = request("/healthz", hosts=(host,))
            assert (await asked(gateway.port, text))[0] == 200
        text = request("/healthz", hosts=(f"a.{EVIL}",))
        assert (await asked(gateway.port, text))[0] == 421


async def test_a_person_reads_what_to_do(gateway: Gateway) -> None:
    """As plain text, so that no name can be anything else in it."""
    text = request("/", "Accept: text/html,*/*", hosts=(EVIL,))
    status, body = await asked(gateway.port, text)
    assert status == 421
    assert body.startswith(f"this gateway is not known as {EVIL}: ")


async def test_loopback_pages_only_where_the_gateway_is_called_so(rig: Rig) -> None:
    """A page of the viewer's own machine is no page of the gateway's."""
    origin = "Origin: http://localhost:9999"
    async with rig.serving(allowed_hosts=("runs.example",)) as gateway:
        for host, expected in (("localhost", 101), ("runs.example", 403)):
            text = request(STREAM, *UPGRADE, origin, hosts=(host,))
            assert (await asked(gateway.port, text))[0] == expected

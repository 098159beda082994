"""HAProxy and nginx, as they are deployed, before a gateway that a test has.

Their configurations are those of `deploy` and of the documentation; only addresses are
others, and nginx takes HTTP/2 too, as where it has a certificate.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import docker
import httpx

from tests.brokers import free_port
from tests.docs.pages import code_blocks, read_page
from tests.patience import PATIENCE_SECONDS


# Who signs in at nginx.
USER: Final = "ann"
PASSWORD: Final = "a password of a test"  # as it says
_NGINX_IMAGE: Final = "tailcast-test-nginx"
_NGINX_FOLDER: Final = Path(__file__).parent / "nginx"


def haproxy_configuration(port: int, gateway_port: int) -> str:
    """`deploy/haproxy.cfg` at a port of this machine, with one gateway."""
    return _replaced(
        read_page("deploy/haproxy.cfg"),
        {
            "bind :5000": f"bind 127.0.0.1:{port}",
            "bind 127.0.0.1:8404": f"bind 127.0.0.1:{free_port()}",
            "bind :8405": f"bind 127.0.0.1:{free_port()}",
            " resolvers docker init-addr none resolve-prefer ipv4": "",
            "server-template gateway- 32 gateway:5000": (
                f"server gateway-1 127.0.0.1:{gateway_port}"
            ),
        },
    )


def nginx_configuration(port: int, gateway_port: int) -> str:
    """What the pages say of nginx, of balancing and of signing in, at such a port."""
    (server,) = code_blocks(read_page("docs/operations.md"), "nginx")
    (signing_in,) = code_blocks(read_page("docs/security.md"), "nginx")
    text = _replaced(
        server.text,
        {
            "server 10.0.0.11:5000": f"server 127.0.0.1:{gateway_port}",
            "    server 10.0.0.12:5000 max_fails=1 fail_timeout=2s;\n": "",
            "listen 5000;": f"listen 127.0.0.1:{port}; http2 on;",
            "location / {": f"location / {{\n{signing_in.text}",
        },
    )
    return f"""
        daemon off;
        error_log stderr;
        pid /tmp/nginx.pid;
        events {{ }}
        http {{
            access_log off;
            {text}
        }}
    """


@asynccontextmanager
async def haproxy(gateway_port: int, folder: Path) -> AsyncGenerator[int]:
    """HAProxy before a gateway; its port."""
    port = free_port()
    files = {
        "/usr/local/etc/haproxy/haproxy.cfg": haproxy_configuration(port, gateway_port)
    }
    async with _running("haproxy:3.0", port, folder, files):
        yield port


@asynccontextmanager
async def nginx(gateway_port: int, folder: Path) -> AsyncGenerator[int]:
    """An nginx that signs people in before a gateway; its port."""
    port = free_port()
    files = {
        "/etc/nginx/nginx.conf": nginx_configuration(port, gateway_port),
        "/etc/nginx/people": f"{USER}:{{PLAIN}}{PASSWORD}\n",
    }
    build = docker.from_env().images.build
    await asyncio.to_thread(build, path=str(_NGINX_FOLDER), tag=_NGINX_IMAGE)
    async with _running(_NGINX_IMAGE, port, folder, files):
        yield port


BALANCERS: Final = {"haproxy": haproxy, "nginx": nginx}


@asynccontextmanager
async def _running(
    image: str, port: int, folder: Path, files: Mapping[str, str]
) -> AsyncGenerator[None]:
    """A container in the network of this machine, once it answers for the gateway."""
    volumes = _written(folder, files)
    run = docker.from_env().containers.run
    container: Any = await asyncio.to_thread(
        run, image, detach=True, network_mode="host", volumes=volumes
    )
    try:
        await _until_ready(container, port)
        yield
    finally:
        await asyncio.to_thread(container.remove, force=True)


def _written(folder: Path, files: Mapping[str, str]) -> dict[str, Any]:
    """The files, each mounted at its place; whoever runs in a container reads them."""
    volumes: dict[str, Any] = {}
    for number, (place, text) in enumerate(files.items()):
        file = folder / str(number)
        file.write_text(text)
        file.chmod(0o644)
        volumes[str(file)] = {"bind": place, "mode": "ro"}
    return volumes


async def _until_ready(container: Any, port: int) -> None:
    async with (
        httpx.AsyncClient(auth=(USER, PASSWORD)) as client,
        asyncio.timeout(PATIENCE_SECONDS),
    ):
        while True:
            try:
                answer = await client.get(f"http://127.0.0.1:{port}/readyz")
                if answer.is_success:
                    return
            except httpx.TransportError:
                await asyncio.to_thread(container.reload)
                assert container.status != "exited", container.logs()
            await asyncio.sleep(0.1)


def _replaced(text: str, changes: Mapping[str, str]) -> str:
    for before, after in changes.items():
        assert text.count(before) == 1, f"{before!r} is to be there once"
        text = text.replace(before, after)
    return text

"""The page: the dashboard where it is built, else a plain page that says so.

Everything is read at the start, and each file has a route of its own: there is no path
by which anything else could be had, and a page that is built anew meanwhile is served
whole, after the next start.
"""

from collections.abc import Awaitable, Callable, Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from mimetypes import guess_type
from typing import Final

from fastapi import FastAPI, Request, Response

from tailcast_gateway.http.core.page_headers import (
    IMMUTABLE,
    REVALIDATED,
    asset_headers,
    page_headers,
    takes_gzip,
)


_STATIC: Final = resources.files("tailcast_gateway") / "static"
# What `make dashboard` builds.
DASHBOARD: Final = _STATIC / "dashboard"

_INDEX: Final = "index.html"
_COMPRESSED: Final = ".gz"

Answering = Callable[[Request], Awaitable[Response]]


def add_page(api: FastAPI, dashboard: Traversable | None) -> list[str]:
    """Serve the dashboard from its folder; the plain page if there is none.

    Returns:
        The paths of all its files.
    """
    if dashboard is None or not (dashboard / _INDEX).is_file():
        files = {_INDEX: (_STATIC / _INDEX).read_bytes()}
    else:
        files = dict(_read(dashboard))
    paths: list[str] = []
    for name, body in files.items():
        if not name.endswith(_COMPRESSED):
            compressed = files.get(f"{name}{_COMPRESSED}")
            path = "/" if name == _INDEX else f"/{name}"
            paths.append(path)
            api.add_route(
                path,
                _endpoint(name, body, compressed),
                methods=["GET"],
                include_in_schema=False,
            )
    return paths


def _read(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, bytes]]:
    """The files below a folder, by their path in it."""
    for one in folder.iterdir():
        if one.is_dir():
            yield from _read(one, f"{prefix}{one.name}/")
        else:
            yield prefix + one.name, one.read_bytes()


def _endpoint(name: str, body: bytes, compressed: bytes | None) -> Answering:
    if name == _INDEX:
        headers = page_headers(body.decode())
    else:
        headers = asset_headers(IMMUTABLE if "/" in name else REVALIDATED)
    media_type = guess_type(name)[0]

    async def serve(request: Request) -> Response:
        if compressed and takes_gzip(request.headers.get("accept-encoding", "")):
            encoded = headers | {"content-encoding": "gzip"}
            return Response(compressed, headers=encoded, media_type=media_type)
        return Response(body, headers=headers, media_type=media_type)

    return serve

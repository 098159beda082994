"""The page, as it is served.

Each file has a route of its own: there is no path by which anything else could be had.
"""

from collections.abc import Awaitable, Callable, Mapping
from mimetypes import guess_type

from fastapi import FastAPI, Request, Response

from tailcast_gateway.http.core.page_headers import (
    IMMUTABLE,
    REVALIDATED,
    asset_headers,
    page_headers,
    takes_gzip,
)
from tailcast_gateway.http.page_files import PageFile


Answering = Callable[[Request], Awaitable[Response]]


def add_page(api: FastAPI, page: Mapping[str, PageFile]) -> None:
    """Serve its files at their paths."""
    for path, file in page.items():
        api.add_route(path, _endpoint(file), methods=["GET"], include_in_schema=False)


def _endpoint(file: PageFile) -> Answering:
    name, body, compressed = file
    if file.is_index:
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

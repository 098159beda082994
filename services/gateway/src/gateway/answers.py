"""Answers over HTTP that are one JSON object."""

from typing import Any

import msgspec
from starlette.responses import Response


def json_response(
    body: dict[str, Any], status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """An answer of these fields."""
    return Response(
        msgspec.json.encode(body),
        status,
        headers=headers,
        media_type="application/json",
    )

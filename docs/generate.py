"""Writes docs/asyncapi.json and docs/openapi.json, from what the gateway serves.

`python -m docs.generate` writes them; with `--check` it says whether they are as they
would be written.
"""

import json
import sys
from pathlib import Path
from typing import Any

from tailcast_gateway.http.api import make_api
from tailcast_gateway.protocol import asyncapi
from tailcast_gateway.replica import Replica
from tailcast_streams.memory.broker import MemoryBroker


HERE = Path(__file__).parent


def documents() -> dict[str, dict[str, Any]]:
    """What each file has in it."""
    api = make_api(Replica(MemoryBroker()))
    return {"asyncapi.json": asyncapi.make_document(), "openapi.json": api.openapi()}


def main(arguments: list[str]) -> None:
    """Write or check; ends with 1 if a file is not as it would be written."""
    for name, document in documents().items():
        path = HERE / name
        text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        if "--check" not in arguments:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            sys.exit(f"docs/{name} is out of date: run `make docs`")


if __name__ == "__main__":
    main(sys.argv[1:])

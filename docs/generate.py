"""Writes what of the documents is made of the code: the APIs' and the manual's tables.

`python -m docs.generate` writes; with `--check` it says whether all is as it would be
written.
"""

import json
import sys
from pathlib import Path
from typing import Any

from docs.tables import with_tables
from tailcast_gateway.http.api import make_api
from tailcast_gateway.http.entrance import make_entrance
from tailcast_gateway.protocol import asyncapi
from tailcast_gateway.replica import Replica
from tailcast_streams.memory.broker import MemoryBroker


ROOT = Path(__file__).parent.parent
# The pages with tables that are made of the code.
PAGES = ("docs/operations.md", "docs/protocol.md", "SECURITY.md")


def documents() -> dict[str, str]:
    """What each file has in it."""
    api = make_api(make_entrance(Replica(MemoryBroker())))
    return {
        "docs/asyncapi.json": _text_of(asyncapi.make_document()),
        "docs/openapi.json": _text_of(api.openapi()),
        **{page: with_tables((ROOT / page).read_text()) for page in PAGES},
    }


def _text_of(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> None:
    """Write or check; ends with 1 if a file is not as it would be written."""
    for name, text in documents().items():
        path = ROOT / name
        if "--check" not in arguments:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            sys.exit(f"{name} is out of date: run `make docs`")


if __name__ == "__main__":
    main(sys.argv[1:])

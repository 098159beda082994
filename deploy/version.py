"""Where the version stands that `tailcast_service.build` says.

`python -m deploy.version 1.2.3` writes another one everywhere; a test compares. Each
distribution has it in its own pyproject.toml, so that its sdist needs nothing from
outside, and wants its siblings in exactly this version.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple


ROOT = Path(__file__).parent.parent
PROJECT = r'(?m)^version = "([^"]*)"$'
SIBLING = r'"tailcast-\w+==([^"]*)"'
PLACES = {
    "packages/tailcast_service/src/tailcast_service/build.py": [
        r'(?m)^VERSION = "([^"]*)"$'
    ],
    "pyproject.toml": [PROJECT],
    "packages/tailcast/pyproject.toml": [PROJECT, SIBLING],
    "packages/tailcast_index/pyproject.toml": [PROJECT, SIBLING],
    "packages/tailcast_service/pyproject.toml": [PROJECT],
    "packages/tailcast_streams/pyproject.toml": [PROJECT],
    "services/gateway/pyproject.toml": [PROJECT, SIBLING],
    "services/indexer/pyproject.toml": [PROJECT, SIBLING],
    "services/tailer/pyproject.toml": [PROJECT, SIBLING],
    "clients/typescript/package.json": [r'(?m)^  "version": "([^"]*)",$'],
    "deploy/Dockerfile": [r'image\.version="([^"]*)"'],
    "docker-compose.yml": [r"\$\{TAILCAST_VERSION:-([^}]*)\}"],
}
WELL_FORMED = re.compile(r"\d+\.\d+\.\d+(?:(?:a|b|rc)\d+)?")


class Found(NamedTuple):
    """A version that stands somewhere."""

    place: str
    version: str


def versions() -> Iterator[Found]:
    """Every version that is written down; one that is missing is found as ""."""
    for place, patterns in PLACES.items():
        text = (ROOT / place).read_text()
        for pattern in patterns:
            for version in re.findall(pattern, text) or [""]:
                yield Found(place, version)


def write_version(version: str) -> None:
    """Write it wherever one stands."""

    def replace(match: re.Match[str]) -> str:
        begin, end = match.start(1) - match.start(), match.end(1) - match.start()
        return match[0][:begin] + version + match[0][end:]

    for place, patterns in PLACES.items():
        path = ROOT / place
        text = path.read_text()
        for pattern in patterns:
            text = re.sub(pattern, replace, text)
        path.write_text(text)


if __name__ == "__main__":
    if len(sys.argv) != 2 or not WELL_FORMED.fullmatch(sys.argv[1]):  # noqa: PLR2004
        sys.exit("give the version, as in `make version VERSION=1.2.3`")
    write_version(sys.argv[1])

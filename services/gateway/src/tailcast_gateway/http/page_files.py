"""The files of the page: the dashboard where it is built, else a plain page.

All of them are read at the start: a page that is built anew meanwhile is served whole,
after the next start.
"""

from collections.abc import Iterator, Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Final, NamedTuple


_STATIC: Final = resources.files("tailcast_gateway") / "static"
# What `make dashboard` builds.
DASHBOARD: Final = _STATIC / "dashboard"

_INDEX: Final = "index.html"
_COMPRESSED: Final = ".gz"


class PageFile(NamedTuple):
    """One file, as it is served."""

    name: str
    body: bytes
    # None if it is not served compressed.
    compressed: bytes | None

    @property
    def is_index(self) -> bool:
        """Whether it is the page itself."""
        return self.name == _INDEX


def read_page(dashboard: Traversable | None) -> Mapping[str, PageFile]:
    """The files by the path at which each is served."""
    if dashboard is None or not (dashboard / _INDEX).is_file():
        files = {_INDEX: (_STATIC / _INDEX).read_bytes()}
    else:
        files = dict(_read(dashboard))
    return {
        "/" if name == _INDEX else f"/{name}": PageFile(
            name, body, files.get(f"{name}{_COMPRESSED}")
        )
        for name, body in files.items()
        if not name.endswith(_COMPRESSED)
    }


def _read(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, bytes]]:
    """The files below a folder, by their path in it."""
    for one in folder.iterdir():
        if one.is_dir():
            yield from _read(one, f"{prefix}{one.name}/")
        else:
            yield prefix + one.name, one.read_bytes()

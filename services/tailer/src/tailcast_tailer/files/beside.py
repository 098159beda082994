"""Reads what stands beside the records of files: headers, and documents in a directory.

Blocking, for worker threads. What has not changed since the last look is not read
again: mostly a directory costs one question, and each document there another one.
"""

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tailcast_tailer.core.beside import (
    MAX_BYTES,
    Unreadable,
    header_in,
    is_beside,
    names_beside,
    read_beside,
    told_of,
)
from tailcast_tailer.files.file_system import (
    CannotBeSeen,
    Glimpse,
    Identity,
    glimpse,
    may_change_unseen,
    open_regular,
    read_regular,
)


# How much of a file tells that it begins with a header.
_FEW_BYTES = 16
_COMMENTS = (b"#", b"/", b"\xef\xbb\xbf#", b"\xef\xbb\xbf/")


class _Document(NamedTuple):
    """A document as it was read."""

    glimpse: Glimpse | None
    # It as JSON, or why it cannot be told.
    text: bytes | None
    why: str


class _Header(NamedTuple):
    """The header of a file as it was read."""

    identity: Identity
    # How long the file was: it began anew if it is shorter now.
    size: int
    text: bytes | None
    # Whether what is written later changes nothing.
    is_settled: bool


class Beside(NamedTuple):
    """What stands beside the records of the files in a directory."""

    # By the file's path: what is to be told of it; not of those that cannot be seen.
    told: Mapping[str, Mapping[str, bytes]]
    # By the document's path: why it cannot be told.
    unreadable: Mapping[str, str]


class Directory:
    """One directory, and what was read of it; touched by its jobs alone."""

    def __init__(self, path: str) -> None:
        self._path = path
        # When the directory was changed as its names were read, None to read again.
        self._mtime_ns: int | None = None
        self._names: frozenset[str] = frozenset()
        # By name, and by the path of a file.
        self._documents: dict[str, _Document] = {}
        self._headers: dict[str, _Header] = {}

    def look(self, paths: Sequence[str]) -> Beside:
        """What stands beside these files of the directory. Raises CannotBeSeen."""
        self._read_names()
        told: dict[str, Mapping[str, bytes]] = {}
        wanted: dict[str, None] = {}
        headers: dict[str, _Header] = {}
        for path in paths:
            try:
                headers[path] = header = self._header_of(path)
            except CannotBeSeen:
                continue
            names = names_beside(os.path.basename(path))  # noqa: PTH119  # texts
            wanted |= dict.fromkeys(name for name in names if name in self._names)
            told[path] = self._told(header, names)
        self._headers = headers
        for name in self._documents.keys() - wanted.keys():
            del self._documents[name]
        return Beside(told, self._unreadable())

    def _told(self, header: _Header, names: Sequence[str]) -> Mapping[str, bytes]:
        there = [name for name in names if name in self._names]
        found = {name: self._document(name) for name in there}
        return told_of(
            header.text,
            {n: one.text for n, one in found.items() if one.text is not None},
            {name: one.why for name, one in found.items() if one.why},
            names,
        )

    def _unreadable(self) -> Mapping[str, str]:
        return {
            os.path.join(self._path, name): one.why  # noqa: PTH118  # texts
            for name, one in self._documents.items()
            if one.why
        }

    def _read_names(self) -> None:
        try:
            mtime_ns = os.stat(self._path).st_mtime_ns  # noqa: PTH116  # texts
            if mtime_ns != self._mtime_ns:
                with os.scandir(self._path) as found:
                    self._names = frozenset(
                        one.name for one in found if is_beside(one.name)
                    )
        except OSError as error:
            raise CannotBeSeen(error) from error
        self._mtime_ns = None if may_change_unseen(mtime_ns) else mtime_ns

    def _document(self, name: str) -> _Document:
        path = os.path.join(self._path, name)  # noqa: PTH118  # texts
        known = self._documents.get(name)
        seen: Glimpse | None = None
        try:
            seen = glimpse(path)
            if known is not None and known.glimpse == seen:
                return known
            data = read_regular(path, most=MAX_BYTES + 1)
            found = _Document(seen, read_beside(name, data), "")
        except CannotBeSeen as error:
            why = "" if error.is_absent else str(error)
            found = _Document(None, None, why)
        except Unreadable as error:
            found = _Document(seen, None, str(error))
        self._documents[name] = found
        return found

    def _header_of(self, path: str) -> _Header:
        seen = glimpse(path)
        known = self._headers.get(path)
        is_same = known is not None and known.identity == seen.identity
        if known is not None and is_same and known.size <= seen.size:
            # A first line that was not whole may be by now.
            if not known.is_settled:
                return _read_header(path, seen)
            return known._replace(size=seen.size)
        return _read_header(path, seen)


def _read_header(path: str, seen: Glimpse) -> _Header:
    opened = open_regular(path)
    found = _Header(seen.identity, seen.size, None, is_settled=True)
    try:
        head = os.pread(opened.descriptor, _FEW_BYTES, 0)
        if not head.lstrip().startswith(_COMMENTS):
            return found._replace(is_settled=len(head) == _FEW_BYTES)
        text = header_in(os.pread(opened.descriptor, MAX_BYTES + 1, 0))
        is_settled = text is not None or seen.size > MAX_BYTES
        return found._replace(text=text, is_settled=is_settled)
    except OSError as error:
        raise CannotBeSeen(error) from error
    finally:
        os.close(opened.descriptor)

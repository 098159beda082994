"""Reads what stands beside the records of files: headers, and documents in a directory.

Blocking, for worker threads. What has not changed since the last look is not read
again, and of files themselves nothing is asked: whoever follows them knows how they
look. So a directory costs one question, and each document there another one.
"""

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
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
    close_file,
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


class _File(NamedTuple):
    """A file, and what was told of it when it looked so."""

    glimpse: Glimpse
    header: _Header
    # The documents that are for it.
    names: Sequence[str]
    told: Mapping[str, bytes]


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
        # By name, those that are for a file; and by the path of a file.
        self._documents: dict[str, _Document] = {}
        self._files: dict[str, _File] = {}

    def look(self, files: Mapping[str, Glimpse]) -> Beside:
        """What stands beside these files of the directory. Raises CannotBeSeen.

        Args:
            files: by path, how each was seen last.
        """
        is_same = self._is_as_it_was(files.keys())
        found: dict[str, _File] = {}
        for path, seen in files.items():
            known = self._files.get(path)
            if known is not None and is_same and known.glimpse == seen:
                found[path] = known
                continue
            try:
                header = self._header_of(path, seen, known)
            except CannotBeSeen:
                continue
            names = names_beside(os.path.basename(path))  # noqa: PTH119  # texts
            names = tuple(name for name in names if name in self._names)
            found[path] = _File(seen, header, names, self._told(header, names))
        self._files = found
        if not is_same:
            wanted = {name for one in found.values() for name in one.names}
            for name in self._documents.keys() - wanted:
                del self._documents[name]
        return Beside({path: one.told for path, one in found.items()}, self._unreadable)

    def _header_of(self, path: str, seen: Glimpse, known: _File | None) -> _Header:
        if path == self._path:
            # A run in numbered files, which is called by this folder, has none.
            return _Header(seen.identity, seen.size, None, is_settled=True)
        return _header_of(path, seen, known)

    def _is_as_it_was(self, paths: Collection[str]) -> bool:
        """Look at names and documents; whether these and the files are those known."""
        names, documents = self._names, dict(self._documents)
        self._read_names()
        for name in documents:
            self._read_document(name)
        return (
            names == self._names
            and documents == self._documents
            and paths == self._files.keys()
        )

    def _told(self, header: _Header, names: Sequence[str]) -> Mapping[str, bytes]:
        for name in names:
            if name not in self._documents:
                self._read_document(name)
        found = {name: self._documents[name] for name in names}
        return told_of(
            header.text,
            {n: one.text for n, one in found.items() if one.text is not None},
            {name: one.why for name, one in found.items() if one.why},
            names,
        )

    @property
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

    def _read_document(self, name: str) -> None:
        path = os.path.join(self._path, name)  # noqa: PTH118  # texts
        known = self._documents.get(name)
        seen: Glimpse | None = None
        try:
            seen = glimpse(path)
            if known is not None and known.glimpse == seen:
                return
            data = read_regular(path, most=MAX_BYTES + 1)
            found = _Document(seen, read_beside(name, data), "")
        except CannotBeSeen as error:
            why = "" if error.is_absent else str(error)
            found = _Document(None, None, why)
        except Unreadable as error:
            found = _Document(seen, None, str(error))
        self._documents[name] = found


def look_at_all(
    asked: Iterable[tuple[Directory, Mapping[str, Glimpse]]],
) -> list[Beside | None]:
    """What stands beside the files of each directory; None where it cannot be seen."""
    looks: list[Beside | None] = []
    for directory, files in asked:
        try:
            looks.append(directory.look(files))
        except CannotBeSeen:
            looks.append(None)
    return looks


def _header_of(path: str, seen: Glimpse, known: _File | None) -> _Header:
    """The header of a file that looks so, as it was read or anew."""
    if known is not None:
        header = known.header
        is_same = header.identity == seen.identity and header.size <= seen.size
        # A first line that was not whole may be by now.
        if is_same and header.is_settled:
            return header._replace(size=seen.size)
    return _read_header(path)


def _read_header(path: str) -> _Header:
    opened = open_regular(path)
    size = opened.glimpse.size
    found = _Header(opened.glimpse.identity, size, None, is_settled=True)
    try:
        head = os.pread(opened.descriptor, _FEW_BYTES, 0)
        if not head.lstrip().startswith(_COMMENTS):
            return found._replace(is_settled=len(head) == _FEW_BYTES)
        text = header_in(os.pread(opened.descriptor, MAX_BYTES + 1, 0))
        is_settled = text is not None or size > MAX_BYTES
        return found._replace(text=text, is_settled=is_settled)
    except OSError as error:
        raise CannotBeSeen(error) from error
    finally:
        close_file(opened.descriptor)

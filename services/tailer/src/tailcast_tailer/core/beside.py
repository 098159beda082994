"""What stands beside the records of a run: the file's header, and documents.

Pure. A header is an object behind `#` or `//` on the file's first line. Documents are
files of fixed names beside it: one for the file alone, and those that writers of runs
leave in its directory. What is told of them is JSON, in the words of the producer.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Final, cast

import msgspec

from tailcast_streams.record import INT64, Invalid, Record, parse_record
from tailcast_tailer.core.forms import BYTE_ORDER_MARK, held_by, is_header
from tailcast_tailer.core.splices import object_at_end
from tailcast_tailer.core.yaml_documents import NotPlain, load_plain


# A longer document, or header, is not read.
MAX_BYTES: Final = 64 * 1024
# What is told of one session has no more than this in all.
MAX_TOLD_BYTES: Final = 128 * 1024
# The names in a directory, the most telling first.
SHARED_NAMES: Final = ("config.json", "args.json", "hparams.yaml")
# The end of the name of the one that is for a file alone.
_OWN_ENDING: Final = ".meta.json"
_YAML: Final = (".yaml", ".yml")

# The names of what is told: the header, each document, and what is not told and why.
HEADER: Final = "header"
DOCUMENT: Final = "file:"
LEFT_OUT: Final = "left_out"

# What is said of such a document, where it is said why it is no session.
TOLD_BESIDE: Final = (
    "no run, but what one says of itself: told with the files beside it"
)
TOO_LONG: Final = f"it has more than {MAX_BYTES} bytes"
TOO_MUCH: Final = f"there are more than {MAX_TOLD_BYTES} bytes beside the records"


class Unreadable(Exception):
    """It is no document; the text says why, for people."""


def names_beside(file_name: str) -> tuple[str, ...]:
    """The names of the documents that are for a file, the most telling first."""
    stem, dot, _ = file_name.rpartition(".")
    return (f"{stem if dot and stem else file_name}{_OWN_ENDING}", *SHARED_NAMES)


def is_beside(file_name: str) -> bool:
    """Whether a file of this name is such a document, and no run."""
    return file_name in SHARED_NAMES or file_name.endswith(_OWN_ENDING)


def header_in(head: bytes) -> bytes | None:
    """The header in a file's first bytes, as JSON; None without one."""
    line, newline, _ = head.partition(b"\n")
    if not newline or len(line) > MAX_BYTES:
        return None
    text = held_by(line, is_first=True)
    found = object_at_end(text) if is_header(text) else None
    record = None if found is None else parse_record(found)
    return record.data if isinstance(record, Record) else None


def read_beside(name: str, data: bytes) -> bytes:
    """The object that a document is, as JSON on one line. Raises Unreadable."""
    if len(data) > MAX_BYTES:
        raise Unreadable(TOO_LONG)
    text = data.removeprefix(BYTE_ORDER_MARK).strip()
    if name.endswith(_YAML):
        text = _from_yaml(text)
    record = parse_record(text)
    if isinstance(record, Invalid):
        raise Unreadable(record.reason)
    return bytes(msgspec.json.format(record.data, indent=-1))


def _from_yaml(text: bytes) -> bytes:
    try:
        found = load_plain(text.decode())
        return msgspec.json.encode(_as_json(found))
    except UnicodeError:
        raise Unreadable("it is not UTF-8") from None
    except NotPlain as error:
        raise Unreadable(str(error)) from None


def _as_json(value: object) -> object:
    if isinstance(value, dict):
        items = cast(Mapping[object, object], value).items()
        return {str(key): _as_json(one) for key, one in items}
    if isinstance(value, list):
        return [_as_json(one) for one in cast(Sequence[object], value)]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    is_plain = value is None or isinstance(value, bool | float | str)
    is_plain = is_plain or (isinstance(value, int) and value in INT64)
    return value if is_plain else str(value)


def told_of(
    header: bytes | None,
    documents: Mapping[str, bytes],
    unreadable: Mapping[str, str],
    names: Sequence[str],
) -> dict[str, bytes]:
    """What is told of a session, by name; what is too much is named instead.

    Args:
        header: of the file, as JSON.
        documents: those that could be read, by their file names.
        unreadable: why others could not be.
        names: the names of both, the most telling first.
    """
    found = [(DOCUMENT + name, documents[name]) for name in names if name in documents]
    if header is not None:
        found.insert(1 if names and names[0] in documents else 0, (HEADER, header))
    left_out = {name: unreadable[name] for name in names if name in unreadable}
    told: dict[str, bytes] = {}
    size = 0
    for name, text in found:
        size += len(text)
        if size > MAX_TOLD_BYTES:
            left_out[name.removeprefix(DOCUMENT)] = TOO_MUCH
        else:
            told[name] = text
    if left_out:
        told[LEFT_OUT] = msgspec.json.encode(left_out)
    return told

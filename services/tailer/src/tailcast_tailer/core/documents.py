"""What an emergency document is: a file that is one JSON object.

Pure. It is stored on one line, keys and numbers unchanged. As with records, what a
strict JSON parser would not accept is corrected. A file that is none is an emergency
too: a document stands for it that says so.
"""

from hashlib import sha256

import msgspec

from tailcast_streams.entries import Document
from tailcast_streams.record import Invalid, parse_record
from tailcast_tailer.core.forms import BYTE_ORDER_MARK


MAX_DOCUMENT_BYTES = 10_485_760
# An older file is history when it is first seen: listed, never announced.
NEWS_SECONDS = 86_400.0
# What names the session, the first that is there.
SESSION_KEYS = ("session_id", "sessionId")
# How much of a file that is no document is shown.
SHOWN_BYTES = 1_024

UNREADABLE = "unreadable emergency file"
_GZIP = b"\x1f\x8b"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")

_decode_fields = msgspec.json.Decoder(dict[str, object]).decode


def read_document(
    data: bytes, *, path: str, sha256: str, is_news: bool
) -> Document | Invalid:
    """Read a whole file's bytes."""
    text = data.removeprefix(BYTE_ORDER_MARK).strip()
    record = parse_record(text)
    if isinstance(record, Invalid):
        return Invalid(_kind_of(data) or record.reason)
    # Keeps the text of numbers, which decoding and encoding would not.
    line = bytes(msgspec.json.format(record.data, indent=-1))
    return Document(path, sha256, line, _session_of(line), is_news)


def unreadable_document(
    head: bytes, data: bytes, *, path: str, why: str, is_news: bool
) -> Document:
    """What stands for a file that is no document.

    Args:
        head: the file's first bytes, as many as could be read.
        data: what is known of its content: while it is the same, so is the emergency.
        path: below the log directory.
        why: in words for people.
        is_news: whether it is to be announced.
    """
    fields = {
        "reason": UNREADABLE,
        "path": path,
        "why": why,
        "head": head[:SHOWN_BYTES].decode(errors="backslashreplace"),
    }
    # The file itself, should it be a document for a later version, is another one.
    digest = sha256(UNREADABLE.encode() + b"\0" + data).hexdigest()
    return Document(path, digest, msgspec.json.encode(fields), "", is_news)


def _kind_of(data: bytes) -> str:
    """What it is instead, where that shows; else nothing."""
    if not data.strip():
        return "the file is empty"
    if not data.strip(b"\0"):
        return "the file has nothing but NUL bytes"
    if data.startswith(_UTF_16) or data[:4:2] == b"\0\0" or data[1:4:2] == b"\0\0":
        return "it is UTF-16, not UTF-8"
    return "it is gzip, not JSON" if data.startswith(_GZIP) else ""


def _session_of(record: bytes) -> str:
    fields = _decode_fields(record)
    named = (fields.get(key) for key in SESSION_KEYS)
    return next((name for name in named if isinstance(name, str) and name), "")

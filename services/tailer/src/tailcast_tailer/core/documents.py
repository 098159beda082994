"""What an emergency document is: a file that is one JSON object.

Pure. It is stored on one line, keys and numbers unchanged. As with records, what a
strict JSON parser would not accept is corrected, or the document is rejected.
"""

import msgspec

from tailcast_streams.entries import Document
from tailcast_streams.record import Invalid, parse_record
from tailcast_tailer.core.records import BYTE_ORDER_MARK


MAX_DOCUMENT_BYTES = 10_485_760
# An older file is history when it is first seen: listed, never announced.
NEWS_SECONDS = 86_400.0
# What names the session, the first that is there.
SESSION_KEYS = ("session_id", "sessionId")

_decode_fields = msgspec.json.Decoder(dict[str, object]).decode


def read_document(
    data: bytes, *, path: str, sha256: str, is_news: bool
) -> Document | Invalid:
    """Read a whole file's bytes."""
    record = parse_record(data.removeprefix(BYTE_ORDER_MARK).strip())
    if isinstance(record, Invalid):
        return record
    # Keeps the text of numbers, which decoding and encoding would not.
    line = bytes(msgspec.json.format(record.data, indent=-1))
    return Document(path, sha256, line, _session_of(line), is_news)


def _session_of(record: bytes) -> str:
    fields = _decode_fields(record)
    named = (fields.get(key) for key in SESSION_KEYS)
    return next((name for name in named if isinstance(name, str) and name), "")

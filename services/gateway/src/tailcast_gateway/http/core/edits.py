"""What people say of a session: the body of a PATCH.

Pure. As in RFC 7396 a field that is absent stays, and null takes it back: then what the
run says of itself counts again.
"""

from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from tailcast_gateway.protocol.client_messages import INVALID_MESSAGE, InvalidMessage
from tailcast_gateway.sessions.core.descriptions import (
    NOTES,
    PINNED,
    TAGS,
    stored_tags,
)


# The longest body, bytes.
MAX_EDIT_BYTES: Final = 65_536
# The types of content that it may have.
EDIT_TYPES: Final = ("application/json", "application/merge-patch+json")

Tag = Annotated[str, Meta(min_length=1, max_length=128)]


class EditBody(Struct, forbid_unknown_fields=True, kw_only=True):
    """What is to be said of a session; what is absent stays, null is taken back."""

    tags: Annotated[list[Tag], Meta(max_length=64)] | UnsetType | None = UNSET
    notes: Annotated[str, Meta(max_length=4_096)] | UnsetType | None = UNSET
    pinned: bool | UnsetType | None = UNSET


def edits_in(body: bytes) -> dict[str, bytes]:
    """What is to be stored, b"" for what is taken away. Raises InvalidMessage."""
    try:
        edit = msgspec.json.decode(body, type=EditBody)
        if edit.notes:
            # Half a surrogate pair cannot be stored.
            edit.notes.encode()
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        text = f"tags, notes and pinned can be changed: {error}"
        raise InvalidMessage(INVALID_MESSAGE, text) from None
    edits: dict[str, bytes] = {}
    if edit.tags is not UNSET:
        tags = edit.tags
        edits[TAGS] = b"" if tags is None else stored_tags([*dict.fromkeys(tags)])
    if edit.notes is not UNSET:
        edits[NOTES] = (edit.notes or "").encode()
    if edit.pinned is not UNSET:
        edits[PINNED] = b"1" if edit.pinned else b""
    if not edits:
        text = "say what to change: tags, notes or pinned"
        raise InvalidMessage(INVALID_MESSAGE, text)
    return edits

"""What stands around the records of a file, as its first lines tell.

Pure. A container's log has each line of output in an envelope; a program's log has text
before each object. What is known of a file grows with each line of its head, and is a
function of these lines alone: however they came, and whoever reads them again, each
line is read in the same way.
"""

import re
from typing import NamedTuple

from tailcast_streams.record import Invalid, parse_record
from tailcast_tailer.core.envelopes import Envelope, is_enveloped
from tailcast_tailer.core.splices import object_at_end


# How much of a file can tell, and how many lines with an object do.
FORM_BYTES = 65_536
TELLING_LINES = 8

BYTE_ORDER_MARK = b"\xef\xbb\xbf"

_LIKE_JSON = re.compile(rb"\{\s*[\"}]")
_COMMENT = (b"#", b"//")


class Form(NamedTuple):
    """What is known of a file's lines."""

    envelope: Envelope = Envelope.NONE
    # Whether what comes later changes nothing.
    is_settled: bool = False
    # Of the lines that were seen: is there one, and how many are objects, or end with
    # one behind a text.
    has_begun: bool = False
    bare: int = 0
    prefixed: int = 0

    @property
    def is_wrapped(self) -> bool:
        """Whether each line is in an envelope."""
        return self.envelope in (Envelope.DOCKER, Envelope.CRI)


# Lines of records and nothing else, or text between them.
PLAIN = Form(Envelope.NONE, is_settled=True)


def form_after(form: Form, line: bytes, end: int) -> Form:
    """What is known of a file once one more line of its head was seen.

    Args:
        form: what was known before.
        line: the line without its newline.
        end: the byte after the newline.
    """
    if form.is_settled:
        return form
    text = held_by(line, is_first=end - len(line) == 1)
    if text and not form.has_begun:
        for envelope in (Envelope.DOCKER, Envelope.CRI):
            if is_enveloped(text, envelope):
                return _settled(envelope)
    bare, prefixed = form.bare, form.prefixed
    if is_record(text):
        bare += 1
    elif is_prefixed(text) and not (end - len(line) == 1 and is_header(text)):
        prefixed += 1
    envelope = Envelope.PREFIX if prefixed > bare else Envelope.NONE
    if bare + prefixed >= TELLING_LINES or end >= FORM_BYTES:
        return _settled(envelope)
    return Form(
        envelope,
        has_begun=form.has_begun or bool(text),
        bare=bare,
        prefixed=prefixed,
    )


def form_of(head: bytes, end: int) -> Form:
    """What is known of a file that was read up to an offset.

    Args:
        head: its bytes up to there, `FORM_BYTES` of them at most.
        end: the offset.
    """
    form = Form()
    at = 0
    for line in head.split(b"\n")[:-1]:
        at += len(line) + 1
        form = form_after(form, line, at)
    return _settled(form.envelope) if end >= FORM_BYTES else form


def _settled(envelope: Envelope) -> Form:
    is_plain = envelope is Envelope.NONE
    return PLAIN if is_plain else Form(envelope, is_settled=True)


def held_by(line: bytes, *, is_first: bool) -> bytes:
    """What a line holds, without what may stand around it: a hole is no part of it."""
    text = line.strip()
    if is_first:
        text = text.removeprefix(BYTE_ORDER_MARK).strip()
    return text.lstrip(b"\0").strip()


def is_record(text: bytes) -> bool:
    """Whether what a line holds is a record as it stands."""
    return text[:1] == b"{" and not isinstance(parse_record(text), Invalid)


def is_text(text: bytes) -> bool:
    """Whether a line is none that its writer meant for an object."""
    return not _LIKE_JSON.match(text)


def is_prefixed(text: bytes) -> bool:
    """Whether a line is text with an object behind it."""
    return is_text(text) and object_at_end(text) is not None


def is_header(text: bytes) -> bool:
    """Whether a file's first line is a comment with an object: what it says of all."""
    return text.startswith(_COMMENT) and object_at_end(text) is not None

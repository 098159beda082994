"""Mends JSON that Python writes and that strict readers refuse.

Pure. One scan tells strings from the text between them. A token that is mended becomes
a string (or U+FFFD within a string). Every other byte stays the same: digits, repeated
keys, white space. Whether the text is otherwise valid JSON is not checked here.
"""

import re
from math import isfinite


# Splits a text into strings and the parts between them.
_STRING = re.compile(rb'("(?:[^"\\]++|\\.)*+")', re.DOTALL)
# A part between strings needs no mending if it is shorter than `_HUGE_DIGITS` and has
# none of these.
_SUSPICIOUS = re.compile(rb"[NI]|[eE][+0-9]")
_HUGE_DIGITS = 309
# A constant of Python, or a number.
_TOKEN = re.compile(rb"-?(?:NaN|Infinity)|-?[0-9][0-9.eE+-]*+")
# A pair of surrogates, half of one, or any other escape.
_ESCAPE = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
    rb"|\\.",
    re.DOTALL,
)
_REPLACEMENT = "\ufffd".encode()


def mended(text: bytes) -> bytes:
    """Turn JSON as Python reads it, in UTF-8, into JSON that every reader accepts.

    `NaN`, `Infinity` and `-Infinity` become strings. Numbers that no double can hold
    become strings too, since most readers would refuse the whole message: a whole
    number becomes its digits, another one `"Infinity"` or `"-Infinity"`, as it would be
    read. Half a pair of surrogates, which UTF-8 cannot hold, becomes U+FFFD.
    """
    parts = _STRING.split(text)
    parts[::2] = [
        _TOKEN.sub(_mended_token, part)
        if len(part) >= _HUGE_DIGITS or _SUSPICIOUS.search(part)
        else part
        for part in parts[::2]
    ]
    if b"\\u" in text:
        parts[1::2] = [_ESCAPE.sub(_mended_escape, part) for part in parts[1::2]]
    return b"".join(parts)


def _mended_token(match: re.Match[bytes]) -> bytes:
    token = match[0]
    if token.endswith((b"N", b"y")):
        return b'"%b"' % token
    if isfinite(float(token)):
        return token
    if token.removeprefix(b"-").isdigit():
        return b'"%b"' % token
    return b'"-Infinity"' if token.startswith(b"-") else b'"Infinity"'


def _mended_escape(match: re.Match[bytes]) -> bytes:
    return match[0] if match[1] is None else _REPLACEMENT

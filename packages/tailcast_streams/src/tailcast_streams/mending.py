"""What Python writes and strict readers refuse, mended where it stands.

Pure. One scan that knows strings from what is between them. A token that is mended
becomes a string (or U+FFFD within one); every other byte stays: digits, repeated keys,
white space. Whether a text is JSON otherwise is not asked here.
"""

import re
from math import isfinite


# Splits what is between strings from the strings.
_STRING = re.compile(rb'("(?:[^"\\]++|\\.)*+")', re.DOTALL)
# What is between strings has nothing to mend if it is shorter and has none of these.
_SUSPICIOUS = re.compile(rb"[NI]|[eE][+0-9]")
_HUGE_DIGITS = 309
# A constant of Python's, or a number.
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
    """JSON as Python reads it, in UTF-8, as JSON that every reader takes.

    `NaN`, `Infinity` and `-Infinity` become strings. So do numbers that no double
    holds, since most readers refuse a whole message for one: a whole number becomes
    the string of its digits, another one `"Infinity"` or `"-Infinity"`, which is what
    it would be read as. Half a pair of surrogates, which UTF-8 cannot hold, becomes
    U+FFFD.
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

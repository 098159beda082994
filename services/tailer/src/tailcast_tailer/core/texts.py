"""Paths as people and clients see them. Pure."""


def as_text(path: str) -> str:
    r"""The path as text that can be encoded: a byte that is no UTF-8 as `\xNN`."""
    data = path.encode(errors="surrogateescape")
    return data.decode(errors="backslashreplace")

"""Paths as people and clients see them. Pure."""


def as_text(path: str) -> str:
    r"""The path as text that can be encoded: a byte that is no UTF-8 as `\xNN`."""
    if path.isascii():
        return path
    data = path.encode(errors="surrogateescape")
    return data.decode(errors="backslashreplace")


def as_stored(path: str) -> str:
    r"""The path as it stands in the state of a session: such a byte as `\udcNN`."""
    if path.isascii():
        return path
    return path.encode(errors="backslashreplace").decode()

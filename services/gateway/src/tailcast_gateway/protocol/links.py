"""Where over HTTP what was too long for a message is to be had, whole.

Pure. Addresses are relative to that of the stream whose message names them, so that
they hold below whatever path a proxy serves the gateway.
"""

from urllib.parse import quote, urlencode

from tailcast_streams.position import Cursor


def record_link(session: str, cursor: Cursor) -> str:
    """One record or emergency; of `!emergencies` one that came as a whole file."""
    query = {"sessionId": session, "cursor": str(cursor)}
    return f"../api/record?{urlencode(query, quote_via=quote, safe='')}"


def session_link(session: str) -> str:
    """The latest of a session."""
    return f"../api/snapshot?sessionId={quote(session, safe='')}"

"""Links to records and snapshots that are too long for a message; HTTP serves them.

Pure. The links are relative to the address of the stream. So they are right below any
path at which a proxy serves the gateway.
"""

from urllib.parse import quote, urlencode

from tailcast_streams.position import Cursor


def record_link(session: str, cursor: Cursor) -> str:
    """The link to one record or emergency; in `!emergencies` to a whole-file one."""
    query = {"sessionId": session, "cursor": str(cursor)}
    return f"../api/record?{urlencode(query, quote_via=quote, safe='')}"


def session_link(session: str) -> str:
    """The link to a session's snapshot."""
    return f"../api/snapshot?sessionId={quote(session, safe='')}"

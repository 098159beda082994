"""Print each record of a session once, in order, whatever restarts in between.

python follow.py ws://localhost:5000/ws/telemetry session_001
"""

import json
import random
import sys
import time
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.sync.client import connect


STOP = {4400, 4401, 4409}  # Tailcast's own "do not come back"; all else means: do
LOOPBACK = {"localhost", "127.0.0.1", "::1"}  # where no proxy has any business


def follow(url, session):
    """Connect again and again, each time from the cursor that was reached."""
    proxy = None if urlsplit(url).hostname in LOOPBACK else True
    cursor = None  # after the last record that was printed
    failures = 0  # connections in a row that brought no message
    while True:
        told = None  # how many milliseconds the server wants us to stay away
        try:
            with connect(url, proxy=proxy) as socket:
                socket.send(subscribe(session, cursor))
                while True:
                    message = json.loads(socket.recv())
                    failures = 0  # an open socket proves nothing, a message does
                    cursor = take(message, cursor)
                    if message.get("close") in STOP:
                        sys.exit("told to stay away")
                    told = message.get("reconnectAfterMs", told)
                    if "retryAfterMs" in message:
                        told = message["retryAfterMs"]
                        break
        except (OSError, WebSocketException) as error:
            print(error, file=sys.stderr)
            closed = error.rcvd if isinstance(error, ConnectionClosed) else None
            if closed and closed.code in STOP:
                sys.exit("told to stay away")
        time.sleep(backoff(failures) if told is None else told / 1000)
        failures += 1


def subscribe(session, cursor):
    """Ask for what comes after the cursor, or for all there is without one."""
    start = {"cursor": cursor} if cursor else "start"
    return json.dumps({"type": "subscribe", "sessionId": session, "from": start})


def take(message, cursor):
    """Print the records that are new; the cursor after them."""
    match message:
        case {"type": "telemetry", "cursor": reached, "data": records}:
            pass
        case {"type": "emergency", "cursor": reached, "data": record}:
            records = [record]
        case {"type": "gap", "to": reached} | {"type": "rewind", "cursor": reached}:
            # Some records are gone for good, or the file began anew: go on from there.
            print(json.dumps(message), file=sys.stderr)
            return reached
        case {"type": "error"}:
            print(json.dumps(message), file=sys.stderr)
            return cursor
        case _:
            return cursor
    if cursor and place(reached) <= place(cursor):
        return cursor  # a repetition
    for record in records:
        print(json.dumps(record), flush=True)
    return reached


def place(cursor):
    """What orders cursors: their first two numbers."""
    generation, offset, _ = cursor.split("-")
    return int(generation), int(offset)


def backoff(failures):
    """Seconds: at random, so that clients do not come together, and ever longer."""
    return random.uniform(0.5, min(20, 2 ** min(failures, 5)))


follow(*sys.argv[1:])

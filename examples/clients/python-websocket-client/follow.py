"""Print each record of a session once, in order, whatever restarts in between.

python follow.py ws://localhost:5000/ws/telemetry session_001
"""

import json
import os
import random
import sys
import time

import websocket


STOP = {4400, 4401, 4409}  # Tailcast's own "do not come back"; all else means: do


def follow(url, session):
    """Connect again and again, each time from the cursor that was reached."""
    cursor = None  # after the last record that was printed
    failures = 0  # connections in a row that brought no message
    while True:
        told = None  # how many milliseconds the server wants us to stay away
        try:
            # The server pings every 30 s: twice as long without a byte, and it is gone.
            socket = websocket.create_connection(url, timeout=60)
            try:
                socket.send(subscribe(session, cursor))
                while True:
                    # Not `recv`: it gives an empty text for a close, without its code.
                    kind, data = socket.recv_data()
                    if kind == websocket.ABNF.OPCODE_CLOSE:
                        code = int.from_bytes(data[:2])
                        print("closed with", code, file=sys.stderr)
                        if code in STOP:
                            sys.exit("told to stay away")
                        break
                    message = json.loads(data)
                    failures = 0  # an open socket proves nothing, a message does
                    cursor = take(message, cursor)
                    if message.get("close") in STOP:
                        sys.exit("told to stay away")
                    told = message.get("reconnectAfterMs", told)
                    if "retryAfterMs" in message:
                        told = message["retryAfterMs"]
                        break
            finally:
                socket.close()
        except (OSError, websocket.WebSocketException) as error:
            print(error, file=sys.stderr)
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


# It would ask a proxy of the environment even for this machine itself.
excepted = os.environ.get("no_proxy", os.environ.get("NO_PROXY", ""))
os.environ["no_proxy"] = f"localhost,127.0.0.1,::1,{excepted}"
follow(*sys.argv[1:])

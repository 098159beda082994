"""An image's health check: exit code 0 if the service in this container is ready.

`python -IS is_ready.py VARIABLE` asks /readyz at the port that VARIABLE names and
prints the answer, which `docker inspect` then shows. Sockets only: it runs every few
seconds, and an HTTP library would cost more than the idle service does.
"""

import os
import socket
import sys


TIMEOUT_SECONDS = 3.0
REQUEST = b"GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n"


def main(variable: str) -> int:
    """Ask once."""
    port = int(os.environ[variable])
    try:
        with socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS) as peer:
            peer.sendall(REQUEST)
            answer = b"".join(iter(lambda: peer.recv(4096), b""))
    except OSError as error:
        print(f"port {port}: {error}")  # noqa: T201  # for `docker inspect`
        return 1
    head, _, body = answer.partition(b"\r\n\r\n")
    print(body.decode(errors="replace").strip())  # noqa: T201  # as above
    return 0 if head.split(b" ", 2)[1:2] == [b"200"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

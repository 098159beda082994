"""An issuer of tokens on this machine, which tells its public keys (a JWKS)."""

import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm


def jwk_of(key: Any, kid: str, **more: Any) -> dict[str, Any]:
    """A public key as an issuer tells it."""
    kinds: dict[type, Any] = {
        rsa.RSAPrivateKey: RSAAlgorithm,
        ec.EllipticCurvePrivateKey: ECAlgorithm,
        ed25519.Ed25519PrivateKey: OKPAlgorithm,
    }
    (algorithm,) = (one for kind, one in kinds.items() if isinstance(key, kind))
    return {**json.loads(algorithm.to_jwk(key.public_key())), "kid": kid, **more}


class Issuer:
    """Answers with what it is told to."""

    def __init__(self) -> None:
        self.status = 200
        self.body: Any = {"keys": []}
        self.location = ""
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = json.dumps(issuer.body).encode()
                self.send_response(issuer.status)
                if issuer.location:
                    self.send_header("location", issuer.location)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # its name
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/keys"

    def stop(self) -> None:
        """Be away from now on, as one that has ended."""
        self.server.shutdown()
        self.server.server_close()


@contextmanager
def issuing() -> Generator[Issuer]:
    """An issuer, until the context ends."""
    made = Issuer()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        made.stop()
        thread.join()

"""`tailcast sessions` prints what a gateway answers."""

import http.server
import json
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

import pytest

from tailcast.sessions import age, print_sessions
from tailcast_service.exceptions import ServiceError


@contextmanager
def answering(status: int, body: bytes) -> Generator[str]:
    """The address of a server that answers everything so."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/api/sessions" else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # theirs
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_this_machine_is_asked_without_a_proxy(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the environment names: on clusters most name one and except nothing."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with answering(200, b'{"sessions":[]}') as url:
        print_sessions(url)
        print_sessions(url.replace("127.0.0.1", "localhost"))
    assert capsys.readouterr().out == "no sessions yet\n" * 2


def test_a_gateway_that_wants_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    """It says which setting has it, and whether that one counts."""
    with answering(401, b"{}") as url:
        with pytest.raises(ServiceError, match="set TAILCAST_TOKEN"):
            print_sessions(url)
        monkeypatch.setenv("TAILCAST_TOKEN", "x" * 32)
        with pytest.raises(ServiceError, match="does not count") as told:
            print_sessions(url)
    assert "xxx" not in str(told.value)


def test_sessions_are_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    """What a session does not have is a dash; other fields do not matter."""
    sessions = [
        {
            "sessionId": "run/a",
            "status": "running",
            "records": 12,
            "firstStep": 1,
            "lastStep": 1200,
            "lastActivity": int((time.time() - 7300) * 1000),
            "oldest": "1-0",
            "head": None,
            "rejected": 0,
        },
        {"sessionId": "b", "status": "ended", "records": 0, "lastStep": None},
    ]
    with answering(200, json.dumps({"sessions": sessions}).encode()) as url:
        print_sessions(url)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [
        ["SESSION", "STATUS", "RECORDS", "LAST", "STEP", "AGE"],
        ["run/a", "running", "12", "1200", "2h"],
        ["b", "ended", "0", "-", "-"],
    ]


def test_no_sessions_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    """An empty table would look like a fault."""
    with answering(200, b'{"sessions":[]}') as url:
        print_sessions(url)
    assert capsys.readouterr().out == "no sessions yet\n"


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [(500, b"", "answered 500"), (200, b"<html>", "is not Tailcast's")],
)
def test_something_else_at_the_address_is_told(
    status: int, body: bytes, message: str
) -> None:
    """Another server on the port is named as that."""
    with (
        answering(status, body) as url,
        pytest.raises(ServiceError, match=message),
    ):
        print_sessions(url)


@pytest.mark.parametrize("url", ["foo", "ftp://x", "http://[", "http://x:port"])
def test_an_address_that_is_none_is_told(url: str) -> None:
    """The option is named."""
    with pytest.raises(ServiceError, match="--url"):
        print_sessions(url)


@pytest.mark.parametrize(
    ("activity_ms", "shown"),
    [
        (None, "-"),
        (1_000_000 - 500, "0s"),
        (1_000_000 + 500, "0s"),
        (1_000_000 - 61_000, "1m"),
        (1_000_000 - 990_000, "16m"),
    ],
)
def test_ages_are_in_their_largest_unit(activity_ms: int | None, shown: str) -> None:
    """Whole ones; a clock that is ahead makes no negative age."""
    assert age(activity_ms, 1000.0) == shown

"""Our lines and those of libraries come out of one renderer."""

import io
import json
import logging
import os
import secrets
from collections.abc import Iterator

import pytest
import structlog

from tailcast_service.logs import configure_logging


@pytest.fixture(autouse=True)
def leave_logging_as_it_was() -> Iterator[None]:
    """The root logger is shared with pytest, and structlog with the other tests."""
    root, configuration = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.configure(**configuration)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """As it says."""
        return True


def test_lines_are_json_where_nobody_reads_along() -> None:
    """Each line is one object, whoever logged it."""
    stream = io.StringIO()
    configure_logging(level="info", log_format="auto", service="s", stream=stream)
    structlog.get_logger().info("connected", clients=3)
    logging.getLogger("uvicorn.error").warning("port %d", 5000)
    ours, theirs = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert ours["event"] == "connected"
    assert ours["clients"] == 3
    assert theirs["event"] == "port 5000"
    assert (ours["service"], theirs["level"]) == ("s", "warning")


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_names_that_are_no_utf_8_are_shown_escaped(log_format: str) -> None:
    """Each line can be encoded, and read, whatever is in it."""
    stream = io.StringIO()
    configure_logging(level="info", log_format=log_format, service="s", stream=stream)
    path, half = os.fsdecode(b"/caf\xe9.log"), "\ud800"
    structlog.get_logger().info("seen", path=path, roots=[path, 1], half=half)
    logging.getLogger("library").warning("opening %s", path)
    told = stream.getvalue()
    assert told.encode()
    if log_format == "json":
        ours, theirs = [json.loads(line) for line in told.splitlines()]
        assert ours["path"] == r"/caf\xe9.log"
        assert ours["roots"] == [r"/caf\xe9.log", 1]
        assert ours["half"] == r"\ud800"
        assert theirs["event"] == r"opening /caf\xe9.log"


def test_lines_are_readable_on_a_terminal() -> None:
    """On a terminal the same line is text."""
    stream = Terminal()
    configure_logging(level="info", log_format="auto", service="s", stream=stream)
    structlog.get_logger().info("connected", clients=3)
    assert "connected" in stream.getvalue()
    assert "clients=3" in stream.getvalue()
    assert not stream.getvalue().startswith("{")


def test_what_a_library_says_again_and_again_fills_no_log(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is told once a minute, with how often it came; all else is told each time."""
    now = 1_000.0
    monkeypatch.setattr("tailcast_service.logs.time.monotonic", lambda: now)
    stream = io.StringIO()
    configure_logging(level="info", log_format="json", service="s", stream=stream)
    library = logging.getLogger("uvicorn.error")
    for _ in range(3):
        library.warning("Invalid HTTP request received.")
        library.error("failed", exc_info=ValueError("again"))
        structlog.get_logger().warning("ours")
    now += 60.0
    library.warning("Invalid HTTP request received.")
    told = [json.loads(line)["event"] for line in stream.getvalue().splitlines()]
    assert told == [
        "Invalid HTTP request received.", *(["failed", "ours"] * 3),
        "Invalid HTTP request received. (3 times)",
    ]  # fmt: skip  # one glance


def test_the_level_holds_for_all() -> None:
    """Below the level nothing is written, and chatty libraries need a warning."""
    stream = io.StringIO()
    configure_logging(level="warning", log_format="json", service="s", stream=stream)
    structlog.get_logger().info("quiet")
    logging.getLogger("httpx").info("quiet")
    assert stream.getvalue() == ""


def test_an_exception_stays_on_its_line() -> None:
    """A traceback is part of the object, not lines after it."""
    stream = io.StringIO()
    configure_logging(level="info", log_format="json", service="s", stream=stream)
    try:
        int("odd")
    except ValueError:
        structlog.get_logger().exception("failed")
    (line,) = stream.getvalue().splitlines()
    assert json.loads(line)["exception"][0]["exc_type"] == "ValueError"


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_a_traceback_says_where_and_no_values(log_format: str) -> None:
    """A password in a variable stays there; whoever logs, and below other frames."""
    stream = io.StringIO()
    configure_logging(level="debug", log_format=log_format, service="s", stream=stream)

    def connect(password: str) -> None:
        url = f"redis://:{password}@broker"
        raise ConnectionError(f"no answer in {len(url)} s")

    password = secrets.token_hex(8)
    try:
        connect(password)
    except ConnectionError as error:
        structlog.get_logger().exception("ours failed")
        structlog.get_logger().debug("where", exc_info=error)
        logging.getLogger("uvicorn.error").exception("theirs failed")
    text = stream.getvalue()
    assert text.count("ConnectionError") >= 3
    assert text.count("in connect") + text.count('"name": "connect"') == 3
    assert password not in text

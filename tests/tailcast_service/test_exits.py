"""A command ends with a code and at most one line on stderr."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from tailcast_service.exceptions import ServiceError, SettingsError
from tailcast_service.exits import run_as_command
from tests.patience import PATIENCE_SECONDS


SIGNALS = (signal.SIGINT, signal.SIGTERM)


@pytest.fixture(autouse=True)
def leave_signals_as_they_were() -> Iterator[None]:
    """What ends a command is not what ends the tests."""
    before = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def raising(error: BaseException) -> Callable[[], None]:
    """A command that ends with that error."""

    def command() -> None:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ServiceError("the port\nis taken"), 1, "tailcast: the port is taken\n"),
        (SettingsError("no such name"), 2, "tailcast: no such name\n"),
        (ExceptionGroup("tasks", [ServiceError("one")]), 1, "tailcast: one\n"),
        (SettingsError(), 2, ""),
        (KeyboardInterrupt(), 0, ""),
    ],
)
def test_errors_become_a_line_and_a_code(
    error: BaseException, code: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is meant for people is said, once; what a child said is not repeated."""
    assert run_as_command(raising(error)) == code
    assert capsys.readouterr().err == line


def test_a_defect_shows_no_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is one line too; whoever looks for it asks for more by the log level."""
    monkeypatch.delenv("TAILCAST_LOG_LEVEL", raising=False)
    assert run_as_command(raising(ExceptionGroup("tasks", [KeyError("x")]))) == 1
    assert capsys.readouterr().err.count("\n") == 1
    monkeypatch.setenv("TAILCAST_LOG_LEVEL", "debug")
    assert run_as_command(raising(KeyError("x"))) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_commands_own_code_is_kept() -> None:
    """None is 0."""
    assert run_as_command(lambda: 3) == 3
    assert run_as_command(lambda: None) == 0


COMMAND = """
import sys, time
from tailcast_service.exits import run_as_command
def command():
    print("running", flush=True)
    # A signal that comes right before a sleep is seen after it.
    while True:
        time.sleep(0.01)
sys.exit(run_as_command(command))
"""


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_it_with_0(number: signal.Signals) -> None:
    """Ctrl-C and a supervisor's SIGTERM are no failures, and nothing is said."""
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"running\n"
        process.send_signal(number)
        assert process.communicate(timeout=PATIENCE_SECONDS) == (b"", b"")
        assert process.returncode == 0


FINALIZER = """
import signal, sys, time
from tailcast_service.exits import run_as_command
class Thing:
    def __del__(self):
        signal.raise_signal(int(sys.argv[1]))
def command():
    Thing()
    time.sleep(60)
    return 1
sys.exit(run_as_command(command))
"""


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_it_where_exceptions_are_passed_over(
    number: signal.Signals,
) -> None:
    """In a finalizer, such as imports call in great number."""
    command = [sys.executable, "-c", FINALIZER, str(int(number))]
    ended = subprocess.run(
        command, capture_output=True, check=False, timeout=PATIENCE_SECONDS
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"", b"")


def test_a_reader_that_left_is_no_traceback() -> None:
    """`tailcast … | head` ends in silence."""
    command = (
        "import sys; from tailcast_service.exits import run_as_command\n"
        "sys.exit(run_as_command(lambda: [print('x' * 80) for _ in range(100000)]"
        " and None))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", command], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr is not None
        assert process.stderr.read() == b""

"""A service that is told to end ends once, in its own time, whenever it is told."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.brokers import free_port
from tests.patience import PATIENCE_SECONDS


PROGRAM = """
import asyncio, sys
from tailcast_service.exits import run_as_command
from tailcast_service.signals import until_signalled
async def service():
    print("running", flush=True)
    try:
        await asyncio.Event().wait()
    finally:
        print("ending", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        print("cleaned up", flush=True)
def command():
    asyncio.run(until_signalled(service(), end_seconds=float(sys.argv[1])))
sys.exit(run_as_command(command))
"""


def start(
    end_seconds: float,
    *signals: signal.Signals,
    program: str = PROGRAM,
) -> "subprocess.Popen[bytes]":
    """Such a service, which ends when it may write a line, and has been told to."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(end_seconds)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip  # the command is one line
    assert process.stdout is not None
    assert process.stdout.readline() == b"running\n"
    for number in signals or (signal.SIGTERM,):
        process.send_signal(number)
    assert process.stdout.readline() == b"ending\n"
    return process


def test_another_signal_does_not_cut_off_what_is_cleaned_up() -> None:
    """Neither a second SIGTERM nor Ctrl-C."""
    with start(60.0) as process:
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)
        assert process.communicate(b"go on\n", timeout=PATIENCE_SECONDS) == (
            b"cleaned up\n",
            b"",
        )
        assert process.returncode == 0


def test_a_terminal_that_is_closed_ends_a_service_in_order() -> None:
    """SIGHUP is as good as SIGTERM; as a second signal it changes nothing either."""
    with start(60.0, signal.SIGHUP) as process:
        process.send_signal(signal.SIGHUP)
        told = process.communicate(b"go on\n", timeout=PATIENCE_SECONDS)
        assert told == (b"cleaned up\n", b"")
        assert process.returncode == 0


def test_whoever_is_to_outlive_its_terminal_does() -> None:
    """As under `nohup`: SIGHUP is ignored, and SIGTERM ends it."""
    code = f"import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN){PROGRAM}"
    with start(60.0, signal.SIGHUP, signal.SIGTERM, program=code) as process:
        told = process.communicate(b"go on\n", timeout=PATIENCE_SECONDS)
        assert told == (b"cleaned up\n", b"")


def test_what_does_not_end_is_left() -> None:
    """After the time that it has, whatever hangs."""
    with start(0.2) as process:
        assert process.wait(PATIENCE_SECONDS) == 0
        assert process.communicate() == (b"", b"")


def takes_signals(process: int) -> bool:
    """Whether SIGTERM does not kill a process any more."""
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGTERM - 1) & 1)


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc what is caught")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("command", ["tailer", "gateway", "up"])
async def test_a_command_that_is_told_to_end_while_it_starts_ends_with_0(
    command: str, number: signal.Signals, tmp_path: Path
) -> None:
    """Whatever it is at: reading its arguments, imports, or its first connection."""
    # Nothing is wrong: what cannot start ends with a code that says so.
    environment = {
        "PYTHONPATH": ":".join(sys.path),
        "TAILCAST_PORT": str(free_port()),
        "TAILCAST_REDIS_URL": f"redis://127.0.0.1:{free_port()}",
    }
    for delay in (0.0, 0.1, 0.3, 0.6):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-P", "-m", "tailcast", command,
            env=environment, cwd=tmp_path,
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip  # the command is one line
        while not takes_signals(process.pid):
            await asyncio.sleep(0.001)
        await asyncio.sleep(delay)
        process.send_signal(number)
        async with asyncio.timeout(PATIENCE_SECONDS):
            _, stderr = await process.communicate()
        assert process.returncode == 0, stderr.decode()
        assert b"Traceback" not in stderr

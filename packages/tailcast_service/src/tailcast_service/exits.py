"""The way out of a command: an exit code, and at most one line on stderr.

0 fine, also when a person or a supervisor ended it (SIGINT, SIGTERM); 1 failed; 2 wrong
usage or settings. No traceback reaches a person, unless `TAILCAST_LOG_LEVEL=debug`.
"""

import os
import signal
import sys
import traceback
from collections.abc import Callable
from types import FrameType
from typing import cast

from tailcast_service.exceptions import ServiceError


__all__ = ["run_as_command"]

FINE = 0
FAILED = 1


def run_as_command(command: Callable[[], int | None]) -> int:
    """Run the command; its exit code, with what went wrong said on stderr.

    SIGTERM ends it like Ctrl-C, unless the command handles that itself.
    """
    signal.signal(signal.SIGTERM, interrupt)
    try:
        return command() or FINE
    except KeyboardInterrupt:
        return FINE
    except BrokenPipeError:
        # Whoever read our output (`| head`) has gone: nothing is left to say to them,
        # and the interpreter must not try once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:  # noqa: BLE001  # the outermost door: all ends here
        return say(error)


def interrupt(_number: int, _frame: FrameType | None) -> None:
    """End the command as Ctrl-C would."""
    raise KeyboardInterrupt


def say(error: BaseException) -> int:
    """One line on stderr for the error; its exit code."""
    cause = meant_for_people(error)
    if cause is not None:
        if not str(cause):
            return cause.exit_code  # said elsewhere, by a child process
        print(f"tailcast: {one_line(str(cause))}", file=sys.stderr)  # noqa: T201  # the door
        return cause.exit_code
    if os.environ.get("TAILCAST_LOG_LEVEL", "").lower() == "debug":
        traceback.print_exception(error)
    text = one_line(f"{type(error).__name__}: {error}")
    hint = "TAILCAST_LOG_LEVEL=debug shows where"
    print(f"tailcast: a defect in Tailcast: {text} ({hint})", file=sys.stderr)  # noqa: T201  # the door
    return FAILED


def meant_for_people(error: BaseException) -> ServiceError | None:
    """The error itself, or the first of ours in the group that a task group raised."""
    if isinstance(error, ServiceError):
        return error
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        found = (meant_for_people(inner) for inner in group.exceptions)
        return next((inner for inner in found if inner is not None), None)
    return None


def one_line(text: str) -> str:
    """The text without line breaks."""
    return " ".join(text.split())

"""How a command ends: with an exit code, and at most one line on stderr.

The exit code is 0 for success, also if a person or a supervisor ended the command
(SIGINT, SIGTERM); 1 for a failure; 2 for wrong usage or settings. A traceback is only
shown with `TAILCAST_LOG_LEVEL=debug`.
"""

import os
import signal
import sys
import traceback
from collections.abc import Callable
from types import FrameType
from typing import NoReturn, cast

from tailcast_service.exceptions import ServiceError


__all__ = ["run_as_command", "take_signals"]

FINE = 0
FAILED = 1


def run_as_command(command: Callable[[], int | None]) -> int:
    """Run a command; returns its exit code, and prints an error on stderr.

    SIGTERM ends it like Ctrl-C, unless the command handles signals itself.
    """
    take_signals()
    try:
        return command() or FINE
    except KeyboardInterrupt:
        return FINE
    except BrokenPipeError:
        # The reader of our output (as in `| head`) has gone. Replace stdout, so that
        # the interpreter does not try to flush it once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:  # noqa: BLE001  # all errors of a command end here
        return say(error)


def take_signals() -> None:
    """Let SIGTERM and Ctrl-C end this process with 0; call it as early as possible."""
    # A shell that starts us in the background makes us ignore Ctrl-C; leave that so.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, leave)
    # Last: whoever sees that we catch this one may send either.
    signal.signal(signal.SIGTERM, leave)


def leave(_number: int, _frame: FrameType | None) -> NoReturn:
    """End the process at once; a command that must clean up handles signals itself.

    Raising an exception would not do: inside a finalizer, as imports run many, it would
    be ignored, and the command would go on.
    """
    os._exit(FINE)


def say(error: BaseException) -> int:
    """Print one line for an error on stderr; returns its exit code."""
    cause = meant_for_people(error)
    if cause is not None:
        if not str(cause):
            return cause.exit_code  # a child process has printed it
        print(f"tailcast: {one_line(str(cause))}", file=sys.stderr)  # noqa: T201  # the door
        return cause.exit_code
    if os.environ.get("TAILCAST_LOG_LEVEL", "").lower() == "debug":
        traceback.print_exception(error)
    text = one_line(f"{type(error).__name__}: {error}")
    hint = "TAILCAST_LOG_LEVEL=debug shows where"
    print(f"tailcast: a defect in Tailcast: {text} ({hint})", file=sys.stderr)  # noqa: T201  # the door
    return FAILED


def meant_for_people(error: BaseException) -> ServiceError | None:
    """The error if it is a ServiceError, or the first one in an exception group."""
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

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
from typing import NoReturn, cast

from tailcast_service.exceptions import ServiceError


__all__ = ["run_as_command", "take_signals"]

FINE = 0
FAILED = 1


def run_as_command(command: Callable[[], int | None]) -> int:
    """Run the command; its exit code, with what went wrong said on stderr.

    SIGTERM ends it like Ctrl-C, unless the command handles that itself.
    """
    take_signals()
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


def take_signals() -> None:
    """From now on SIGTERM and Ctrl-C end this process with 0; as early as can be."""
    signal.signal(signal.SIGTERM, leave)
    # Who starts us in the background may have Ctrl-C ignored: that stays so.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, leave)


def leave(_number: int, _frame: FrameType | None) -> NoReturn:
    """End the process where it is: whoever has something to clean up takes signals.

    No exception: raised inside a finalizer it would be passed over, as in those that
    imports are full of, and the command would go on as if nothing had come.
    """
    os._exit(FINE)


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

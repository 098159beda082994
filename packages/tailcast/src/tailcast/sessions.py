"""`tailcast sessions`: the sessions of a gateway, as a table."""

import time
from http import HTTPStatus
from typing import Final

import httpx
import msgspec

from tailcast.settings import CommandSettings
from tailcast_service.exceptions import ServiceError


__all__ = ["print_sessions"]

TIMEOUT_SECONDS = 10.0
HEADINGS = ("SESSION", "STATUS", "RECORDS", "LAST STEP", "AGE")
# A proxy that the environment names is on another machine than these.
WITHOUT_PROXY: Final[dict[str, httpx.BaseTransport | None]] = {
    f"all://{host}": None for host in ("localhost", "127.0.0.1", "[::1]")
}
NOTHING = "-"
NEEDS_TOKEN = "set TAILCAST_TOKEN, or TAILCAST_TOKEN_FILE, to a token that may read"  # noqa: S105  # a hint
AGE_UNITS = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))


class Session(msgspec.Struct, rename="camel", frozen=True):
    """What the table needs of one session, as the API gives it."""

    session_id: str
    status: str = NOTHING
    records: int | None = None
    last_step: int | float | None = None
    # When its file last grew, Unix milliseconds.
    last_activity: int | None = None


class Answer(msgspec.Struct, frozen=True):
    """The answer of `/api/sessions`."""

    sessions: list[Session]


def print_sessions(url: str) -> None:
    """Print the table; ServiceError if the gateway does not answer."""
    now_seconds = time.time()
    sessions = ask(url, CommandSettings.load().token)
    if not sessions:
        print("no sessions yet")  # noqa: T201  # the command's answer
        return
    rows = [HEADINGS, *(row(session, now_seconds) for session in sessions)]
    widths = [max(len(cells[i]) for cells in rows) for i in range(len(HEADINGS))]
    for cells in rows:
        line = "  ".join(map(str.ljust, cells, widths)).rstrip()
        print(line)  # noqa: T201  # the command's answer


def ask(url: str, token: str = "") -> list[Session]:
    """The sessions that the gateway at this address has."""
    address = f"{url.rstrip('/')}/api/sessions"
    try:
        headers = {"authorization": f"Bearer {token}"} if token else None
        with httpx.Client(timeout=TIMEOUT_SECONDS, mounts=WITHOUT_PROXY) as client:
            answer = client.get(address, headers=headers)
        if answer.status_code == HTTPStatus.UNAUTHORIZED:
            known = "TAILCAST_TOKEN does not count there" if token else NEEDS_TOKEN
            raise ServiceError(f"{url}: {known}")
        answer.raise_for_status()
        return msgspec.json.decode(answer.content, type=Answer).sessions
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise ServiceError(f"--url {url}: write it as http://host:port") from error
    except httpx.HTTPStatusError as error:
        status = error.response.status_code
        raise ServiceError(f"{address} answered {status}: is it Tailcast?") from error
    except httpx.HTTPError as error:
        raise ServiceError(
            f"no gateway answers at {url}: start one with `tailcast up`, or name"
            " another with --url"
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ServiceError(f"{address} is not Tailcast's: check --url") from error


def row(session: Session, now_seconds: float) -> tuple[str, str, str, str, str]:
    """The cells of one session."""
    return (
        session.session_id,
        session.status,
        NOTHING if session.records is None else str(session.records),
        NOTHING if session.last_step is None else f"{session.last_step:.15g}",
        age(session.last_activity, now_seconds),
    )


def age(activity_ms: int | None, now_seconds: float) -> str:
    """How long ago that was, in its largest unit."""
    if activity_ms is None:
        return NOTHING
    seconds = now_seconds - activity_ms / 1_000
    for size, unit in AGE_UNITS:
        if seconds >= size:
            return f"{int(seconds // size)}{unit}"
    return "0s"

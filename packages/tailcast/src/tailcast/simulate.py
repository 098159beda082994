"""`tailcast simulate`: session files as a training job writes them.

A line is one write, as with a logger that flushes; an emergency is a line among the
others, and a document of its own beside them.
"""

import json
import math
import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from tailcast.settings import CommandSettings
from tailcast_service.exceptions import ServiceError


__all__ = ["simulate_sessions"]

KAPPA_FIXED_POINT = 64.0
PHI_THRESHOLD = 0.70


@dataclass(frozen=True, slots=True)
class Writer:
    """One session that is being written."""

    session: str
    file: BinaryIO
    chance: random.Random


def simulate_sessions(
    *,
    log_dir: str | None,
    sessions: int,
    rate: float,
    steps: int | None,
    emergency_at: int | None,
) -> None:
    """Write `sessions` new files at `rate` records a second each; `steps` None: no end.

    Raises ServiceError if the directory cannot be written.
    """
    directory = Path(CommandSettings.load(log_dir=log_dir).log_dir)
    try:
        (directory / "telemetry").mkdir(parents=True, exist_ok=True)
        (directory / "emergency").mkdir(parents=True, exist_ok=True)
        writers = [open_session(directory, number) for number in range(sessions)]
        for writer in writers:
            print(f"writing {writer.file.name}", flush=True)  # noqa: T201  # the answer
        write_steps(writers, directory, rate, steps, emergency_at)
    except OSError as error:
        raise ServiceError(
            f"{error.filename or directory}: {error.strerror}"
        ) from error


def open_session(directory: Path, number: int) -> Writer:
    """A new file with the first name of today that is free."""
    day = datetime.now(UTC).strftime("%Y%m%d")
    free = 1
    while True:
        session = f"session_{day}_{free:03d}"
        try:
            file = (directory / "telemetry" / f"{session}.jsonl").open(
                "xb", buffering=0
            )
        except FileExistsError:
            free += 1
        else:
            return Writer(session, file, random.Random(number))  # noqa: S311  # curves


def write_steps(
    writers: list[Writer],
    directory: Path,
    rate: float,
    steps: int | None,
    emergency_at: int | None,
) -> None:
    """Write step after step to all, at the rate."""
    started = time.monotonic()
    step = 0
    while steps is None or step < steps:
        step += 1
        for writer in writers:
            record = make_record(step, writer.chance)
            write_line(writer.file, record)
            if step == emergency_at:
                emergency = make_emergency(record)
                write_line(writer.file, emergency)
                write_document(directory, writer.session, emergency)
        delay = started + step / rate - time.monotonic()
        if delay > 0:
            time.sleep(delay)


def make_record(step: int, chance: random.Random) -> dict[str, object]:
    """A record of plausible curves: phi rises and saturates, the rest follows it."""
    progress = 1 - math.exp(-step / 400)
    phi = min(max(0.25 + 0.5 * progress + chance.gauss(0, 0.02), 0.0), 1.0)
    breakdown = max(0.0, (phi - 0.8) * 100 + chance.gauss(0, 0.5))
    return {
        "timestamp": now(),
        "step": step,
        "telemetry": {
            "phi": round(phi, 4),
            "kappa_eff": round(
                KAPPA_FIXED_POINT * (0.6 + 0.4 * progress) + chance.gauss(0, 0.8), 2
            ),
            "regime": name_regime(phi),
            "basin_distance": round(0.6 * (1 - progress) + chance.random() * 0.05, 4),
            "recursion_depth": 3 + int(4 * progress + chance.random()),
            "breakdown_pct": round(breakdown, 2),
            "coherence_drift": round(abs(chance.gauss(0.05, 0.02)), 4),
            "emergency": False,
        },
    }


def name_regime(phi: float) -> str:
    """The regime that goes with phi."""
    if phi < 0.45:  # noqa: PLR2004  # a curve's corner
        return "linear"
    return "geometric" if phi < 0.8 else "breakdown"  # noqa: PLR2004  # as above


def make_emergency(record: dict[str, object]) -> dict[str, object]:
    """The emergency that follows on that record."""
    return {
        "timestamp": now(),
        "step": record["step"],
        "emergency": {
            "reason": "phi collapsed",
            "severity": "critical",
            "metric": "phi",
            "value": 0.31,
            "threshold": PHI_THRESHOLD,
        },
        "telemetry": record["telemetry"],
    }


def write_line(file: BinaryIO, record: dict[str, object]) -> None:
    """The record and its newline, in one write."""
    file.write(json.dumps(record).encode() + b"\n")


def write_document(directory: Path, session: str, emergency: dict[str, object]) -> None:
    """The emergency as a file of its own, with the session's name in it."""
    path = directory / "emergency" / f"{session}_step_{emergency['step']}.json"
    document = {"session_id": session, **emergency}
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def now() -> str:
    """The time as the records have it: UTC, milliseconds."""
    moment = datetime.now(UTC).isoformat(timespec="milliseconds")
    return moment.replace("+00:00", "Z")

"""`python -m benchmarks.accidents`: who survives what happens to files.

Plays the rows of `tests/accidents` that can be played to anybody to Tailcast, rsyslog,
syslog-ng and the OpenTelemetry Collector's file consumer, and prints a table. Some
three minutes for each round; `--only NAME` plays single rows, `--json FILE` keeps what
was wrong in each.
"""

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from benchmarks.accidents import installation, others
from benchmarks.accidents.installation import Installed, Missing
from tailcast_service.build import read_build
from tailcast_service.logs import configure_logging
from tests.accidents.followers import (
    Follower,
    ProcessFollower,
    ThreadFollower,
    Way,
)
from tests.accidents.rotations import find_program
from tests.accidents.stage import TELEMETRY, NotTold, Pace, Stage
from tests.accidents.table import TABLE, Accident
from tests.brokers import make_broker


GROUPS = ("contents", "last_lines", "names", "restarts", "rewrites", "rotations")
PACE = Pace(patience_seconds=15.0, quiet_seconds=2.0, goes_on_seconds=5.0)
LONG_PACE = PACE._replace(patience_seconds=60.0)
# Rows that are played at the same time: nearly all that they do is wait.
AT_ONCE = 20

Make = Callable[[Accident, Path], Follower]


class Outcome(NamedTuple):
    """What came of one row, once."""

    # Empty: it was survived.
    faults: list[str]
    # Lines that are missing, as their readers were told.
    said_missing: int = 0


# By row, each round.
Outcomes = dict[str, list[Outcome]]


class Contender(NamedTuple):
    """Somebody who follows files."""

    name: str
    make: Make
    way: Way = Way.LOG_DIR


def main() -> None:
    """Play, and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accidents")
    parser.add_argument("--only", action="append", metavar="ROW", help="single rows")
    parser.add_argument("--who", default="", help="those whose names begin so")
    parser.add_argument("--rounds", type=int, default=2, help="each row so often")
    parser.add_argument("--json", type=Path, metavar="FILE", help="what was wrong")
    arguments = parser.parse_args()
    configure_logging(level="error", log_format="text", service="tailer")
    for group in GROUPS:
        import_module(f"tests.accidents.{group}")
    rows = [
        row
        for row in TABLE.values()
        if row.is_for_all and row.name in (arguments.only or TABLE)
    ]
    if missing := {row.needs for row in rows if row.needs and not _has(row)}:
        print(f"some are not played: no {', '.join(missing)} here", file=sys.stderr)
        rows = [row for row in rows if _has(row)]
    with make_broker("valkey") as broker:
        found = {
            contender.name: _play_all(rows, contender, arguments.rounds)
            for contender in _contenders(broker.url)
            if contender.name.startswith(arguments.who)
        }
    print(_table(rows, found))
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=1))


def _has(row: Accident) -> bool:
    return not row.needs or find_program(row.needs) is not None


def _contenders(url: str) -> list[Contender]:
    """All that can be had here."""
    version = read_build().version
    found = [
        Contender(f"Tailcast {version} {way}", partial(_tailcast, url), way)
        for way in Way
    ]
    named = (
        ("rsyslog", installation.rsyslog, others.run_rsyslog),
        ("syslog-ng", installation.syslog_ng, others.run_syslog_ng),
        ("OpenTelemetry", installation.fileconsumer, others.run_fileconsumer),
    )
    for name, install, command in named:
        try:
            installed = install()
        except Missing as error:
            print(f"{name} is left out: {error}", file=sys.stderr)
        else:
            make = partial(_other, installed, command)
            found.append(Contender(f"{name} {installed.version}", make))
    return found


def _tailcast(url: str, row: Accident, own: Path) -> Follower:
    kind = ProcessFollower if row.kills else ThreadFollower
    return kind(url, str(own).replace("/", "-"))


def _other(
    installed: Installed, command: others.Command, _row: Accident, own: Path
) -> Follower:
    return others.LineFollower(installed, command, own)


def _play_all(rows: Sequence[Accident], contender: Contender, rounds: int) -> Outcomes:
    """What came of each row."""
    found: Outcomes = {row.name: [] for row in rows}
    for _ in range(rounds):
        with ThreadPoolExecutor(AT_ONCE) as threads:
            outcomes = threads.map(partial(_play, contender=contender), rows)
            for row, outcome in zip(rows, outcomes, strict=True):
                found[row.name].append(outcome)
        print(f"{contender.name}: played", file=sys.stderr)
    return found


def _play(row: Accident, contender: Contender) -> Outcome:
    with TemporaryDirectory(prefix="accident-") as directory:
        base = Path(directory)
        for name in (f"logs/{TELEMETRY}", "beside", "own"):
            (base / name).mkdir(parents=True)
        follower = contender.make(row, base / "own")
        pace = LONG_PACE if row.is_long else PACE
        stage = Stage(base / "logs", contender.way, follower, pace=pace)
        try:
            stage.start()
            row.play(stage)
            return Outcome([str(one) for one in stage.verdict()], stage.said_missing())
        except NotTold as error:
            return Outcome([str(error)])
        finally:
            follower.close()


def _table(rows: Sequence[Accident], found: dict[str, Outcomes]) -> str:
    """In Markdown."""
    lines = [
        "| accident | " + " | ".join(found) + " |",
        "|---|" + "---|" * len(found),
    ]
    for row in rows:
        cells = [_cell(outcomes[row.name]) for outcomes in found.values()]
        lines.append(f"| {row.name} | " + " | ".join(cells) + " |")
    survived = [
        f"**{sum(map(_is_survived, outcomes.values()))} of {len(rows)}**"
        for outcomes in found.values()
    ]
    lines.append("| **survived** | " + " | ".join(survived) + " |")
    return "\n".join(lines)


def _is_survived(rounds: Sequence[Outcome]) -> bool:
    return not any(one.faults for one in rounds)


def _cell(rounds: Sequence[Outcome]) -> str:
    """What happened, those of several rounds that differ beside each other."""
    return " / ".join(dict.fromkeys(map(_short, rounds)))


def _short(outcome: Outcome) -> str:
    if not outcome.faults:
        return f"ok, {outcome.said_missing} told" if outcome.said_missing else "ok"
    counts: Counter[str] = Counter()
    for fault in outcome.faults:
        for kind, text in re.findall(r"(lost|twice|cut|order): (\d+)?", fault):
            counts[kind] += int(text or 1)
    if counts["twice"]:
        # It follows from it.
        del counts["order"]
    return ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items()))


if __name__ == "__main__":
    main()

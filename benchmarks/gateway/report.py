"""Figures as tables: medians, what lies around them, and ratios within a round."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from benchmarks.gateway.contenders import KINDS
from benchmarks.processes import spread


Row = Mapping[str, Any]

YARDSTICK = "C"
OURS = "gateway"

_COLUMNS = {
    "handshakes": {
        "cpu_ms": "CPU ms a handshake", "rss_kb": "RSS kB",
        "subscribed_cpu_ms": "CPU ms, subscription too",
        "returned_cpu_ms": "CPU ms, from a cursor",
        "returned_to_many_cpu_ms": "CPU ms, from 100 cursors",
        "end_cpu_ms": "CPU ms an end",
        "per_second": "handshakes/s",
    },
    "recovery": {
        "seconds": "s until all are served again",
        "start_seconds": "s until it listens",
        "cpu_seconds": "CPU s of the server until then",
    },
    "storm": {
        "live_p99_ms": "p99 ms of a live record", "live_max_ms": "at most",
        "health_max_ms": "health ms at most", "per_second": "handshakes/s",
    },
    "replay": {
        "records_per_core_second": "records/s per core",
        "records_per_second": "records/s", "broker_us": "broker's CPU µs/record",
    },
}  # fmt: skip  # a table


def show_deliveries(rows: Sequence[Row], clients: int) -> None:
    """Everything that so many clients had."""
    here = [row for row in rows if row.get("clients") == clients]
    delivered = [row for row in here if row["part"] == "deliver"]
    for load in dict.fromkeys(row["load"] for row in delivered):
        some = [row for row in here if row["load"] == load]
        print(f"\n{clients} clients, {load}; CPU µs of the server per delivered record")
        print(f"  {'':<12}{'CPU µs':>20} {'÷ C':>18} {'÷ gateway':>18}"
              f" {'p50 ms':>7} {'p99 ms':>20} {'broker':>7} {'relay':>6}"
              f" {'rec/frame':>9}")  # fmt: skip  # a table's head
        for name in names(some):
            print(_delivery_line(some, name), flush=True)
    some = [row for row in here if row["part"] == "saturate"]
    if some:
        print(f"\n{clients} clients, as fast as records can be appended; records/s")
        print(f"  {'':<12}{'delivered/s':>26} {'per core of CPU':>28}"
              f" {'rec/frame':>9} {'server, clients busy':>21}")  # fmt: skip
    for name in names(some):
        own = [row for row in some if row["contender"] == name]
        per_core = [1e6 / row["cpu_us"] for row in own]
        busy = [middle(own, key) for key in ("server_busy", "clients_busy")]
        print(f"  {name:<12}{spread(column(own, 'records_per_second'), 0):>26}"
              f" {spread(per_core, 0):>28} {middle(own, 'records_per_frame'):>9.1f}"
              f" {busy[0]:>12.0%} {busy[1]:>8.0%}{_late(own)}",
              flush=True)  # fmt: skip  # a table's line


def _delivery_line(rows: Sequence[Row], name: str) -> str:
    own = [row for row in rows if row["contender"] == name]
    return (
        f"  {name:<12}{spread(column(own, 'cpu_us')):>20}"
        f" {spread(ratios(rows, name, YARDSTICK, 'cpu_us')):>18}"
        f" {spread(ratios(rows, name, OURS, 'cpu_us')):>18}"
        f" {middle(own, 'p50_ms'):>7.2f} {spread(column(own, 'p99_ms'), 1):>20}"
        f" {middle(own, 'broker_us'):>7.2f} {middle(own, 'relay_us'):>6.2f}"
        f" {middle(own, 'records_per_frame'):>9.1f}{_late(own)}"
    )


def show_part(rows: Sequence[Row], part: str) -> None:
    """One of the parts that have no clients in common."""
    some = [row for row in rows if row["part"] == part]
    print(f"\n{part}")
    for name in names(some):
        own = [row for row in some if row["contender"] == name]
        for key, words in _COLUMNS[part].items():
            if key not in own[0]:
                continue
            digits = 0 if middle(own, key) >= 100 else 2
            print(f"  {name:<12}{words:<30}{spread(column(own, key), digits):>28}"
                  f" {spread(ratios(some, name, OURS, key)):>18} ÷ {OURS}",
                  flush=True)  # fmt: skip  # a table's line


def names(rows: Iterable[Row]) -> list[str]:
    """Contenders, in the order in which they are named."""
    there = {row["contender"] for row in rows}
    return [kind.name for kind in KINDS if kind.name in there]


def column(rows: Iterable[Row], key: str) -> list[float]:
    """One figure, round by round."""
    return [row[key] for row in sorted(rows, key=lambda row: row["round"])]


def middle(rows: Sequence[Row], key: str) -> float:
    """The median, the upper one of two."""
    return sorted(column(rows, key))[len(rows) // 2]


def ratios(rows: Sequence[Row], name: str, to: str, key: str) -> list[float]:
    """One contender's figure by another's of the same round."""
    own, other = (
        {row["round"]: row[key] for row in rows if row["contender"] == one}
        for one in (name, to)
    )
    return [own[at] / other[at] for at in sorted(own) if other.get(at)]


def _late(rows: Sequence[Row]) -> str:
    late = sum(row["late"] for row in rows)
    return f"  late {late:,}" if late else ""

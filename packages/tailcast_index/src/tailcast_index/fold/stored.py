"""How the figures of a run are stored: the fields of its index, and back.

Each field is short text, mostly JSON, so that `redis-cli` shows it. A field is left out
while there is nothing to say.
"""

from collections.abc import Collection, Mapping
from typing import Any, Final, TypeVar
from zlib import crc32

import msgspec

from tailcast_index.fold.falls import Falls, Rewind
from tailcast_index.fold.figures import LeftOut
from tailcast_index.fold.pace import Samples
from tailcast_index.fold.places import PlaceMarks
from tailcast_index.fold.run import MAX_LATEST_BYTES, Run
from tailcast_index.fold.spark import Spark
from tailcast_index.fold.summary import Gap, News, UnreadKey
from tailcast_index.meaning import RULES_VERSION, Choice, Rules
from tailcast_streams.exceptions import InvalidPosition
from tailcast_streams.indexes import StoredIndex
from tailcast_streams.position import BEFORE_ALL, Cursor, EntryID


_T = TypeVar("_T")

# The field that says how records are read, and those that have news.
CHOICE_FIELD: Final = "choice"
NEWS_FIELDS: Final = (CHOICE_FIELD, "newest", "rewinds")

# Where neither settings nor a total were said.
_NOTHING_SAID: Final = (BEFORE_ALL, BEFORE_ALL)

_encode: Final = msgspec.json.encode
_decode: Final = msgspec.json.decode


def at_text(incarnation: str, cursor: Cursor, rules: Rules) -> str:
    """Up to where an index is true: `INCARNATION GEN-OFFSET DIGEST RULES`."""
    return f"{incarnation} {cursor.id} {cursor.digest:08x} {rules_text(rules)}"


def rules_text(rules: Rules) -> str:
    """The version of the rules and a digest of the keys that settings give."""
    return f"{RULES_VERSION}.{crc32(_encode(rules)):08x}"


def parse_at(at: str) -> tuple[str, Cursor, str]:
    """The incarnation, the cursor and the rules of an `at`. Raises ValueError."""
    incarnation, id, digest, rules = at.split(" ")
    return incarnation, Cursor(EntryID.parse(id), int(digest, 16)), rules


def fields_of(run: Run) -> dict[str, bytes]:
    """The fields of a run, without the records that are kept besides their entries."""
    falls, left_out = run.falls, run.figures.left_out
    rewinds = [[str(id), *rest] for id, *rest in falls.rewinds]
    gaps = [[str(gap.after), str(gap.to), gap.reason] for gap in run.gaps]
    emergency_ids = [str(id) for id in run.emergency_ids]
    said = run.config_at, run.total_at
    fields = {
        "records": run.records,
        "steps": _some(run.first_step, run.last_step, run.highest_step),
        "times": _some(run.first_time, run.last_time, run.highest_time),
        "before": _some(_text(run.before_steps), _text(run.before_times)),
        "total_steps": run.total_steps,
        "said": None if said == _NOTHING_SAID else [*map(str, said)],
        "approximate": _text(run.approximate_to),
        "spark": run.spark.dump(run.figures),
        "spark_latest": run.spark.dump_latest(run.figures),
        "activity": [run.written_ms, run.arrived_ms],
        "pace": run.by_time.dump(),
        "arrivals": run.by_arrival.dump(),
        "emergencies": run.emergencies and [run.emergencies, emergency_ids],
        "rewinds": falls.count and [falls.count, rewinds],
        "gaps": run.gap_count and [run.gap_count, gaps],
        "unread": run.unread and [run.unread_others, run.unread],
        "left_out": left_out.values,
        "left_out_names": left_out.names,
        "newest": len(run.figures) and [len(run.figures), tuple(run.figures.newest)],
        "choice": run.choice,
        "lanes": falls.dump(),
        "kinds": falls.dump_kinds(),
        "marks": [run.places.due_records, run.places.due_offset],
        "ends": [str(run.first_end), str(run.last_end)],
    }
    found = {name: _encode(value) for name, value in fields.items() if value}
    if run.config or run.config_left_out:
        found["config"] = run.config
        found["config_left_out"] = b"%d" % run.config_left_out
    if run.records:
        found["latest_id"] = str(run.latest_id).encode()
    return found


def records_of(run: Run) -> dict[str, bytes]:
    """The records that are kept besides their entries, each behind its ID."""
    found: dict[str, bytes] = {}
    if run.records:
        found["latest"] = _entry(run.latest_id, run.latest)
    if run.emergency_ids:
        found["latest_emergency"] = _entry(run.emergency_ids[-1], run.latest_emergency)
    return found


def load_run(
    stored: Mapping[str, bytes],
    metrics: Mapping[str, bytes],
    rules: Rules,
    *,
    only: Collection[str] | None = None,
) -> Run:
    """A run as it was stored. Raises ValueError and the like."""
    fields: dict[str, Any] = {
        name: _decode(text) for name, text in stored.items() if name in _JSON
    }
    run = Run(rules, msgspec.convert(fields["choice"], Choice), only=only)
    run.records = fields.get("records", 0)
    none = (None, None, None)
    run.first_step, run.last_step, run.highest_step = fields.get("steps", none)
    run.first_time, run.last_time, run.highest_time = fields.get("times", none)
    run.before_steps, run.before_times = map(_id, fields.get("before", none[:2]))
    run.total_steps = fields.get("total_steps")
    run.config = stored.get("config", b"")
    run.config_left_out = fields.get("config_left_out", 0)
    run.config_at, run.total_at = map(_end, fields.get("said", (0, 0)))
    run.approximate_to = _id(fields.get("approximate"))
    run.written_ms, run.arrived_ms = fields["activity"]
    run.by_time = Samples.load(fields.get("pace", ()))
    run.by_arrival = Samples.load(fields.get("arrivals", ()))
    run.emergencies, emergency_ids = fields.get("emergencies", (0, ()))
    run.emergency_ids.extend(map(EntryID.parse, emergency_ids))
    if run.records:
        run.latest_id = EntryID.parse(stored["latest_id"].decode())
        run.latest = _record(run.latest_id, stored.get("latest", b""))
    if run.emergency_ids:
        run.latest_emergency = _record(
            run.emergency_ids[-1], stored.get("latest_emergency", b"")
        )
    count, rewinds = _rewinds(fields.get("rewinds", (0, ())))
    lanes, kinds = fields.get("lanes", ()), fields.get("kinds", ())
    run.falls = Falls.load(lanes, kinds, count, rewinds)
    run.gap_count, gaps = fields.get("gaps", (0, ()))
    run.gaps.extend(
        Gap(EntryID.parse(after), EntryID.parse(to), reason)
        for after, to, reason in gaps
    )
    run.unread_others, unread = fields.get("unread", (0, {}))
    run.unread = {key: UnreadKey(*value) for key, value in unread.items()}
    names = tuple(fields.get("left_out_names", ()))
    left_out = LeftOut(fields.get("left_out", 0), names)
    _, newest = fields.get("newest", (0, ()))
    run.figures.load(metrics, left_out, newest)
    run.spark = Spark.load(
        fields.get("spark", ()),
        fields.get("spark_latest", ()),
        run.figures,
        records=run.records,
    )
    due_records, due_offset, *ends = fields["marks"]
    run.places = PlaceMarks(due_records, due_offset)
    run.first_end, run.last_end = map(_end, ends or fields["ends"])
    return run


# The fields that are JSON.
_JSON: Final = frozenset(
    {
        "activity",
        "approximate",
        "arrivals",
        "before",
        "choice",
        "config_left_out",
        "emergencies",
        "ends",
        "gaps",
        "kinds",
        "lanes",
        "left_out",
        "left_out_names",
        "marks",
        "newest",
        "pace",
        "records",
        "rewinds",
        "said",
        "spark",
        "spark_latest",
        "steps",
        "times",
        "total_steps",
        "unread",
    }
)


def read_news(stored: StoredIndex) -> News | None:
    """The news of an index of which `NEWS_FIELDS` were read; None if there is none."""
    try:
        incarnation, cursor, _ = parse_at(stored.at)
        fields = {name: _decode(text) for name, text in stored.fields.items()}
        metrics, newest = fields.get("newest", (0, ()))
        _, rewinds = _rewinds(fields.get("rewinds", (0, ())))
        choice = msgspec.convert(fields.get("choice"), Choice | None)
        return News(
            incarnation, cursor.id, tuple(rewinds), metrics, tuple(newest),
            # One that has found nothing was made before the first record, mostly.
            None if choice == Choice() else choice,
        )  # fmt: skip  # one glance
    except (ValueError, TypeError, InvalidPosition):
        # There is no index, or somebody wrote it by hand.
        return None


def count_metrics(stored: StoredIndex) -> int:
    """How many metrics an index has; 0 if that is not stored."""
    news = read_news(StoredIndex(stored.at, _only(stored.fields, "newest")))
    return 0 if news is None else news.metrics


def _only(fields: Mapping[str, bytes], name: str) -> dict[str, bytes]:
    return {name: fields[name]} if name in fields else {}


def _rewinds(stored: Any) -> tuple[int, list[Rewind]]:
    count, rewinds = stored
    return count, [Rewind(EntryID.parse(id), *rest) for id, *rest in rewinds]


def _entry(id: EntryID, record: bytes) -> bytes:
    """An ID, a space, and the record; one that is too long is left in its entry."""
    if len(record) > MAX_LATEST_BYTES:
        record = b""
    return b"%b %b" % (str(id).encode(), record)


def _record(id: EntryID, text: bytes) -> bytes:
    """The record of an entry; b"" if another one is stored."""
    known, _, record = text.partition(b" ")
    return record if known == str(id).encode() else b""


def _some(*values: _T) -> tuple[_T, ...] | None:
    return None if all(value is None for value in values) else values


def _text(id: EntryID | None) -> str | None:
    return None if id is None else str(id)


def _end(stored: str | int) -> EntryID:
    """Where a line ends; earlier versions stored its offset alone."""
    if isinstance(stored, int):
        return EntryID(1, stored) if stored else BEFORE_ALL
    return EntryID.parse(stored)


def _id(text: str | None) -> EntryID | None:
    return None if text is None else EntryID.parse(text)

"""docs/meaning.md says what the rules do: each example and each row is read by them."""

from datetime import UTC, datetime
from itertools import pairwise

import msgspec
import pytest

from tailcast_index.meaning import Choice, Chooser, Point, Reader, Rules, finder
from tailcast_index.meaning.names import (
    ENVELOPES,
    EPOCH_TOTALS,
    LANE_KEYS,
    MODE_KEYS,
    MORE_STEP_KEYS,
    MORE_TIME_KEYS,
    NAME_KEYS,
    NEVER_INSIDE,
    NEVER_METRICS,
    STEP_TOTALS,
    VALUE_KEYS,
)
from tailcast_index.meaning.order import MIXED_FALLS, MIXED_RECORDS
from tailcast_streams.defaults import STEP_KEYS, TIME_KEYS
from tailcast_streams.metrics import NON_FINITE
from tailcast_streams.record import Record, parse_record
from tests.docs.pages import CODE, code_blocks, read_page, rows, section


PAGE = read_page("docs/meaning.md")
RULES = Rules(STEP_KEYS, TIME_KEYS)
# A day after the times of the page.
NOW_MS = 1_795_694_400_000
EXAMPLES = [block.text for block in code_blocks(PAGE, "text")]


def fields_of(text: str) -> dict[str, object]:
    """The fields of a line, as they come from the broker."""
    record = parse_record(text.encode())
    assert isinstance(record, Record)
    return msgspec.json.decode(record.data, type=dict[str, object])


def points_of(lines: list[str]) -> tuple[Choice, list[Point]]:
    """What the lines of a file say."""
    records = [fields_of(line) for line in lines]
    chooser = Chooser(RULES)
    for record in records:
        chooser.look(record)
    reader = Reader(RULES, chooser.choice)
    return chooser.choice, [reader.read(one, now_ms=NOW_MS) for one in records]


def in_words(point: Point) -> str:
    """As the page says it."""
    parts: list[str] = []
    if point.step is not None:
        of = "" if point.total_steps is None else f" of {point.total_steps}"
        parts.append(f"step {point.step}{of}")
    if point.time_ms is not None:
        parts.append(f"time {time_in_words(point.time_ms)}")
    if point.lane:
        parts.append(f"run {point.lane}")
    parts += [f"unread {one.key}" for one in point.unread]
    parts += [f"{name} {value}" for name, value in point.values]
    return " · ".join(parts)


def time_in_words(time_ms: int) -> str:
    """A time of the page, all of which are in UTC."""
    return (
        datetime.fromtimestamp(time_ms / 1_000, UTC).isoformat().removesuffix("+00:00")
    )


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_each_example_means_what_the_page_says(example: str) -> None:
    """Line by line; each is a file of its own."""
    lines, meant = zip(
        *(line.split(" → ") for line in example.splitlines()), strict=True
    )
    _, points = points_of([*lines])
    assert [*map(in_words, points)] == [*meant]


def values_in(title: str) -> list[tuple[str, str]]:
    """The values of a section's table, each with what the page says of it."""
    return [
        (value, meant)
        for values, meant in rows(section(PAGE, title))
        for value in CODE.findall(values)
    ]


@pytest.mark.parametrize(("value", "meant"), values_in("Steps"), ids=repr)
def test_each_shape_of_a_step_is_read(value: str, meant: str) -> None:
    """As the table says."""
    _, [point] = points_of([f'{{"step":{value}}}'])
    assert ("none" if point.step is None else str(point.step)) == meant


@pytest.mark.parametrize(("value", "meant"), values_in("Times"), ids=repr)
def test_each_shape_of_a_time_is_read(value: str, meant: str) -> None:
    """As the table says."""
    _, [point] = points_of([f'{{"timestamp":{value}}}'])
    time_ms = point.time_ms
    assert ("none" if time_ms is None else time_in_words(time_ms)) == meant


@pytest.mark.parametrize(("value", "meant"), values_in("Metrics"), ids=repr)
def test_each_shape_of_a_metric_is_read(value: str, meant: str) -> None:
    """As the table says."""
    _, [point] = points_of([f'{{"loss":{value}}}'])
    assert point.values == ([] if meant == "none" else [("loss", number_of(meant))])


def number_of(text: str) -> float | str:
    """A number as the page has it; a text where it is not finite."""
    return text if text in NON_FINITE else float(text)


@pytest.mark.parametrize(
    ("title", "names"),
    [
        ("One key for a session", sorted(NEVER_INSIDE)),
        ("Steps", [*STEP_KEYS, *MORE_STEP_KEYS]),
        ("Times", [*TIME_KEYS, *MORE_TIME_KEYS]),
        ("Evaluations", MODE_KEYS),
        ("Several runs in one file", LANE_KEYS),
        ("Metrics", sorted(NEVER_METRICS)),
        ("Envelopes", [".".join(path) for path in ENVELOPES]),
        ("A metric a line", [*NAME_KEYS, *VALUE_KEYS]),
        ("Progress", [*STEP_TOTALS, *EPOCH_TOTALS]),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_each_name_of_a_list_is_on_the_page(title: str, names: list[str]) -> None:
    """In the order of the list where it ranks."""
    said = CODE.findall(section(PAGE, title))
    assert {*names} <= {*said}
    if title in {"Steps", "Times", "Several runs in one file"}:
        places = [said.index(name) for name in names]
        assert all(before < after for before, after in pairwise(places))


def test_what_is_no_metric_by_itself_is_had_by_its_name() -> None:
    """As the page says below its list."""
    record = fields_of(
        '{"step":1,"pid":7,"_seq":3,"config":{"lr":0.1},"t_at":1795608000}'
    )
    names = ("step", "pid", "_seq", "config.lr", "t_at")
    assert [finder(Choice(), name)(record) for name in names] == [
        *(1, 7, 3, 0.1, 1_795_608_000),
    ]


def test_null_is_told_for_the_index_to_count() -> None:
    """It counts where the same key was a number."""
    _, points = points_of(['{"loss":0.5}', '{"loss":null}', '{"loss":"null"}'])
    assert [point.nulls for point in points] == [[], ["loss"], ["loss"]]


def test_mixed_runs_have_no_step() -> None:
    """By the numbers that the page names."""
    text = section(PAGE, "Several runs in one file")
    assert f"at least {MIXED_FALLS} times and more than once in {MIXED_RECORDS}" in (
        " ".join(text.split())
    )
    lines = [f'{{"step":{step}}}' for _ in range(MIXED_FALLS + 1) for step in (1, 2)]
    choice, points = points_of(lines)
    assert choice.is_interleaved
    assert {point.step for point in points} == {None}
    few, points = points_of(lines[: 2 * MIXED_FALLS])
    assert not few.is_interleaved
    assert points[-1].step == 2


def test_a_leap_after_which_the_step_falls_back_is_an_evaluation() -> None:
    """The page's last sentence on them."""
    train = [f'{{"step":{step},"loss":1}}' for step in range(0, 100, 10)]
    later = [f'{{"step":{step},"loss":1}}' for step in range(100, 120, 10)]
    _, points = points_of([*train, '{"step":5000,"acc":0.5}', *later])
    assert points[10].step is None
    assert points[11].step == 100


def test_loguru_s_records_are_read_as_the_page_says() -> None:
    """Its time, and what was bound; no other number."""
    choice, [point] = points_of(
        [
            (
                '{"text":"x","record":{"extra":{"loss":0.5},"line":7,"process":{"id":3},'
                '"time":{"timestamp":1795608000.0}}}'
            )
        ]
    )
    assert choice.time_key == "record.time.timestamp"
    assert point.values == [("loss", 0.5)]

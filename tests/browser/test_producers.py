"""Files as training libraries write them: how far each is, along what, with what.

What lines mean is told in `tests/tailcast_index/meaning/producers.py`; here is what a
person sees of it.
"""

import json
import math
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import quote

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Looker
from tests.browser.looking import Look
from tests.browser.running import Running, running
from tests.e2e.command import tailcast_up
from tests.tailcast_index.meaning.producers import PRODUCERS


SAMPLES = Path(__file__).parent.parent / "samples"
# What rows say: the step, with all steps where the run says how many, and the main
# metric with its latest value.
ROWS = {
    "detectron2/metrics.json": ("39", "loss", "1.28"),
    "fairseq2/train": ("100", "NLL Loss", "2.31"),
    "jsonlines/metrics": ("2", "loss", "Infinity"),
    "llamafactory/trainer_log": ("20/300", "loss", "NaN"),
    "mmengine/20261123_052000/vis_data/scalars.json": ("50", "loss", "1.92"),
    "ms_swift/logging": ("5/250", "loss", "2.1"),
    "ray_tune/trial_0001/result.json": ("3", "loss", "0.3333"),
    "stable_baselines3/progress.json": ("8\u202f192", "train/loss", "0.125"),
    "structlog/session": ("2", "loss", "NaN"),
    "torchtitan/training.global_rank_0.20261123-052000-AB12CD": (
        "5",
        "fwd_bwd_end",
        "12.5",
    ),
}
NAN, INF = math.nan, math.inf
Points = list[tuple[float, float]]


class Shown(NamedTuple):
    """What the page shows of a producer's file."""

    # In the list: as in `ROWS`.
    step: str
    metric: str
    value: str
    # The curves, point by point, in the order of the axis.
    curves: dict[str, Points]
    config: Mapping[str, str] = MappingProxyType({})
    # What is said beneath the curves, beside the values that are no finite numbers.
    note: str = ""


SHOWN = {
    "stable_baselines3": Shown(
        "8\u202f192",
        "train/loss",
        "0.125",
        {
            "train/loss": [(4096, 0.25), (6144, NAN), (8192, 0.125)],
            "train/approx_kl": [(4096, 0.01), (6144, 0.01), (8192, INF)],
            "rollout/ep_rew_mean": [(2048, 21), (4096, 22), (6144, 23), (8192, 24)],
        },
    ),
    "structlog": Shown("2", "loss", "NaN", {"loss": [(0, 1), (1, 0.5), (2, NAN)]}),
    "jsonlines": Shown(
        "2", "loss", "Infinity", {"loss": [(0, 0.5), (1, 0.5), (2, INF)]}
    ),
    "detectron2": Shown("39", "loss", "1.28", {"loss": [(19, 1.92), (39, 1.28)]}),
    "fairseq2": Shown("100", "NLL Loss", "2.31", {"NLL Loss": [(100, 2.31)]}),
    "llamafactory": Shown(
        "20/300",
        "loss",
        "NaN",
        {"loss": [(10, 1.93), (20, NAN)], "eval_loss": [(20, 1.7)]},
    ),
    "ms_swift": Shown("5/250", "loss", "2.1", {"loss": [(5, 2.1)]}),
    "mlexperimenttracker": Shown("20", "loss", "1.2", {"loss": [(0, 1.9), (20, 1.2)]}),
    "fairseq": Shown(
        "300",
        "loss",
        "NaN",
        {
            "loss": [(100, 8.7), (200, 8.4), (300, NAN)],
            "lr": [(100, 3e-5), (200, 3e-5), (300, 2e-5)],
        },
    ),
    "metric_names": Shown(
        "1",
        "val loss",
        "1",
        {
            "arc/acc,none": [(1, 0.31)],
            "val loss": [(1, 1)],
            "a.b": [(1, 2)],
            "损失": [(1, 0.5)],
            "100%": [(1, 1)],
            "x&y=z": [(1, 4)],
            "": [(1, 5)],
        },
    ),
    "ray_tune": Shown(
        "3",
        "loss",
        "0.3333",
        {"loss": [(1, 1), (2, NAN), (3, 1 / 3)], "acc": [(1, 0.5), (2, 0.5), (3, 0.5)]},
        config={"lr": "0.001", "bs": "32"},
    ),
    "settings_first": Shown(
        "2/4",
        "loss",
        "0.3333",
        {"loss": [(0, 1), (1, 0.5), (2, 1 / 3)]},
        config={"step": "7", "timestamp": "1600000000", "max_steps": "4"},
    ),
    "runboard": Shown(
        "10", "loss", "1.1", {"loss": [(0, 1.9), (0, 1.5), (10, 1.4), (10, 1.1)]}
    ),
    "spectria": Shown(
        "1",
        "loss",
        "NaN",
        {"loss": [(0, 1.92), (1, NAN)], "val.acc": [(0, 0.5), (1, 0.6)]},
        config={"lr": "0.001", "opt.name": "adam"},
    ),
    "lossline": Shown("1", "loss", "NaN", {"loss": [(0, 0.9), (1, NAN)]}),
    "swanlab": Shown("1", "data", "NaN", {"data": [(0, 0.9), (1, NAN)]}),
    "brooklet": Shown("1", "loss", "0.5", {"loss": [(1, 0.5)]}),
    "python_json_logger": Shown("5", "loss", "0.5", {"loss": [(5, 0.5)]}),
    "loguru": Shown(
        "10",
        "loss",
        "0.09091",
        {"loss": [(0, 1), (10, 1 / 11)], "tokens": [(0, 4096), (10, 4096)]},
    ),
    "dalva": Shown(
        "10", "loss", "1.4", {"loss": [(0, 1.92), (10, 1.4)]}, config={"lr": "0.001"}
    ),
    "runicorn": Shown(
        "10",
        "loss",
        "1.4",
        {"loss": [(0, 1.9), (10, 1.4)], "val.acc": [(0, 0.5), (10, 0.6)]},
    ),
    "trackio": Shown("3", "loss", "0.5", {"loss": [(3, 0.5)], "val.acc": [(3, 0.5)]}),
    "verl": Shown("2", "actor/loss", "0.4", {"actor/loss": [(1, 0.5), (2, 0.4)]}),
    "comet": Shown(
        "1",
        "loss",
        "0.5",
        {"loss": [(1, 0.5)], "acc": [(1, 0.7)]},
    ),
    "mlparty": Shown(
        "10", "loss", "NaN", {"loss": [(0, 1.9), (10, NAN)], "lr": [(0, 0.001)]}
    ),
    "torchtitan": Shown("5", "fwd_bwd_end", "12.5", {"fwd_bwd_end": [(5, 12.5)]}),
    "optuna": Shown(
        "2",
        "intermediate_value",
        "0.3",
        {"intermediate_value": [(0, 0.5), (0, 0.9), (1, 0.4), (2, 0.3)]},
    ),
    "mmengine": Shown(
        "50",
        "loss",
        "1.92",
        {
            "loss": [(50, 1.92)],
            "time": [(50, 0.254), (50, 0.05)],
            "coco/bbox_mAP": [(50, 0.31)],
        },
    ),
    "mmengine_validation": Shown(
        "300",
        "loss",
        "1",
        {
            "loss": [(step, 1) for step in range(50, 301, 50)],
            "mIoU": [(100, 30), (200, 30), (300, 30)],
        },
    ),
    "mmcv": Shown(
        "450",
        "loss",
        "0.3333",
        {
            "loss": [
                *((step, 1) for step in (50, 100, 150)),
                *((step, 1 / 2) for step in (200, 250, 300)),
                *((step, 1 / 3) for step in (350, 400, 450)),
            ],
            "mAP": [(150, 0.1), (300, 0.2), (450, 0.3)],
        },
    ),
    "dllogger": Shown(
        "6",
        "loss",
        "0.7",
        {
            "loss": [
                *((0, 2), (1, 1.9), (2, 1.8), (3, 1.7)),
                *((3, 1), (4, 0.9), (5, 0.8), (6, 0.7)),
            ],
            "total": [(6, 9)],
            "lr": [],
        },
        note="1 before the first place on the axis",
    ),
    "compact_calendar": Shown("2", "loss", "1", {"loss": [(0, 1), (1, 1), (2, 1)]}),
    "date_and_time": Shown("1", "loss", "2", {"loss": [(0, 1), (1, 2)]}),
    "steps_with_commas": Shown(
        "2\u202f000", "loss", "0.5", {"loss": [(1_000, 1), (2_000, 0.5)]}
    ),
    "other_words": Shown("1", "loss", "0.5", {"loss": [(0, 1), (1, 0.5)]}),
    "slashes": Shown("2", "rollout_id", "1", {"rollout_id": [(0, 0), (2, 1)]}),
    "resumed": Shown(
        "30",
        "loss",
        "0.03226",
        {
            "loss": [
                (step, 1 / (1 + step)) for step in sorted([*range(21), *range(11, 31)])
            ]
        },
    ),
}
# What stands above the records, and is none.
HEADERS = {"spectria": '# {"config":{"lr":0.001,"opt":{"name":"adam"}}}'}
# What stands around records: of containers, loggers, writers whose newline is first.
AROUND = {
    "docker": (
        '{{"log":"{quoted}\\n","stream":"stdout","time":"2026-11-25T12:00:0{n}Z"}}\n'
    ),
    "pods": "2026-11-25T12:00:0{n}.123456789Z stdout F {plain}\n",
    "prefixed": "2026-11-25 12:00:0{n} | INFO | train | {plain}\n",
    "newline_first": "\n{plain}",
}
# What a value that is no finite number is called.
WORDS = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}


@pytest.fixture(scope="module")
def producers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A file of each."""
    with running(tmp_path_factory.mktemp("producers")) as up:
        for name, producer in PRODUCERS.items():
            header = [HEADERS[name]] if name in HEADERS else []
            up.write_lines(name, *header, *producer.lines)
        yield up


def test_the_list_says_what_each_producer_means(tmp_path: Path, look: Looker) -> None:
    """Its step and not its epoch, how far it is, and NaN where there is one."""
    shutil.copytree(SAMPLES, tmp_path / "runs")
    with tailcast_up(tmp_path, "runs") as address:
        one = look(f"http://{address}/")
        expect(one.page.locator("[data-session]")).to_have_count(len(ROWS))
        for session, (step, metric, value) in ROWS.items():
            lists(one, session, step, metric, value)
        one.is_quiet()


def test_the_list_has_every_producer(producers: Running, look: Looker) -> None:
    """As above, of those whose shape alone is known."""
    assert SHOWN.keys() == PRODUCERS.keys()
    one = look(producers.url)
    one.page.set_viewport_size({"width": 1600, "height": 3_000})
    for session, shown in SHOWN.items():
        lists(one, session, shown.step, shown.metric, shown.value)
    one.is_quiet()


@pytest.mark.parametrize("producer", SHOWN)
def test_a_run_is_drawn_as_its_producer_means(
    producers: Running, look: Looker, producer: str
) -> None:
    """Along its step, each value once, NaN marked, with what it was started with."""
    shown = SHOWN[producer]
    metrics = quote(json.dumps(list(shown.curves)))
    one = look(producers.url, f"?session={producer}&metrics={metrics}&table=1")
    for metric, points in shown.curves.items():
        draws(one, metric, points, shown.note if not points else "")
    expect(one.page.locator(".run-note")).to_have_text([])
    step, _, total = shown.step.partition("/")
    told = f"{step} / {total}" if total else step
    head = one.page.locator(".run-head")
    expect(head.get_by_text(told, exact=True)).to_be_visible()
    expect(head.get_by_role("progressbar")).to_have_count(1 if total else 0)
    details = one.page.get_by_role("complementary", name="About this run")
    expect(details.locator("dt")).to_have_text([*shown.config])
    expect(details.locator("dd")).to_have_text([*shown.config.values()])
    one.is_quiet()


@pytest.mark.parametrize("form", AROUND)
def test_a_record_is_drawn_whatever_stands_around_it(
    up: Running, look: Looker, form: str
) -> None:
    """On lines of containers and loggers, and behind newlines."""
    points: Points = [(number, 1 / (1 + number)) for number in range(5)]
    lines = [json.dumps({"step": step, "loss": loss}) for step, loss in points]
    written = (
        AROUND[form].format(n=number, plain=line, quoted=json.dumps(line)[1:-1])
        for number, line in enumerate(lines)
    )
    (up.logs / "telemetry" / f"{form}.jsonl").write_text("".join(written))
    one = look(up.url, f"?session={form}&metrics=loss&table=1")
    draws(one, "loss", points)
    one.is_quiet()


def lists(one: Look, session: str, step: str, metric: str, value: str) -> None:
    """Until the list says so."""
    row = one.row(session)
    expect(row.locator(".cell-step")).to_have_text(step)
    expect(row.locator(".cell-metric")).to_have_text(metric)
    expect(row.locator(".cell-value")).to_have_text(value)


def draws(one: Look, metric: str, points: Points, note: str = "") -> None:
    """Until a chart has these points, in its drawing and in its table."""
    chart = one.chart(metric)
    expect(chart).to_be_attached()
    chart.scroll_into_view_if_needed()
    odd = Counter(str(y) for _, y in points if not math.isfinite(y))
    one.shows(metric, points=len(points) - odd.total())
    said = [f"{count} \u00d7 {WORDS[kind]}" for kind, count in odd.items()]
    expect(chart.locator(".chart-notes")).to_have_text(
        " \u00b7 ".join([*said, note] if note else said)
    )
    rows = chart.locator(".figures tbody tr")
    expect(rows).to_have_count(len(points))
    cells: list[list[Any]] = rows.evaluate_all(
        "(rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent))"
    )
    drawn = [(number(x), number(mean)) for x, mean, *_ in cells]
    assert drawn == [pytest.approx(point, rel=1e-3, nan_ok=True) for point in points]
    assert all(records == "1" for *_, records in cells)
    if points:
        last = float(chart.get_attribute("data-last") or "")
        assert last == pytest.approx(points[-1][1], nan_ok=True)


def number(figure: str) -> float:
    """A figure as the page writes it."""
    return float(figure.replace("\u202f", "").replace("\u2212", "-"))

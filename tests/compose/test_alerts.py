"""Each fault of the table in docs/operations.md raises its alerts, and no others.

On the real stack, with the real rules: only their times are shorter, so that nobody
waits a minute for what has lasted seconds.
"""

import re
from collections.abc import Callable, Iterator

import pytest

from tests.checker.compose_stack import ROOT, ComposeStack
from tests.compose.alert_watch import Watch
from tests.compose.faults import FAULTS
from tests.docs.pages import read_page, rows, section


# How often Prometheus looks here, how long a fault has to last, and what counts as
# lately; in alerts.yml that is half a minute and more, and minutes to an hour.
LOOK_SECONDS = 1
LASTS_SECONDS = 5
LATELY_SECONDS = 15
OVERRIDE = """
services:
  prometheus:
    volumes:
      - {folder}/prometheus.yml:/etc/prometheus/prometheus.yml:ro
      - {folder}/alerts.yml:/etc/prometheus/alerts.yml:ro
"""


@pytest.fixture(scope="module")
def watch(
    make_stack: Callable[[], ComposeStack], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Watch]:
    """Prometheus with shorter times, beside a stack of these tests' own.

    What faults leave behind, such as what a full broker owes, is nobody else's.
    """
    folder = tmp_path_factory.mktemp("rules")
    folder.chmod(0o755)
    rules = (ROOT / "deploy/alerts.yml").read_text()
    rules = re.sub(r"\bfor: \w+", f"for: {LASTS_SECONDS}s", rules)
    rules = re.sub(r"\[(5m|10m|1h)\]", f"[{LATELY_SECONDS}s]", rules)
    rules = re.sub(r"\boffset \w+", f"offset {LATELY_SECONDS}s", rules)
    (folder / "alerts.yml").write_text(rules)
    config = (ROOT / "deploy/prometheus.yml").read_text()
    (folder / "prometheus.yml").write_text(
        re.sub(r": [45]s\b", f": {LOOK_SECONDS}s", config)
    )
    (folder / "override.yml").write_text(OVERRIDE.format(folder=folder))
    for file in folder.iterdir():
        file.chmod(0o644)
    files = ("-f", "docker-compose.yml", "-f", str(folder / "override.yml"))
    monitoring = (*files, "--profile", "monitoring")
    stack = make_stack()
    stack.compose(
        *monitoring, "up", "--detach", "--no-recreate", "--wait", "prometheus"
    )
    try:
        yield Watch(stack)
    finally:
        stack.stop()


def table() -> dict[str, set[str]]:
    """By fault: the alerts that come, as docs/operations.md has them."""
    found = rows(section(read_page("docs/operations.md"), "Which fault raises which"))
    next(found)  # what the columns are
    return {fault: set(re.findall(r"Tailcast\w+", cells[0])) for fault, *cells in found}


def test_every_fault_of_the_table_is_tried() -> None:
    """And what is tried is in the table."""
    assert table().keys() == FAULTS.keys()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_raises_its_alerts_and_no_others(
    watch: Watch, fault: str
) -> None:
    """Seen firing, and all others seen silent; then all is well again."""
    await watch.until(set())
    await watch.until_there(2)
    try:
        await FAULTS[fault](watch, table()[fault])
    finally:
        await watch.back()
    await watch.until(set())

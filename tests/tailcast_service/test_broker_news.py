"""What is told of a broker, and who waits for it."""

import asyncio

from prometheus_client import CollectorRegistry, generate_latest
from structlog.stdlib import get_logger
from structlog.testing import capture_logs

from tailcast_service.broker_link import BrokerLink
from tailcast_service.broker_news import REFUSED_SECONDS, BrokerNews
from tailcast_service.few_lines import FewLines
from tailcast_service.meters import MeterMaker
from tests.patience import PATIENCE_SECONDS


class Failed(Exception):
    """A call that failed."""

    def __init__(self, text: str, code: str = "", *, is_refusal: bool = False) -> None:
        super().__init__(text)
        self.code, self.is_refusal = code, is_refusal


class Rig:
    """The news of a service, and its clock."""

    def __init__(self) -> None:
        self.now = 100.0
        self._registry = CollectorRegistry()
        self.news = BrokerNews(
            MeterMaker("it", self._registry),
            FewLines(get_logger(), clock=lambda: self.now),
            clock=lambda: self.now,
            when_full="waiting",
        )

    def has(self, line: str) -> bool:
        """Whether the metrics have this line."""
        return line in generate_latest(self._registry).decode().splitlines()


def test_a_broker_that_is_away_is_told_once() -> None:
    """And when it is back, after how long."""
    rig = Rig()
    with capture_logs() as logs:
        for _ in range(3):
            rig.news.lost(Failed("no answer"))
        assert rig.has("it_broker_up 0.0")
        rig.now += 7
        rig.news.answers()
        rig.news.answers()
    assert [one["event"] for one in logs] == [
        "broker cannot be reached, waiting", "broker is back",
    ]  # fmt: skip  # one glance
    assert logs[1]["away_seconds"] == 7
    assert rig.has('it_broker_errors_total{code="",error="Failed"} 3.0')


def test_a_refusal_lasts_a_while_unless_it_is_of_one_key() -> None:
    """Nor does it if the service can do without."""
    rig = Rig()
    wrong_type = Failed("another type", "WRONGTYPE", is_refusal=True)
    with capture_logs() as logs:
        rig.news.refused(wrong_type, "a")
        rig.news.refused(wrong_type, "b")
        rig.news.refused(Failed("no right to that", "NOPERM"), "sources", matters=False)
        assert rig.news.refusal == ""
        rig.news.lost(Failed("wrong password", "WRONGPASS", is_refusal=True))
    assert [one["what"] for one in logs] == ["a", "b", "sources", "all"]
    assert rig.news.refusal == "wrong password"
    rig.now += REFUSED_SECONDS
    assert rig.news.refusal == ""


def test_a_full_broker_is_told_once() -> None:
    """With what is done about it; and that it has room again."""
    rig = Rig()
    with capture_logs() as logs:
        rig.news.has_room()
        rig.news.full()
        rig.news.full()
        assert rig.news.is_full
        rig.news.has_room()
    assert [one["event"] for one in logs] == [
        "broker is full: waiting", "broker has room again",
    ]  # fmt: skip  # one glance
    assert rig.has("it_full_refusals_total 2.0")
    assert rig.has("it_broker_full 0.0")


async def test_tasks_wait_while_the_broker_does_not_answer() -> None:
    """From the first call that fails until it is asked with success."""
    rig = Rig()
    answers = asyncio.Event()
    back = asyncio.Queue[None]()

    async def ask() -> None:
        if not answers.is_set():
            raise Failed("no answer")

    def failed(_error: Failed) -> None:
        link.lost()

    link = BrokerLink(
        ask, errors=Failed, failed=failed, seconds=3_600,
        news=rig.news, on_back=lambda: back.put_nowait(None),
    )  # fmt: skip  # one glance
    running = asyncio.create_task(link.run())
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            waiting = asyncio.create_task(link.wait_until_up())
            await asyncio.sleep(0)
            assert not link.is_up
            answers.set()
            await waiting
            await back.get()
            link.lost()
            assert not link.is_up
            await link.wait_until_up()
            await back.get()
    finally:
        running.cancel()

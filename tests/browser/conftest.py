"""A browser, and a Tailcast that most of these tests share."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from tests.browser.looking import AXE, Look
from tests.browser.running import Running, numbered, running


CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))),
    None,
)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]

Scheme = Literal["light", "dark"]
Looker = Callable[..., Look]


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    """What starts browsers."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on PATH")
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """The browser of this machine."""
    assert AXE.exists(), "`make test-browser` installs what these tests need"
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A Tailcast that is left as it was found: with one run, `run_1`."""
    with running(tmp_path_factory.mktemp("up")) as made:
        made.write("run_1", *numbered(0, 100, accuracy=0.5))
        yield made


@pytest.fixture
def own_up(tmp_path: Path) -> Iterator[Running]:
    """A Tailcast for one test, which may do to it what it likes."""
    with running(tmp_path) as made:
        yield made


@pytest.fixture
def look(chromium: Browser) -> Iterator[Looker]:
    """Opens pages; what the browser complained of fails the test at its end."""
    looks: list[Look] = []
    with ExitStack() as contexts:

        def open_page(
            url: str, query: str = "", *, width: int = 1600, scheme: Scheme = "light"
        ) -> Look:
            context = chromium.new_context(
                viewport={"width": width, "height": 900}, color_scheme=scheme
            )
            contexts.callback(context.close)
            looks.append(made := Look(context, url))
            made.go(query)
            return made

        yield open_page
        for one in looks:
            one.is_quiet(but_unanswered=True)

"""Whoever knows nothing begins with a clone, or an empty folder, and gets somewhere."""

import os
import re
import signal
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.brokers import free_port
from tests.browser.conftest import Looker
from tests.browser.looking import ROOT, Look
from tests.browser.running import Running
from tests.docs.pages import code_blocks, read_page, section
from tests.patience import PATIENCE_SECONDS


# What this test was started with is nothing that a person has who begins.
NOT_THEIRS = ("TAILCAST_", "MAKE", "MFLAGS", "PYTEST_", "PYTHON", "VIRTUAL_ENV", "SSH_")


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this is no checkout")
def test_from_a_clone_to_a_chart_that_moves(tmp_path: Path, look: Looker) -> None:
    """By the README's commands, on a machine where nothing has been set up."""
    blocks = code_blocks(section(read_page("README.md"), "Start"), "console")
    assert "$ make demo\n" in [block.text for block in blocks]
    began = time.monotonic()
    with demo(tmp_path) as url:
        one = look(url)
        moves(one)
        took = time.monotonic() - began
        one.is_quiet()
    print(f"from git clone to a chart that moves: {took:.1f} s")  # noqa: T201  # the figure


@contextmanager
def demo(directory: Path) -> Generator[str]:
    """A clone there, and `make demo` on a port of its own; where its page is."""
    port = free_port()
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(NOT_THEIRS)
    }
    with subprocess.Popen(
        ["/bin/sh", "-ec", f"git clone -q {ROOT} tailcast\ncd tailcast\nmake demo"],
        cwd=directory,
        env=environment | {"TAILCAST_PORT": str(port)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        try:
            ready = f"tailcast ready on http://localhost:{port}\n"
            assert ready in iter(process.stdout.readline, "")
            yield f"http://localhost:{port}/"
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(PATIENCE_SECONDS)


def test_from_nothing_to_a_chart_that_moves(own_up: Running, look: Looker) -> None:
    """The page is open before the first training writes, and needs no reload."""
    one = look(own_up.url)
    one.is_fed("live")
    expect(one.page.get_by_text("Watching", exact=False).first).to_be_visible()
    with own_up.simulating("--rate", "20"):
        moves(one)
    one.is_quiet()


def moves(one: Look) -> None:
    """The chart of a run that is written, opened from the list."""
    one.page.locator("[data-session]").get_by_role("link").first.click()
    chart = one.page.locator("[data-chart]").first
    expect(chart).to_have_attribute("data-points", re.compile(r"[1-9]"))
    before = chart.get_attribute("data-points") or ""
    expect(chart).not_to_have_attribute("data-points", before)


def test_the_plain_steps_are_said(own_up: Running, look: Looker) -> None:
    """Where the files are looked for, and a line that makes the first one."""
    one = look(own_up.url)
    expect(one.page.get_by_text(str(own_up.logs), exact=False).first).to_be_visible()
    one.is_accessible()
    one.is_quiet()

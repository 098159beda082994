"""One stack for all tests of this directory: images are built and started once.

Tests change it (scale, stop, cut) and each brings it back: `stack.up()` at its end.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.checker.compose_stack import ComposeStack


@pytest.fixture(scope="session")
def engine() -> None:
    """An engine that answers: without one there is nothing to test."""
    docker = shutil.which("docker")
    if docker is None:
        pytest.skip("no docker on PATH")
    asked = subprocess.run(
        [docker, "info"], capture_output=True, check=False, env=dict(os.environ)
    )
    if asked.returncode != 0:
        pytest.skip("no Docker engine answers")


@pytest.fixture(scope="session")
def make_stack(
    engine: None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[], ComposeStack]]:
    """Makes stacks with two gateways, up and healthy, which end with the session."""
    del engine
    # A variable that no setting has, as another version's or a misspelt one.
    settings = {"TAILCAST_NO_SUCH_SETTING": "1", "TAILCAST_DRAIN_SECONDS": "5s"}
    with ExitStack() as stacks:

        def make() -> ComposeStack:
            stack = ComposeStack(tmp_path_factory.mktemp("compose"), settings=settings)
            stacks.callback(stack.stop)
            stack.build()
            stack.up()
            return stack

        yield make


@pytest.fixture(scope="session")
def stack(make_stack: Callable[[], ComposeStack]) -> ComposeStack:
    """The one that most tests share."""
    return make_stack()

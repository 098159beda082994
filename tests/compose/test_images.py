"""What the images hold, and what they are when nobody says how to run them."""

import re
import shutil
import subprocess

import httpx
import pytest

from tailcast_service.build import VERSION
from tests.checker.compose_stack import CREATED, REVISION, ComposeStack


DOCKER = shutil.which("docker") or "docker"
FIND = """
import sys
from importlib.util import find_spec
print(*[bool(find_spec(name)) for name in sys.argv[1:]])
"""


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [DOCKER, "run", "--rm", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("image", "has", "lacks"),
    [
        (
            "tailer",
            ["tailcast_tailer", "watchfiles"],
            ["tailcast_gateway", "tailcast_index", "fastapi", "uvicorn"],
        ),
        (
            "indexer",
            ["tailcast_indexer", "tailcast_index"],
            ["tailcast_gateway", "tailcast_tailer", "fastapi", "watchfiles"],
        ),
        ("gateway", ["tailcast_gateway", "fastapi"], ["tailcast_tailer", "watchfiles"]),
    ],
)
@pytest.mark.usefixtures("stack")
def test_an_image_holds_its_own_closure_only(
    image: str, has: list[str], lacks: list[str]
) -> None:
    """Neither the other service's libraries nor what built it."""
    names = [*has, *lacks, "tailcast", "hatchling", "uv"]
    finished = _run(
        "--entrypoint", "python", f"tailcast-{image}:{VERSION}", "-c", FIND, *names
    )
    expected = [name in has for name in names]
    assert finished.stdout.split() == [str(one) for one in expected], finished.stderr


@pytest.mark.parametrize("image", ["tailer", "indexer", "gateway"])
@pytest.mark.usefixtures("stack")
def test_an_image_that_is_run_wrongly_says_what_to_mend(image: str) -> None:
    """One line, exit code 2."""
    without_broker = _run(f"tailcast-{image}:{VERSION}")
    with_argument = _run(f"tailcast-{image}:{VERSION}", "--port", "1")
    for finished, word in (
        (without_broker, "TAILCAST_REDIS_URL"),
        (with_argument, "takes no arguments"),
    ):
        assert finished.returncode == 2
        assert word in finished.stderr
        assert len(finished.stderr.splitlines()) == 1


def test_images_are_of_hundreds_of_megabytes_less_than_their_tools(
    stack: ComposeStack,
) -> None:
    """The final stage adds what runs to the base, and nothing that built it."""
    for service in ("tailer", "indexer", "gateway"):
        (container, *_) = stack.containers(service)
        history = container.image.history()
        added = sum(layer["Size"] for layer in history if "/opt/" in layer["CreatedBy"])
        assert 0 < added < 100_000_000, history


@pytest.mark.parametrize("image", ["tailer", "indexer", "gateway"])
def test_an_image_says_what_it_is(image: str, stack: ComposeStack) -> None:
    """In its labels as in its program: version, revision and licence."""
    (container, *_) = stack.containers(image)
    labels = container.image.labels
    said = {
        name: labels[f"org.opencontainers.image.{name}"]
        for name in ("title", "version", "revision", "licenses", "created")
    }
    assert said == {
        "title": f"tailcast-{image}",
        "version": VERSION,
        "revision": REVISION,
        "licenses": "MIT",
        "created": CREATED,
    }
    finished = _run(f"tailcast-{image}:{VERSION}", "--version")
    assert finished.stdout == f"tailcast-{image} {VERSION} (revision {REVISION})\n"


def test_the_gateways_have_the_page(stack: ComposeStack) -> None:
    """As it is built with the image, and not the plain one."""
    (container, *_) = stack.containers("gateway")
    url = httpx.URL(stack.direct_url(container)).copy_with(scheme="http", path="/")
    with httpx.Client(trust_env=False, base_url=url) as client:
        (program,) = re.findall(r'src="\./(assets/[^"]+)"', client.get("").text)
        assert "immutable" in client.get(program).headers["cache-control"]

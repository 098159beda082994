"""The snippets of docs/clients.md, run as they stand there against `tailcast up`."""

import asyncio
import contextlib
import shlex
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncGenerator, Callable, Generator
from pathlib import Path

import pytest

from tests.clients.watching import CLIENT, NODE
from tests.docs.pages import code_blocks, read_page, section
from tests.e2e.command import tailcast_up


PAGE = read_page("docs/clients.md")
JAVASCRIPT = [one.text for one in code_blocks(section(PAGE, "JavaScript"), "js")]
COMPONENTS = [one.text for one in code_blocks(section(PAGE, "React"), "jsx")]
COMMANDS = [
    line.removeprefix("$ ")
    for one in code_blocks(section(PAGE, "In a terminal"), "console")
    for line in one.text.splitlines()
]
PATIENCE_SECONDS = 60.0
PHIS = (0.72, 0.74, 0.43)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """Where a server is that has the session of the snippets, and an emergency."""
    directory = tmp_path_factory.mktemp("up")
    file = directory / "logs" / "telemetry" / "session_001.jsonl"
    file.parent.mkdir(parents=True)
    lines = [
        f'{{"step":{step},"telemetry":{{"phi":{phi}}}}}'
        for step, phi in enumerate(PHIS, 1)
    ]
    file.write_text("".join(f"{line}\n" for line in lines))
    with tailcast_up(directory, "--log-dir", "logs") as where:
        with file.open("a") as more:
            more.write('{"step":4,"emergency":{"reason":"collapse"}}\n')
        yield where


@pytest.fixture
def place() -> Generator[Callable[[str, str], Path]]:
    """Writes a snippet where `tailcast` is the package that is tested."""
    written: list[Path] = []

    def write(name: str, text: str) -> Path:
        path = CLIENT / "dist" / name
        path.write_text(text)
        written.extend((path, path.with_name(f"{name}.mjs")))
        return path

    yield write
    for path in written:
        path.unlink(missing_ok=True)


@contextlib.asynccontextmanager
async def _printing(*command: str) -> AsyncGenerator[asyncio.StreamReader]:
    process = await asyncio.create_subprocess_exec(
        *command, cwd=CLIENT, stdin=PIPE, stdout=PIPE, stderr=DEVNULL
    )
    assert process.stdout is not None
    try:
        yield process.stdout
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def _prints(output: asyncio.StreamReader, *wanted: str) -> None:
    """Until all of it has been printed."""
    printed = ""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not all(text in printed for text in wanted):
                piece = await output.read(65_536)
                assert piece, f"it ended: {printed}"
                printed += piece.decode()
    except TimeoutError:
        raise AssertionError(f"it printed {printed}") from None


@pytest.mark.parametrize(
    ("snippet", "wanted"),
    [
        (0, ["1 0.72\n", "2 0.74\n", "3 0.43\n"]),
        (1, ["fresh", "session_001 1\n", "emergency", "collapse"]),
        (2, ["session_001 running", "[ 1, 2, 3 ] [ 0.72, 0.74, 0.43 ]"]),
    ],
)
async def test_javascript(
    address: str,
    place: Callable[[str, str], Path],
    snippet: int,
    wanted: list[str],
) -> None:
    """Each prints what its reader expects."""
    text = JAVASCRIPT[snippet].replace("localhost:5000", address)
    path = place(f"snippet-{snippet}.mjs", text)
    async with _printing(NODE, str(path)) as output:
        await _prints(output, *wanted)


async def test_react(address: str, place: Callable[[str, str], Path]) -> None:
    """The component shows what there is."""
    (text,) = COMPONENTS
    path = place("snippet.jsx", text.replace("localhost:5000", address))
    async with _printing(NODE, "tests/render.mjs", str(path)) as output:
        await _prints(output, "live: 3 records, φ 0.430, emergency: collapse")


@pytest.mark.parametrize("command", COMMANDS, ids=["wscat", "events", "lines"])
async def test_in_a_terminal(address: str, command: str) -> None:
    """Each line shows the records."""
    words = shlex.split(command.replace("localhost:5000", address))
    if words[0] == "npx":
        words[:2] = [NODE, "node_modules/wscat/bin/wscat"]
    async with _printing(*words) as output:
        await _prints(output, '"step":1', '"step":3')


def test_nothing_is_left_out() -> None:
    """Whoever adds a snippet has it run here."""
    assert (len(JAVASCRIPT), len(COMPONENTS), len(COMMANDS)) == (3, 1, 3)

"""The page and what it is made of, as the gateway serves them over HTTP."""

from collections.abc import AsyncIterator
from gzip import compress
from pathlib import Path

import httpx
import pytest

from tailcast_gateway.connections.ids import ID_HEADER
from tests.integration.gateway_rig import Rig


PAGE = '<title>Built</title><script type="module" src="./assets/a-1.js"></script>'
PROGRAM = 'console.log("here");'
SECRET = "secret"
SAFE = {
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    "vary": "accept-encoding",
}


@pytest.fixture
def dashboard(tmp_path: Path) -> Path:
    """A page that was built, beside what is nobody's business."""
    (tmp_path / "secret.js").write_text(SECRET)
    folder = tmp_path / "dashboard"
    (folder / "assets").mkdir(parents=True)
    (folder / "icon.svg").write_text("<svg/>")
    for name, text in {"index.html": PAGE, "assets/a-1.js": PROGRAM}.items():
        (folder / name).write_text(text)
        (folder / f"{name}.gz").write_bytes(compress(text.encode()))
    return folder


@pytest.fixture
async def client(rig: Rig, dashboard: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway that has it."""
    async with (
        rig.serving(dashboard=dashboard) as gateway,
        httpx.AsyncClient(trust_env=False, base_url=gateway.url) as made,
    ):
        yield made


async def test_the_page_is_asked_for_each_time(client: httpx.AsyncClient) -> None:
    """It names its parts, which are of one build; and it is safe to look at."""
    answer = await client.get("/")
    assert answer.text == PAGE
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["content-security-policy"].startswith("default-src 'self';")
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert SAFE.items() <= answer.headers.items()


async def test_what_has_a_hash_in_its_name_is_kept(client: httpx.AsyncClient) -> None:
    """For a year; the icon, which has none, is asked for."""
    program = await client.get("/assets/a-1.js")
    assert program.text == PROGRAM
    assert program.headers["content-type"].startswith("text/javascript")
    assert "immutable" in program.headers["cache-control"]
    icon = await client.get("/icon.svg")
    assert icon.headers["content-type"] == "image/svg+xml"
    assert icon.headers["cache-control"] == "no-cache"
    assert SAFE.items() <= program.headers.items()


@pytest.mark.parametrize("path", ["/", "/assets/a-1.js"])
async def test_it_comes_compressed_if_that_is_taken(
    client: httpx.AsyncClient, path: str
) -> None:
    """The same content either way."""
    taken = await client.get(path, headers={"accept-encoding": "gzip"})
    plain = await client.get(path, headers={"accept-encoding": "identity"})
    assert taken.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert taken.content == plain.content
    assert int(taken.headers["content-length"]) == len(compress(taken.content))


@pytest.mark.parametrize("path", ["/", "/assets/a-1.js", "/icon.svg"])
async def test_its_head_is_that_of_the_whole(
    client: httpx.AsyncClient, path: str
) -> None:
    """With the same headers but for its own ID, and no body."""
    whole, head = await client.get(path), await client.head(path)
    assert head.status_code == httpx.codes.OK
    assert not head.content
    assert whole.headers.pop(ID_HEADER) != head.headers.pop(ID_HEADER)
    assert head.headers == whole.headers
    refused = await client.post(path)
    assert refused.status_code == httpx.codes.METHOD_NOT_ALLOWED
    assert refused.headers["allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    "target",
    [
        "/assets/b-2.js",
        "/assets",
        "/secret.js",
        "/assets/../../secret.js",
        "/..%2fsecret.js",
        "/assets/%2e%2e/%2e%2e/secret.js",
        "/assets/..%5c..%5csecret.js",
        "/assets//etc/passwd",
        "/index.html.gz",
    ],
)
async def test_nothing_else_can_be_had(client: httpx.AsyncClient, target: str) -> None:
    """Whatever path is asked for, as it is."""
    url = httpx.URL(client.base_url, raw_path=target.encode())
    answer = await client.get(url)
    assert answer.status_code == httpx.codes.NOT_FOUND
    assert answer.json()["code"] == "not_found"
    assert SECRET not in answer.text


async def test_without_a_build_the_plain_page_says_so(rig: Rig, tmp_path: Path) -> None:
    """And what builds it; it is as safe."""
    async with (
        rig.serving(dashboard=tmp_path) as gateway,
        httpx.AsyncClient(trust_env=False, base_url=gateway.url) as client,
    ):
        answer = await client.get("/")
    assert "<code>make dashboard</code>" in answer.text
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert SAFE.items() <= answer.headers.items()

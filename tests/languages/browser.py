"""Runs an example's page in a headless browser, as if it were a program.

Serves the folder it is started in, opens `index.html` there, and prints what the page
logs: `console.log` on stdout, `console.error` on stderr. Ends when the page has been
told to stay away.
"""

import asyncio
import contextlib
import functools
import json
import os
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import AsyncIterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect


FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-port=0",
)
READY_SECONDS = 60


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its name
        pass


def _serve_here() -> int:
    """Serve the current folder on a port of 127.0.0.1."""
    handler = functools.partial(_Quiet, directory=str(Path.cwd()))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


async def _debugger(profile: Path) -> str:
    """Where the browser takes commands: it writes that into its profile."""
    file = profile / "DevToolsActivePort"
    async with asyncio.timeout(READY_SECONDS):
        while not (file.exists() and file.read_text().count("\n")):
            await asyncio.sleep(0.05)
    port, path = file.read_text().splitlines()
    return f"ws://127.0.0.1:{port}{path}"


async def _console(
    browser: ClientConnection, page: str
) -> AsyncIterator[tuple[str, str]]:
    """Open a page; what it logs, as kind and text."""

    async def send(
        method: str, session: str | None = None, **parameters: object
    ) -> None:
        message = {"id": 1, "method": method, "params": parameters}
        if session is not None:
            message["sessionId"] = session
        await browser.send(json.dumps(message))

    await send("Target.createTarget", url="about:blank")
    async for text in browser:
        message = json.loads(text)
        told = message.get("params", {})
        if "targetId" in message.get("result", {}):
            target = message["result"]["targetId"]
            await send("Target.attachToTarget", targetId=target, flatten=True)
        elif message.get("method") == "Target.attachedToTarget":
            await send("Runtime.enable", told["sessionId"])
            await send("Page.navigate", told["sessionId"], url=page)
        elif message.get("method") == "Runtime.consoleAPICalled":
            yield told["type"], " ".join(str(one.get("value")) for one in told["args"])
        elif message.get("method") == "Runtime.exceptionThrown":
            yield "error", json.dumps(told["exceptionDetails"])


async def main(names: list[str], url: str, session: str) -> None:
    """Until the page is told to stay away, or we are ended."""
    this = asyncio.current_task()
    assert this is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
    program = next(filter(None, map(shutil.which, names)))
    query = urlencode({"url": url, "session": session})
    page = f"http://127.0.0.1:{_serve_here()}/index.html?{query}"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            *(program, *FLAGS, f"--user-data-dir={profile}", "about:blank"),
            # It has a socket there, and ends where the path is too long for one.
            env=os.environ | {"TMPDIR": "/tmp"},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            address = await _debugger(Path(profile))
            async with connect(address, proxy=None, max_size=None) as browser:
                async for kind, text in _console(browser, page):
                    stream = sys.stderr if kind == "error" else sys.stdout
                    print(text, file=stream, flush=True)
                    if kind == "error" and text.startswith("told to stay away"):
                        sys.exit(1)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


if __name__ == "__main__":
    *_names, _url, _session = sys.argv[1:]
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(main(_names, _url, _session))

"""`tailcast up` where others reach it: only who has its link may read."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from tests.brokers import free_port
from tests.patience import PATIENCE_SECONDS


ALL = "0.0.0.0"  # noqa: S104  # it is what is tested


def test_the_link_signs_a_browser_in(tmp_path: Path) -> None:
    """It is printed, its token counts, and without it nothing is read."""
    runs, port = tmp_path / "runs", free_port()
    runs.mkdir()
    (runs / "a.jsonl").write_text('{"step":1,"loss":0.5}\n')
    command = [sys.executable, "-m", "tailcast", "up", str(runs), "--host", ALL]
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("TAILCAST_") and name != "SSH_CONNECTION"
    }
    with (
        (tmp_path / "up.log").open("wb") as errors,
        subprocess.Popen(
            [*command, "--port", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=environment,
            cwd=tmp_path,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        try:
            assert process.stdout.readline().startswith("tailcast ready on ")
            line: str = process.stdout.readline()
            link = urlsplit(line.rsplit(maxsplit=1)[-1])
            token = link.fragment.removeprefix("token=")
            address = f"http://127.0.0.1:{port}"
            with httpx.Client(base_url=address, timeout=PATIENCE_SECONDS) as client:
                assert client.get("/api/sessions").status_code == 401
                client.headers["origin"] = address
                answer = client.post(link.path, json={"token": token})
                assert answer.status_code == 204
                assert client.get("/api/sessions").status_code == 200
            kept = tmp_path / ".tailcast" / "token"
            assert kept.read_text().strip() == token
            assert kept.stat().st_mode & 0o777 == 0o600
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)

"""What a tailer watches, and its name, as its options say them."""

import json
import socket
from pathlib import Path

import pytest

from tailcast_tailer.options import Options


HOST = socket.gethostname()


def test_paths_are_absolute_and_links_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link may point elsewhere tomorrow, and is followed there."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert Options(log_dir="link").watched == [f"{tmp_path}/link"]
    assert Options(log_dir="link", paths=["a.log"]).watched == [f"{tmp_path}/a.log"]


def test_an_owner_is_the_machine_and_what_it_watches() -> None:
    """The same after a restart; another list is another owner."""
    assert Options(log_dir="/logs").owner == f"{HOST}:/logs"
    assert Options(paths=["/a"]).owner == f"{HOST}:/a"
    both = Options(paths=["/a", "/b"]).owner
    assert json.loads(both.removeprefix(f"{HOST}:")) == ["/a", "/b"]
    assert Options(log_dir="/logs", name="mine").owner == "mine"


def test_an_owner_is_text_whatever_the_path_is() -> None:
    """A name of bytes that are no UTF-8 can be sent to the broker."""
    assert Options(log_dir="/logs\udcff").owner == f"{HOST}:/logs\\udcff"

"""There is one version and one licence, wherever they have to be written."""

import shutil
from pathlib import Path

import pytest

from deploy import version
from tailcast_service.build import VERSION


def test_every_version_is_the_same() -> None:
    """`make version VERSION=1.2.3` writes it wherever this looks."""
    wrong = [found for found in version.versions() if found.version != VERSION]
    assert not wrong


def test_no_distribution_is_left_out() -> None:
    """Whoever adds one has it carry the version."""
    projects = version.ROOT.glob("*/*/pyproject.toml")
    here = {str(path.relative_to(version.ROOT)) for path in projects}
    ours = {one for one in here if one.startswith(("packages/", "services/"))}
    assert ours == {place for place in version.PLACES if place in here}


def test_another_version_is_written_everywhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing else is changed."""
    for place in version.PLACES:
        copy = tmp_path / place
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(version.ROOT / place, copy)
    before = {place: (tmp_path / place).read_text() for place in version.PLACES}
    monkeypatch.setattr(version, "ROOT", tmp_path)

    version.write_version("10.20.30rc1")

    assert {found.version for found in version.versions()} == {"10.20.30rc1"}
    version.write_version(VERSION)
    assert before == {place: (tmp_path / place).read_text() for place in version.PLACES}


def test_every_distribution_has_the_licence() -> None:
    """A copy of its own: what is built of a folder is all in it."""
    licence = (version.ROOT / "LICENSE").read_text()
    assert "the Tailcast authors" in licence
    for place in version.PLACES:
        if place.endswith("/pyproject.toml"):
            copy = (version.ROOT / place).with_name("LICENSE")
            assert copy.read_text() == licence, copy

"""Which revision is told: what the build wrote, else the checkout's, else none."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tailcast_service.build import UNKNOWN, commit_of, revision_of


ONE, OTHER = "1" * 40, "2" * 40
IN_A_CHECKOUT = "packages/tailcast_service/src/tailcast_service"


def write(root: Path, files: dict[str, str]) -> Path:
    """The files, below `root`."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("files", "commit"),
    [
        ({".git/HEAD": f"{ONE}\n"}, ONE),
        ({".git/HEAD": "ref: refs/heads/a/b", ".git/refs/heads/a/b": ONE}, ONE),
        (
            {
                ".git/HEAD": "ref: refs/heads/main\n",
                ".git/packed-refs": f"# x\n{OTHER} refs/heads/m\n{ONE} refs/heads/main",
            },
            ONE,
        ),
        (
            {
                ".git": "gitdir: ../other/.git/worktrees/w\n",
                "../other/.git/worktrees/w/HEAD": "ref: refs/heads/w\n",
                "../other/.git/worktrees/w/commondir": "../..\n",
                "../other/.git/refs/heads/w": f"{ONE}\n",
            },
            ONE,
        ),
        # Nothing committed yet, a format of later, and no repository at all.
        ({".git/HEAD": "ref: refs/heads/main\n"}, None),
        ({".git/HEAD": "ref: refs/heads/.invalid\n", ".git/reftable/x": ""}, None),
        ({".git/HEAD": ""}, None),
        ({".git/HEAD": "ref: refs/heads/m\n", ".git/refs/heads/m": "broken"}, None),
        ({}, None),
    ],
)
def test_the_commit_is_read_from_gits_files(
    files: dict[str, str], commit: str | None, tmp_path: Path
) -> None:
    """However git keeps it; None where it cannot be told."""
    root = write(tmp_path / "checkout", files)
    assert commit_of(root) == commit


def test_what_the_build_wrote_goes_before_the_checkout(tmp_path: Path) -> None:
    """As in an image, or in what `make dist` built."""
    write(tmp_path, {".git/HEAD": ONE})
    folder = tmp_path / IN_A_CHECKOUT
    folder.mkdir(parents=True)
    assert revision_of(folder) == ONE
    write(folder, {"REVISION": "abc-dirty\n"})
    assert revision_of(folder) == "abc-dirty"
    write(folder, {"REVISION": "\n"})
    assert revision_of(folder) == UNKNOWN


def test_a_repository_around_an_environment_is_not_ours(tmp_path: Path) -> None:
    """Installed into somebody's own repository, nothing is known of our revision."""
    write(tmp_path, {".git/HEAD": ONE})
    folder = tmp_path / "lib" / "python3" / "site-packages" / "tailcast_service"
    assert revision_of(folder) == UNKNOWN


@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git here")
def test_it_is_what_git_says(tmp_path: Path) -> None:
    """In a repository, packed, and in a worktree of it."""
    main, tree = tmp_path / "main", tmp_path / "tree"

    def git(*arguments: str) -> str:
        person = ("-c", "user.name=x", "-c", "user.email=x@example.org")
        command = ["git", "-C", str(main), *person, *arguments]
        said = subprocess.run(command, check=True, capture_output=True, text=True)
        return said.stdout.strip()

    main.mkdir()
    git("init", "--quiet")
    git("commit", "--quiet", "--allow-empty", "--message", "one")
    git("worktree", "add", "--quiet", "-b", "other", str(tree))
    commit = git("rev-parse", "HEAD")
    assert [commit_of(main), commit_of(tree)] == [commit, commit]
    git("pack-refs", "--all")
    assert [commit_of(main), commit_of(tree)] == [commit, commit]

"""What a listing comes to: values that are handed from the survey to the pipeline."""

from typing import NamedTuple

from tailcast_streams.sources import Source
from tailcast_tailer.files.file_system import Identity
from tailcast_tailer.files.portions import Place
from tailcast_tailer.finding.candidates import Candidate, FileKind


class Found(NamedTuple):
    """A file to follow."""

    kind: FileKind
    path: str
    # The session ID, or a document's path below the log directory.
    name: str
    # The device that it seems to be on; None where that is not known.
    device: int | None = None
    # Whether it is a run that is written as numbered files, `path` that of the folder.
    has_parts: bool = False
    # When it was changed last, as it was found, nanoseconds; 0 if that is not known.
    changed_ns: int = 0
    # The only file that it may be, whatever has its path later; None: any that has it.
    only: Identity | None = None


class Moved(NamedTuple):
    """A file that is followed has another path now."""

    before: str
    path: str


class Suspect(NamedTuple):
    """A new path that may be a followed file which was renamed."""

    candidate: Candidate
    before: str
    # Whether it may only be the past of that path, which has another file by now.
    is_past: bool = False


class Known(NamedTuple):
    """What a session has of its files."""

    # Up to where its present file was read; which files were read whole before it.
    place: Place
    past: str
    # The file that is held open to be read; None if none is.
    held: Identity | None = None


class Listing(NamedTuple):
    """What a listing came to."""

    found: list[Found]
    moved: list[Moved]
    # What became of paths, and those that nothing has any more.
    sources: list[Source]
    gone: list[str]
    # Paths that cannot be read now, and why.
    unseen: list[tuple[str, str]]
    suspects: list[Suspect]
    # Paths with which something failed that should not; they are tried again.
    failed: list[tuple[str, Exception]]

    def followed_by(self, other: "Listing") -> "Listing":
        """Both as one; what was suspected is settled by then."""
        return Listing(
            self.found + other.found,
            self.moved + other.moved,
            self.sources + other.sources,
            self.gone + other.gone,
            self.unseen + other.unseen,
            [],
            self.failed + other.failed,
        )


def new_listing() -> Listing:
    """One in which nothing has happened."""
    return Listing([], [], [], [], [], [], [])

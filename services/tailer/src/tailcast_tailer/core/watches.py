"""What the kernel's notifications mean: which paths changed, which directories are new.

Pure. A notification names a watch, and a name in the directory that it is of. A
directory below another one has a watch of its own, which is added when it appears; what
happens in it before that is told by whoever adds it.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple


# Bits of inotify(7).
MODIFY, ATTRIB, CLOSE_WRITE = 0x2, 0x4, 0x8
MOVED_FROM, MOVED_TO, CREATE, DELETE = 0x40, 0x80, 0x100, 0x200
OVERFLOWED, IGNORED, IS_DIRECTORY = 0x4000, 0x8000, 0x4000_0000

# Notifications of watches that are being added; with more, some are lost.
MOST_EARLY = 10_000


class Notification(NamedTuple):
    """One event, as the kernel tells it."""

    watch: int
    bits: int
    # The name in the directory; "" of the directory itself.
    name: str


class Observed(NamedTuple):
    """What came of some notifications."""

    changed: set[str]
    # What wants a watch, if it is a directory.
    new: list[str]
    # Watches that are of nothing that is watched any more.
    left: list[int]
    # Directories and files that lost their watches, as they were deleted.
    gone: set[str]
    # Whether notifications were lost: anything may have changed.
    have_lost: bool


class Watches:
    """Which directories each watch is of."""

    def __init__(
        self, names: Mapping[str, Collection[str]], files: Collection[str] = ()
    ) -> None:
        """Prepare.

        Args:
            names: those that count, of a directory that is watched for some files; in
                others all count, and all directories below them.
            files: what has a watch of its own, wherever its path leads.
        """
        self._names = names
        self._files = files
        # A directory may be reached by several paths, and has one watch.
        self._paths: dict[int, list[str]] = {}
        # Watches that were given back, and may still be told of.
        self._left: set[int] = set()
        # What came of watches that are not known yet.
        self._early: list[Notification] = []

    def added(self, watches: Iterable[tuple[int, str]], *, are_last: bool) -> Observed:
        """There are these watches; `are_last`: no others are being added."""
        for watch, path in watches:
            self._left.discard(watch)
            paths = self._paths.setdefault(watch, [])
            if path not in paths:
                paths.append(path)
        early, self._early = self._early, []
        taken = self.take(early)
        if are_last:
            self._early = []
        return taken

    def take(self, notifications: Iterable[Notification]) -> Observed:
        """What these mean, in their order."""
        changed: set[str] = set()
        new: list[str] = []
        left: list[int] = []
        gone: set[str] = set()
        have_lost = False
        for one in notifications:
            if one.bits & OVERFLOWED:
                have_lost = True
            elif one.watch in self._left:
                if one.bits & IGNORED:
                    self._left.remove(one.watch)
            elif (paths := self._paths.get(one.watch)) is None:
                have_lost = have_lost or not self._keep(one)
            elif one.bits & IGNORED:
                gone.update(self._paths.pop(one.watch))
            elif not one.name:
                changed.update(path for path in paths if path in self._files)
            else:
                for directory in paths.copy():
                    self._note(one, directory, changed, new, left)
        return Observed(changed, new, left, gone, have_lost)

    def _keep(self, early: Notification) -> bool:
        """Keep what came of an unknown watch; whether there was room."""
        if len(self._early) >= MOST_EARLY:
            return False
        self._early.append(early)
        return True

    def _note(
        self,
        one: Notification,
        directory: str,
        changed: set[str],
        new: list[str],
        left: list[int],
    ) -> None:
        names = self._names.get(directory)
        if names is not None and one.name not in names:
            return
        path = f"{directory.rstrip('/')}/{one.name}"
        if names is None:
            is_directory = one.bits & IS_DIRECTORY
            if is_directory and one.name.startswith("."):
                return
            if is_directory and one.bits & MOVED_FROM:
                left += self._leave(path)
            # What is no directory may be a link to one.
            if one.bits & (CREATE | MOVED_TO) or (is_directory and one.bits & ATTRIB):
                new.append(path)
        changed.add(path)

    def _leave(self, path: str) -> list[int]:
        """The directory has another path now, or none here: forget what is below."""
        left: list[int] = []
        for watch, paths in self._paths.items():
            staying = [
                one for one in paths if one != path and not one.startswith(f"{path}/")
            ]
            if not staying:
                left.append(watch)
            elif len(staying) < len(paths):
                self._paths[watch] = staying
        for watch in left:
            del self._paths[watch]
        self._left.update(left)
        return left

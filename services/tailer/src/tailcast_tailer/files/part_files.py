"""A run that is written as numbered files, read as one: blocking, for worker threads.

Its lines are those of its parts, one part after the other, and its offsets count on
from part to part. A place names its part, and where that begins among all bytes. A part
ends when there is a later one. It may be deleted once it was read.
"""

# ruff: noqa: ARG002, PTH110, PTH112, PTH116, PTH119  # many names: texts, `Path` costs more

import os
from collections.abc import Callable

from tailcast_streams.entries import NewRejection
from tailcast_tailer.core.part_names import (
    PARTS_FOLDER,
    PartNames,
    next_name,
    part_order,
)
from tailcast_tailer.core.patterns import LINE_EXTENSIONS
from tailcast_tailer.core.proofs import Verdict
from tailcast_tailer.core.records import REJECTED_HEAD_BYTES, Reading
from tailcast_tailer.files.file_system import (
    CannotBeSeen,
    Glimpse,
    may_change_unseen,
    read_regular,
)
from tailcast_tailer.files.looks import Look, Next, Rested
from tailcast_tailer.files.portions import Place, Portion, nothing
from tailcast_tailer.files.session_file import SessionFile


class PartFiles(SessionFile):
    """The parts of one run; `path` is that of its folder, or of its first file."""

    has_parts = True

    def __init__(
        self, run: str, make_file: Callable[[str], SessionFile], names: PartNames
    ) -> None:
        """Prepare; `make_file` makes what reads one part, `names` tells which are."""
        super().__init__(run, max_line_bytes=0)
        self._part_names = names
        self._make_file = make_file
        # The part that is read.
        self._current: SessionFile | None = None
        self._begin(run)

    def _begin(self, run: str) -> None:
        self.path = run
        is_file = run.endswith(LINE_EXTENSIONS) and not os.path.isdir(run)
        # A file that came before the folder with the others.
        self._before: list[str] = [run] if is_file else []
        self._folder = run + PARTS_FOLDER if is_file else run
        # The paths of all parts, in order, and the folder's modification time then.
        self._parts: list[str] = []
        self._listed_ns = -1

    @property
    def directory(self) -> str:
        """The folder of the parts, if the run is called by it."""
        return self.path if self._folder == self.path else super().directory

    @property
    def look_path(self) -> str:
        """The part that is read: what to look at for a change."""
        return self.path if self._current is None else self._current.path

    def look(
        self, place: Place, *, nuls_are_bytes: bool = False, rested: Rested = None
    ) -> Look:
        """Take what follows the place, in its part or in the next that has something.

        A part that is gone was read, as far as anybody can know.
        """
        place = self._placed(place)
        while True:
            following = self._after(place.part)
            try:
                look = self._look_at_part(place, nuls_are_bytes, rested)
            except CannotBeSeen as error:
                if not error.is_absent or following is None:
                    raise
                place = Place(place.offset, "", "", following, place.offset)
                continue
            if following is None or not _is_read(look, place):
                return _shifted(look, place, has_following=following is not None)
            if look.glimpse.size > place.offset - place.part_start:
                return self._end_of_part(look, place, following)
            place = Place(place.offset, "", "", following, place.offset)

    def _look_at_part(self, place: Place, nuls_are_bytes: bool, rested: Rested) -> Look:
        start = place.part_start
        file = self._file(place.part)
        local = place._replace(offset=place.offset - start)
        if rested is not None:
            rested = rested[0] - start, rested[1]
        look = file.look(local, nuls_are_bytes=nuls_are_bytes, rested=rested)
        if look.successor is None:
            return look
        # Nothing is read of a part that was replaced: what has its path counts.
        file.release()
        return file.look(local, nuls_are_bytes=nuls_are_bytes, rested=rested)

    def _end_of_part(self, look: Look, place: Place, following: str) -> Look:
        """Take what stands behind the last newline of a part that is not the last."""
        if os.stat(following).st_size == 0:
            # Its writer may just be about to close this one.
            return _shifted(look, place, has_following=False)
        size = look.glimpse.size + place.part_start
        rested = size, look.glimpse.mtime_ns
        taken = self._look_at_part(place, nuls_are_bytes=True, rested=rested)
        if not _is_read(taken, place):
            return _shifted(taken, place, has_following=True)
        start = place.offset - place.part_start
        head = read_regular(place.part, most=start + REJECTED_HEAD_BYTES)[start:]
        reason = "its file ends without a newline"
        rest = NewRejection(size + 1, reason, size - place.offset, head)
        begun = Place(size + 1, "", "", following, size + 1)
        reading = Reading([], [rest])
        portion = Portion(reading, begun, has_more=True, has_nul=False, lines=1)
        return _shifted(look, place, has_following=True)._replace(portion=portion)

    def look_ahead(
        self, place: Place, *, nuls_are_bytes: bool = False, rested: Rested = None
    ) -> Look:
        """Look at the parts that are there: nothing else follows them."""
        return self.look(place, nuls_are_bytes=nuls_are_bytes, rested=rested)

    def find_read(self, place: Place) -> bool:
        """Parts are not rotated away."""
        return False

    def find_oldest(
        self,
        is_due: Callable[[Glimpse], bool],
        *,
        past: str = "",
        asks_writers: bool = False,
    ) -> bool:
        """Parts are not rotated away."""
        return False

    def may_be_written(self) -> bool | None:
        """Nobody knows: a part is done when there is a later one."""
        return None

    def open_next(
        self, past: str, *, since_ms: int, is_read: bool = True
    ) -> Next | None:
        """Parts are not rotated away."""
        return None

    def move(self, path: str) -> None:
        """The folder was renamed."""
        self.release()
        self._current = None
        self._begin(path)

    @property
    def is_open(self) -> bool:
        """Whether a descriptor is held; may be asked from any thread."""
        return self._current is not None and self._current.is_open

    def release(self) -> None:
        """Close the held descriptor."""
        if self._current is not None:
            self._current.release()

    def take_more(self) -> None:
        """The last portion was appended: take more lines at a time again."""
        if self._current is not None:
            self._current.take_more()

    def take_fewer(self, lines: int) -> None:
        """The last portion could not be taken: take so many lines at most."""
        if self._current is not None:
            self._current.take_fewer(lines)

    def place_at(self, offset: int, *, nuls_are_bytes: bool = False) -> Place | None:
        """The place in the parts that are there now; None if they are shorter."""
        start = 0
        for path in self._list():
            size = os.stat(path).st_size
            if offset <= start + size:
                found = self._file(path).place_at(
                    offset - start, nuls_are_bytes=nuls_are_bytes
                )
                if found is None:
                    return None
                return found._replace(offset=offset, part=path, part_start=start)
            start += size
        return None

    def last_line_end(self) -> int:
        """Find the byte after the last newline of the last part, 0 without one."""
        parts = self._list()
        before = sum(os.stat(path).st_size for path in parts[:-1])
        return before + self._file(parts[-1]).last_line_end() if parts else 0

    def check_head(self, head_proof: str) -> Verdict:
        """Parts are written once: what differs from them is another run."""
        return Verdict.DIFFERS if head_proof else Verdict.HOLDS

    def last_line(self) -> Portion:
        """Nothing: parts are not cut back."""
        return nothing(Place(0, "", ""))

    def read_from(self, offset: int) -> Portion:
        """Nothing: of another run nothing is kept."""
        return nothing(Place(offset, "", ""))

    # Which parts there are.

    def _placed(self, place: Place) -> Place:
        if place.part:
            return place
        parts = self._list()
        if not parts:
            raise CannotBeSeen(FileNotFoundError(2, "no part is there"))
        return place._replace(part=parts[0], part_start=0)

    def _file(self, path: str) -> SessionFile:
        if self._current is None or self._current.path != path:
            self.release()
            self._current = self._make_file(path)
        return self._current

    def _after(self, part: str) -> str | None:
        """The part that follows this one; None if it is the last."""
        folder, name = os.path.split(part)
        if folder == self._folder and (following := next_name(name)) is not None:
            path = f"{folder}/{following}"
            if os.path.exists(path):
                return path
        order = (-1, ()) if part in self._before else (0, part_order(name))
        later = (path for path in self._list() if self._order(path) > order)
        return next(later, None)

    def _list(self) -> list[str]:
        try:
            mtime_ns = os.stat(self._folder).st_mtime_ns
        except FileNotFoundError:
            return [path for path in self._before if os.path.exists(path)]
        except OSError as error:
            raise CannotBeSeen(error) from error
        if mtime_ns != self._listed_ns:
            with os.scandir(self._folder) as entries:
                paths = [f"{self._folder}/{entry.name}" for entry in entries]
            mine = [path for path in paths if self._is_part(path)]
            self._parts = sorted(mine, key=self._order)
            self._listed_ns = -1 if may_change_unseen(mtime_ns) else mtime_ns
        return [*(path for path in self._before if os.path.exists(path)), *self._parts]

    def _is_part(self, path: str) -> bool:
        return self._part_names.run_of(path) == self.path

    def _order(self, path: str) -> tuple[int, object]:
        if path in self._before:
            return (-1, ())
        return (0, part_order(os.path.basename(path)))


def _is_read(look: Look, place: Place) -> bool:
    """Whether nothing more can be taken of this part."""
    portion = look.portion
    return (
        portion is not None
        and portion.place.offset == place.offset - place.part_start
        and not portion.has_more
        and not portion.has_nul
    )


def _shifted(look: Look, place: Place, *, has_following: bool) -> Look:
    """What was found in a part, with offsets that count on from part to part."""
    start = place.part_start
    size = look.glimpse.size + start
    shown = look.glimpse if look.shown is None else look.shown
    portion = look.portion
    if portion is not None:
        reading = portion.reading
        portion = portion._replace(
            reading=reading._replace(
                entries=[
                    entry._replace(offset=entry.offset + start)
                    for entry in reading.entries
                ],
                rejections=[
                    one._replace(offset=one.offset + start)
                    for one in reading.rejections
                ],
            ),
            place=portion.place._replace(
                offset=portion.place.offset + start, part=place.part, part_start=start
            ),
            has_more=portion.has_more or has_following,
        )
    continued = look.continued_line
    return look._replace(
        portion=portion,
        glimpse=Glimpse(size, *look.glimpse[1:]),
        shown=shown,
        continued_line=None if continued is None else continued + start,
    )

"""How much of its memory a gateway has left: near the bound it lets nobody in.

A gateway that reaches the bound of its container is killed, and its clients lose it.
Where there is no bound (no control group of Linux, version 2), there is no watermark.
"""

import resource
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tailcast_service.pauses import next_tick


# The pause between two looks, seconds.
MEMORY_LOOK_SECONDS: Final = 1.0
# After how many looks the bound is read again: it hardly ever changes, and is in a file
# of each control group.
LOOKS_OF_A_BOUND: Final = 30
CONTROL_GROUPS: Final = Path("/sys/fs/cgroup")
_SELF: Final = Path("/proc/self")


class Memory:
    """The memory of this process, and whether it is scarce."""

    def __init__(
        self,
        watermark: float,
        *,
        bound: Callable[[], int | None],
        used: Callable[[], int],
        on_change: Callable[[bool], None],
    ) -> None:
        """Watch what is used of the memory.

        Args:
            watermark: the share from which on it is scarce.
            bound: returns how many bytes there may be, None if there is no bound.
            used: returns how many are used.
            on_change: called when it becomes scarce, and when it is so no more.
        """
        self._watermark = watermark
        self._bound = bound
        # What that was when it was last read.
        self._most = bound()
        self._used = used
        self._on_change = on_change
        self.is_scarce = False

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self._most = self._bound()
            for _ in range(LOOKS_OF_A_BOUND):
                self.look()
                await next_tick(MEMORY_LOOK_SECONDS)

    def look(self) -> None:
        """Find out whether it is scarce now."""
        most = self._most
        is_scarce = most is not None and self._used() > most * self._watermark
        if is_scarce is not self.is_scarce:
            self.is_scarce = is_scarce
            self._on_change(is_scarce)


def bound_of_group(groups: Path = CONTROL_GROUPS, process: Path = _SELF) -> int | None:
    """The least bound of this process's control group and of those above it."""
    try:
        lines = (process / "cgroup").read_text().splitlines()
    except OSError:
        return None
    name = next((line[3:] for line in lines if line.startswith("0::")), None)
    if name is None:
        return None
    group = groups / name.strip("/")
    bounds = [
        bound
        for one in (group, *group.parents)
        if one.is_relative_to(groups) and (bound := _bound_in(one)) is not None
    ]
    return min(bounds, default=None)


def used_by_process(process: Path = _SELF) -> int:
    """How many bytes of this process are in memory; 0 where that is not told."""
    try:
        pages = int((process / "statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * resource.getpagesize()


def _bound_in(group: Path) -> int | None:
    try:
        text = (group / "memory.max").read_text().strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None

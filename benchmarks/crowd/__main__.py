"""`python -m benchmarks.crowd`: `tailcast up` on a directory of 20,000 files.

Prints each row of the table in docs/performance.md. The broker is a Valkey of its own,
so that what each process used can be told, and what is stored can be counted.
"""

import argparse
import asyncio
import os
import random
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.crowd.stage import Crowd, Stage
from benchmarks.processes import require_linux, valkey


# How old the files are at the second start.
OLD_SECONDS = 5 * 3_600
QUIET_FILES = 8
# After they were deleted: they are forgotten after a minute.
DELETED_SECONDS = 80.0


async def main() -> None:
    """Measure all rows, one after the other."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--rest", type=float, default=60.0, metavar="SECONDS",
                        help="until what is at rest is measured")  # fmt: skip
    # Twice as long as it takes until each file was looked at again.
    parser.add_argument("--seconds", type=float, default=120.0,
                        help="how long it is measured")  # fmt: skip
    parser.add_argument("--only", choices=("crowd", "quiet"))
    options = parser.parse_args()
    require_linux()
    # Not `/tmp`, which may be memory.
    with TemporaryDirectory(dir=os.environ.get("TMPDIR", ".")) as folder:
        if options.only != "quiet":
            await measure_crowd(Path(folder, "many"), options)
        if options.only != "crowd":
            await measure_quiet(Path(folder, "few"), options)


async def measure_crowd(folder: Path, options: argparse.Namespace) -> None:
    """Two starts, a rest, and an end of all files."""
    crowd = Crowd(folder, options.files)
    crowd.write()
    with valkey() as (socket, pid):
        for start in ("fresh", "second start"):
            async with Stage(folder, socket, pid) as stage:
                await stage.until_ready()
                say(f"{start}: ready", stage)
                written = time.monotonic()
                await stage.until_has(*crowd.write_one(random.Random(start)))
                say(f"{start}: a line, {time.monotonic() - written:.2f} s", stage)
                await stage.until_all(options.files)
                say(f"{start}: all", stage)
                await asyncio.sleep(options.rest)
                share, _ = await stage.share(options.seconds)
                say(f"{start}: at rest, {share:.2%} of a core", stage)
                if start != "fresh":
                    crowd.delete()
                    await asyncio.sleep(DELETED_SECONDS)
                    share, _ = await stage.share(options.seconds)
                    say(f"deleted: {share:.2%} of a core", stage)
            crowd.age(OLD_SECONDS)


async def measure_quiet(folder: Path, options: argparse.Namespace) -> None:
    """A few files, at rest."""
    crowd = Crowd(folder, QUIET_FILES)
    crowd.write()
    with valkey() as (socket, pid):
        async with Stage(folder, socket, pid) as stage:
            await stage.until_ready()
            await stage.until_all(QUIET_FILES)
            await asyncio.sleep(options.rest)
            share, of_all = await stage.share(options.seconds)
            say(f"{QUIET_FILES} quiet files: {share:.2%} of a core ({of_all})", stage)


def say(what: str, stage: Stage) -> None:
    """One row."""
    sys.stdout.write(f"{stage.seconds:6.1f} s  {what}; {stage.used()}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())

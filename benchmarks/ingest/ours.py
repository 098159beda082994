"""The tailer as a process of its own: a directory, broker URL, key prefix."""

import sys

from tailer.app import run
from tailer.settings import TailerSettings


def main(log_dir: str, url: str, prefix: str) -> None:
    """Run the service until SIGTERM."""
    run(
        TailerSettings.load(
            redis_url=url,
            log_dir=log_dir,
            key_prefix=prefix,
            log_level="warning",
            # Nothing is trimmed meanwhile: the plain tailer does not trim either.
            retention_bytes=2**40,
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:4])

"""The tailer as a process: a directory, broker URL, key prefix, retention."""

import sys

from tailcast_tailer.app import run
from tailcast_tailer.settings import TailerSettings


def main(log_dir: str, url: str, prefix: str, retention: str = "all") -> None:
    """Run the service until SIGTERM; `retention` is `all`, or `default`."""
    # A plain tailer does not trim: who is compared with it does not either.
    kept = {"retention_bytes": 2**40} if retention == "all" else {}
    run(
        TailerSettings.load(
            redis_url=url,
            log_dir=log_dir,
            key_prefix=prefix,
            log_level="warning",
            **kept,
        )
    )


if __name__ == "__main__":
    main(*sys.argv[1:5])

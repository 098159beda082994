"""Raises limits of the operating system as far as the process may.

How many files and sockets are opened is decided by the service.
"""

import resource


__all__ = ["raise_open_file_limit"]

# Enough for every connection and file that one process can serve.
ENOUGH = 65_536


def raise_open_file_limit() -> int:
    """Raise the limit of open files and sockets of this process; returns the new one.

    Many systems start a process with 1,024, since old programs (with `select`) cannot
    handle more, and let it raise that.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(ENOUGH, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted

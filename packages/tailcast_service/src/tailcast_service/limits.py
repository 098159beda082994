"""What the operating system lets a process have, taken as far as it may be taken.

Knows limits and no reason for them: what is opened, and how much of it, is the
service's business.
"""

import resource


__all__ = ["raise_open_file_limit"]

# Enough for every connection and file that one process can serve.
ENOUGH = 65_536


def raise_open_file_limit() -> int:
    """Allow this process as many open files and sockets as it may; the new limit.

    Many systems start a process with 1,024 for the sake of old programs (`select`), and
    let it ask for more.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = ENOUGH if hard == resource.RLIM_INFINITY else min(ENOUGH, hard)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return soft
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted

"""No proxy between tests and what they start on this machine.

On many machines the environment names one and excepts nothing; libraries would ask it
for loopback too. What the product itself does there has tests of its own.
"""

import os


_LOOPBACK = "localhost,127.0.0.1,::1"


def reach_directly() -> None:
    """Except this machine, for this process and those that it starts."""
    for name in ("no_proxy", "NO_PROXY"):
        named = os.environ.get(name)
        os.environ[name] = f"{named},{_LOOPBACK}" if named else _LOOPBACK

"""uvicorn as tests have it: it looks a hundred times a second whether it is over.

By itself it does so ten times a second, and waits a tenth of a second for what is open.
Each test with a server would take that long to end.
"""

import asyncio
from types import ModuleType

from uvicorn import server


TIMES = 10


def end_servers_promptly() -> None:
    """Let the servers of this process sleep for a tenth of what they would."""
    prompt = ModuleType(asyncio.__name__)
    vars(prompt).update(vars(asyncio))

    async def sleep(seconds: float) -> None:
        await asyncio.sleep(seconds / TIMES)

    vars(prompt)["sleep"] = sleep
    vars(server)["asyncio"] = prompt

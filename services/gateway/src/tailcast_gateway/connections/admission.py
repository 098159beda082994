"""Who is not let in, and when to come again: what is said before a connection is made.

Whoever was let in and closed again would come back at once: programs back off from what
was refused, and begin anew after what was accepted. Delays differ, so that those who
were refused together do not come back together. What never lives here: counting who is
there, and in which words of HTTP it is said.
"""

import math
import random
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why nobody new is let in now."""

    # For people, in the answer.
    text: str
    # When to come again: the shortest delay, and the longest.
    least_seconds: float
    most_seconds: float

    def delay_ms(self) -> int:
        """A delay by chance, milliseconds."""
        seconds = random.uniform(self.least_seconds, self.most_seconds)  # noqa: S311  # jitter
        return int(seconds * 1_000)

    def retry_after(self) -> dict[str, str]:
        """A delay by chance, as HTTP has it: whole seconds."""
        return {"retry-after": str(math.ceil(self.delay_ms() / 1_000))}


# It makes room when somebody leaves, which is nobody's to say.
FULL: Final = Refusal("too many connections", 5.0, 15.0)
# Another replica takes them; this one, started anew, within seconds.
ENDING: Final = Refusal("shutting down", 1.0, 3.0)
# The broker, as soon as it is back.
AWAY: Final = Refusal("the broker is away", 1.0, 3.0)
# An export ends.
EXPORTING: Final = Refusal("too many exports at once", 1.0, 5.0)

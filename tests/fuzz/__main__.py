"""`python -m tests.fuzz --seconds 300 --seed 7`: the long form."""

import argparse
import random

from tests.brokers import make_broker
from tests.fuzz.attack import attack
from tests.loopback import reach_directly


def main() -> None:
    """Attack a gateway; ends with the conversation that brought it down, if one did."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    reach_directly()
    seed = options.seed or random.SystemRandom().randrange(1, 10**6)
    print(f"seed {seed}", flush=True)  # noqa: T201  # what the program is for
    with make_broker("valkey") as broker:
        outcome = attack(broker, seconds=options.seconds, seed=seed)
    print(  # noqa: T201  # as above
        f"{outcome.conversations:,} conversations; {outcome.memory_bytes:,} bytes of"
        f" memory, and {outcome.growth_bytes:,} more at the end"
    )


if __name__ == "__main__":
    main()

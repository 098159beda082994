"""`python -m tests.checker --seconds 600 --seed 7`: the long form, run after run.

With `--stack compose` it is the containers of docker-compose.yml that are broken:
`python -m tests.checker --stack compose --gateways 4 --clients 50 --seconds 300
--run-seconds 300 --pause-seconds 0.5`.
"""

import argparse
import asyncio
import contextlib
import random
import sys
import tempfile
from collections.abc import Generator
from pathlib import Path

from tests.brokers import make_broker
from tests.checker.compose_stack import ComposeStack
from tests.checker.faults import GatewayKills, Plan
from tests.checker.outages import Stack
from tests.checker.run import Load, check
from tests.checker.stack import ProcessStack
from tests.loopback import reach_directly


# Longer than any run, seconds.
STAYING = (86_400.0, 86_400.0)


def main() -> int:
    """Check with one seed after the other until the time is over."""
    options = _parser().parse_args()
    reach_directly()
    seed = options.seed or random.SystemRandom().randrange(1, 10**6)
    load = Load(
        sessions=options.sessions,
        clients=options.clients,
        pause_seconds=options.pause_seconds,
        cuts=options.cuts,
        stay_seconds=STAYING if options.kills else Load().stay_seconds,
    )
    left = options.seconds
    while left > 0:
        seconds = min(left, options.run_seconds)
        with _stack(options) as stack:
            plan: Plan | None = None
            if options.kills:
                chance = random.Random(seed)
                plan = GatewayKills(stack, chance, seconds=seconds, pause=options.kills)
            verdict = asyncio.run(
                check(stack, seed=seed, seconds=seconds, load=load, plan=plan)
            )
        print(verdict, flush=True)  # noqa: T201  # what the program is for
        print(f"  faults: {', '.join(verdict.faults)}", flush=True)  # noqa: T201  # as above
        if verdict.failures:
            return 1
        left -= seconds
        seed += 1
    return 0


@contextlib.contextmanager
def _stack(options: argparse.Namespace) -> Generator[Stack]:
    """A fresh one, ended with the run; its logs are left to be looked at."""
    directory = Path(tempfile.mkdtemp(prefix="tailcast-checker-"))
    with contextlib.ExitStack() as stack:
        system: Stack
        if options.stack == "compose":
            system = composed = ComposeStack(directory, gateways=options.gateways)
            composed.build()
        else:
            broker = stack.enter_context(make_broker(options.broker))
            system = ProcessStack(
                broker, directory, gateways=options.gateways, indexers=options.indexers
            )
        stack.callback(system.stop)
        yield system


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.checker")
    parser.add_argument(
        "--stack", choices=["processes", "compose"], default="processes"
    )
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--run-seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--broker", choices=["valkey", "redis"], default="valkey")
    parser.add_argument("--gateways", type=int, default=2)
    parser.add_argument("--indexers", type=int, default=2)
    parser.add_argument("--sessions", type=int, default=3)
    parser.add_argument("--clients", type=int, default=6)
    parser.add_argument("--pause-seconds", type=float, default=0.02)
    parser.add_argument("--cuts", type=float, default=0.0)
    parser.add_argument(
        "--kills",
        type=float,
        default=0.0,
        help="kill one gateway so many seconds after another is back, and nothing else;"
        " clients stay until then",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())

"""`python -m tests.checker --seconds 600 --seed 7`: the long form, run after run."""

import argparse
import asyncio
import random
import sys
import tempfile
from pathlib import Path

from tests.brokers import make_broker
from tests.checker.run import Verdict, check
from tests.checker.stack import ProcessStack


def main() -> int:
    """Check with one seed after the other until the time is over."""
    options = _parser().parse_args()
    seed = options.seed or random.SystemRandom().randrange(1, 10**6)
    left = options.seconds
    while left > 0:
        seconds = min(left, options.run_seconds)
        verdict = asyncio.run(_once(options.broker, seed, seconds, options))
        print(verdict, flush=True)  # noqa: T201  # what the program is for
        if verdict.failures:
            return 1
        left -= seconds
        seed += 1
    return 0


async def _once(
    kind: str, seed: int, seconds: float, options: argparse.Namespace
) -> Verdict:
    with make_broker(kind) as broker:
        directory = Path(tempfile.mkdtemp(prefix="tailcast-checker-"))
        stack = ProcessStack(broker, directory, gateways=options.gateways)
        try:
            return await check(
                stack,
                seed=seed,
                seconds=seconds,
                sessions=options.sessions,
                clients=options.clients,
            )
        finally:
            stack.stop()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.checker")
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--run-seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--broker", choices=["valkey", "redis"], default="valkey")
    parser.add_argument("--gateways", type=int, default=2)
    parser.add_argument("--sessions", type=int, default=3)
    parser.add_argument("--clients", type=int, default=6)
    return parser


if __name__ == "__main__":
    sys.exit(main())

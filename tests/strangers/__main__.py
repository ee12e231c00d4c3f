"""Play histories against the exchange of strangers, and print what the client concluded beside what was true."""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from tests.strangers.draw import WORLDS, draw
from tests.strangers.play import count, judge, play
from tests.strangers.tally import NEVER, Tally, table, violations
from tests.strangers.timeline import timeline

CHUNK = 50


def _arguments(given: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.strangers", description=__doc__)
    parser.add_argument("--histories", type=int, default=200, help="how many of each world (default 200)")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument(
        "--world", action="append", choices=tuple(WORLDS), help="only this world; may be repeated"
    )
    parser.add_argument(
        "--only", type=int, metavar="SEED", help="play one history of --world and print it as a timeline"
    )
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--strict", action="store_true", help="exit 1 if a count that must be zero is not")
    return parser.parse_args(given)


def _only(world: str, seed: int) -> None:
    played = play(draw(world, seed), loud=True)
    print(timeline(played))
    tally = judge(played)
    for name in (*NEVER, "said-executed-explained", "wrong-amount", "undecided-alone", "undecided-near"):
        if tally[name]:
            print(f"!! {tally[name]} {NEVER.get(name, name)}")


def _run(worlds: list[str], first: int, histories: int, workers: int) -> dict[str, Tally]:
    tallies: dict[str, Tally] = {}
    jobs = [
        (world, range(start, min(start + CHUNK, first + histories)))
        for world in worlds
        for start in range(first, first + histories, CHUNK)
    ]
    with ProcessPoolExecutor(workers) as pool:
        for found in pool.map(count, *zip(*jobs, strict=True)):
            for name, tally in found.items():
                tallies.setdefault(name, Tally()).merge(tally)
    return tallies


def main(given: list[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    arguments = _arguments(given)
    worlds: list[str] = arguments.world or list(WORLDS)
    if arguments.only is not None:
        for world in worlds[:1]:
            _only(world, arguments.only)
        return 0
    began = time.monotonic()
    tallies = _run(worlds, arguments.seed, arguments.histories, arguments.workers)
    print(table(tallies.items()))
    took = time.monotonic() - began
    print(f"\n{arguments.histories * len(worlds)} histories in {took:.0f} s")
    found = [line for name, tally in tallies.items() for line in violations(tally, name)]
    print("\n".join(found))
    return int(bool(found) and arguments.strict)


if __name__ == "__main__":
    sys.exit(main())

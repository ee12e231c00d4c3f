"""Play histories against the exchange of strangers, and print what the client concluded beside what was true."""

from __future__ import annotations

import argparse
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from tests.strangers.choices import Chosen, Value
from tests.strangers.draw import WORLDS, draw
from tests.strangers.play import count, judge, play
from tests.strangers.tally import NEVER, Tally, table, violations
from tests.strangers.timeline import timeline

CHUNK = 50


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.strangers", description=__doc__)
    parser.add_argument("--histories", type=int, default=200, help="how many of each world (default 200)")
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument(
        "--world", action="append", choices=tuple(WORLDS), help="only this world; may be repeated"
    )
    parser.add_argument(
        "--only", type=int, metavar="SEED", help="play one history of --world and print it as a timeline"
    )
    parser.add_argument(
        "--choose",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="this value of a choice of the table in every history; may be repeated, and then each case draws one",
    )
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--strict", action="store_true", help="exit 1 if a count that must be zero is not")
    return parser.parse_args(argv)


def _given(texts: list[str]) -> dict[str, Value]:
    """Read `--choose`; several values of one choice are kept side by side."""
    given: dict[str, tuple[str, ...]] = {}
    for text in texts:
        name, _, value = text.partition("=")
        given[name] = (*given.get(name, ()), value)
    Chosen(given, 0)  # refuses what the table does not have
    return dict(given)


def _only(world: str, seed: int, given: dict[str, Value]) -> None:
    played = play(draw(world, seed, given), loud=True)
    print(timeline(played))
    tally = judge(played)
    for name in (*NEVER, "said-executed-explained", "wrong-amount", "undecided-alone", "undecided-near"):
        if tally[name]:
            print(f"!! {tally[name]} {NEVER.get(name, name)}")


def _run(
    worlds: list[str], first: int, histories: int, workers: int, given: dict[str, Value]
) -> dict[str, Tally]:
    tallies: dict[str, Tally] = {}
    jobs = [
        (world, range(start, min(start + CHUNK, first + histories)), given)
        for world in worlds
        for start in range(first, first + histories, CHUNK)
    ]
    with ProcessPoolExecutor(workers) as pool:
        for found in pool.map(count, *zip(*jobs, strict=True)):
            for name, tally in found.items():
                tallies.setdefault(name, Tally()).merge(tally)
    return tallies


def main(argv: list[str] | None = None) -> int:
    """Run the command line; return its exit code."""
    arguments = _arguments(argv)
    worlds: list[str] = arguments.world or list(WORLDS)
    given = _given(arguments.choose)
    if arguments.only is not None:
        for world in worlds[:1]:
            _only(world, arguments.only, given)
        return 0
    began = time.monotonic()
    tallies = _run(worlds, arguments.seed, arguments.histories, arguments.workers, given)
    print(table(tallies.items()))
    took = time.monotonic() - began
    print(f"\n{arguments.histories * len(worlds)} histories in {took:.0f} s")
    found = [line for name, tally in tallies.items() for line in violations(tally, name)]
    print("\n".join(found))
    return int(bool(found) and arguments.strict)


if __name__ == "__main__":
    sys.exit(main())

"""Repay a hundred thousand times while everything fails, and count what went wrong: `make chaos`.

    python -m tests.chaos                                   100,000 repayments, two processes, seed 1
    python -m tests.chaos --repayments 2000 --seed 7        a shorter story
    python -m tests.chaos --only 1234                       one episode again, by the seed that was printed

The exchange is the sandbox's core in this process, on a clock that stands still until it is moved: waiting costs
nothing, and no time of this machine plays a part. The same seed gives the same story on every machine.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time

from tests.chaos.episode import WORLDS, Tally, play

# Long enough for stories to develop, short enough for the exchange's log to stay small.
PER_EPISODE = 250


def told(tally: Tally, episodes: int, seconds: float) -> str:
    """The numbers, as a table for a person."""
    rows: list[tuple[str, object, str]] = [
        ("repayments asked", tally.asked, "attempts whose INTENT was durable"),
        ("  arrived", tally.arrived, "requests that reached the exchange"),
        ("  executed", tally.executed, "requests that moved money"),
        ("  answers lost", tally.lost_answers, "attempts that were reconciled by evidence"),
        ("repaid twice", tally.twice, "must be 0"),
        ("plans overpaid", tally.overpaid, "must be 0"),
        ("lost from the journal", tally.lost, "must be 0"),
        ("left open", tally.left_open, "must be 0"),
        ("two writers at once", tally.two_writers, "must be 0"),
        ("over the limit (429)", tally.over_the_limit, "must be 0"),
        ("undecided", tally.undecided, "the evidence did not settle it, a person had to"),
        ("  with nobody near", tally.undecided_alone, "no stranger acted from the base look to the last one"),
        ("taken for executed", tally.mistaken, "a stranger repaid just as much in its place"),
        ("  unexplained", tally.mistaken_unexplained, "must be 0"),
        ("plans", tally.plans, f"{tally.plans_done} done"),
        ("processes killed", tally.deaths, "in the middle of their own code"),
        ("second processes refused", tally.intruders, "while the first one held the account"),
        ("faults of the exchange", tally.faults, "on repayments and on reads"),
        ("deeds of strangers", tally.deeds, "borrowed, repaid or moved on the same account"),
    ]
    lines = [f"{name:26} {value:>9,}   {what}" for name, value, what in rows]
    rules = ", ".join(f"{rule} {count}" for rule, count in tally.rules.most_common())
    lines.append(f"verdicts: {rules}")
    lines.append(f"{episodes} episodes in {seconds:.0f} s")
    return "\n".join([*lines, *tally.trouble[:20]])


def main(arguments: list[str] | None = None) -> int:
    """Play the episodes and print the count; 1 if anything is not 0 that must be."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.chaos", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--repayments", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=1, help="first seed; each episode takes the next one")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", type=int, metavar="SEED", help="play one episode, here")
    options = parser.parse_args(arguments)
    begun, total, episodes = time.monotonic(), Tally(), 0
    worlds = {name: Tally() for name in WORLDS}
    if options.only is not None:
        total, episodes = play(options.only, PER_EPISODE), 1
    else:
        # Rounds of a fixed size, so that the story does not depend on which worker is faster.
        context = multiprocessing.get_context("spawn")
        with context.Pool(options.workers) as pool:
            seed = options.seed
            while total.asked < options.repayments:
                missing = options.repayments - total.asked
                round_size = max(1, min(40, missing // PER_EPISODE))
                jobs = [(number, PER_EPISODE) for number in range(seed, seed + round_size)]
                for job, tally in zip(jobs, pool.starmap(play, jobs, chunksize=1), strict=True):
                    total += tally
                    worlds[tuple(WORLDS)[job[0] % len(WORLDS)]] += tally
                seed, episodes = seed + round_size, episodes + round_size
                print(
                    f"  {total.asked:,} asked, {total.twice} twice, {total.lost} lost",
                    file=sys.stderr,
                    flush=True,
                )
    print(told(total, episodes, time.monotonic() - begun))
    for name, tally in worlds.items():
        print(
            f"world {name:18} asked {tally.asked:>7,}  judged {tally.lost_answers:>6,}  twice {tally.twice}  overpaid "
            f"{tally.overpaid}  undecided {tally.undecided:>5,}, alone {tally.undecided_alone:>4,}  mistaken "
            f"{tally.mistaken}, unexplained {tally.mistaken_unexplained}"
        )
    return 0 if total.sound else 1


if __name__ == "__main__":
    sys.exit(main())

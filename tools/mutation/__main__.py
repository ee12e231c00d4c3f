"""Measure what the tests notice, and write RESULTS.md.

python -m tools.mutation                       the catalogue, then the sample; the result is committed
python -m tools.mutation --only "the cap"      the wrong ideas whose id holds the text; writes nothing
python -m tools.mutation --area verdict        one area; writes nothing
python -m tools.mutation --seed 7              another sample; writes nothing
python -m tools.mutation --ideas 20            20 wrong ideas, drawn with the seed, and no sample; writes nothing
"""

import argparse
import random
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tools.mutation.areas import ROOT, Areas, Mutation
from tools.mutation.ideas import Idea, catalogue
from tools.mutation.results import RESULTS, page, rates, read_ideas
from tools.mutation.runner import Change, Outcome, Runner, preload, stop


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the measurement.

    Args:
        arguments: The command line; that of the process by default.

    Returns:
        0 if every wrong idea of the catalogue was noticed, 1 if one was not, 2 if the unchanged tree fails.
    """
    parser = _parser()
    chosen = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, stop)
    ends_at = time.monotonic() + 60 * chosen.minutes
    areas = Areas()
    if chosen.area is not None and chosen.area not in areas.areas:
        parser.error(f"there is no area {chosen.area}; there are {', '.join(areas.areas)}")
    tool, mutations = (
        ("", []) if chosen.only or chosen.ideas else areas.drawn(chosen.interpreter, chosen.seed)
    )
    mutations = [each for each in mutations if chosen.area in (None, each.area)]
    ideas = [
        idea for idea in catalogue() if chosen.area in (None, idea.area) and (chosen.only or "") in idea.id
    ]
    if chosen.ideas is not None:
        draw = random.Random(areas.seed if chosen.seed is None else chosen.seed)  # a sample, no secret
        ideas = sorted(draw.sample(ideas, min(chosen.ideas, len(ideas))), key=lambda idea: idea.id)
    equivalent = {each.id: reason for each in mutations if (reason := areas.equivalent(each)) is not None}
    before = read_ideas(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    changes = [_of_idea(idea, areas, before.get(idea.id, "")) for idea in ideas]
    sampled = [_of_mutation(each, areas) for each in mutations if each.id not in equivalent]
    preload()
    runner = Runner(chosen.jobs, areas.not_asked)
    asked = {change.area for change in (*changes, *sampled)}
    if not chosen.trust and not _unchanged_passes(runner, areas, asked):
        return 2
    seen = _Progress(len(changes) + len(sampled))
    found = runner.run([*changes, *sampled], seen, ends_at)
    of_ideas, of_sample = found[: len(changes)], found[len(changes) :]
    if len(found) < len(changes) + len(sampled):
        print(f"the time is over: {len(found)} of {len(changes) + len(sampled)} were tried")
    _summary(of_ideas, of_sample)
    if (chosen.only, chosen.area, chosen.seed, chosen.ideas) != (None, None, None, None):
        print("a part, or another sample: nothing is written")
    else:
        head = _head(tool, areas.seed, len(mutations), of_sample, len(sampled))
        by_id = {each.id: each for each in mutations}
        RESULTS.write_text(page(of_ideas, of_sample, by_id, head, equivalent), "utf-8")
        print(RESULTS.relative_to(ROOT))
    return 0 if len(of_ideas) == len(changes) and all(each.result == "noticed" for each in of_ideas) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.mutation",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", help="only wrong ideas whose id holds this text, and no sample")
    parser.add_argument("--area", help="only this area")
    parser.add_argument("--seed", type=int, help="draw another sample")
    parser.add_argument(
        "--ideas", type=int, help="only so many wrong ideas, drawn with the seed, and no sample"
    )
    parser.add_argument("--jobs", type=int, default=2, help="how many are tried at a time")
    parser.add_argument(
        "--minutes", type=float, default=30.0, help="no change is begun after so many minutes"
    )
    parser.add_argument(
        "--trust", action="store_true", help="do not ask the tests about the unchanged tree first"
    )
    parser.add_argument(
        "--interpreter",
        type=Path,
        default=ROOT / ".build" / "mutation-env" / "bin" / "python",
        help="a Python that has what requirements/mutation.txt names",
    )
    return parser


def _head(tool: str, seed: int, drawn: int, tried: Sequence[Outcome], wanted: int) -> list[str]:
    invalid = sum(outcome.result == "invalid" for outcome in tried)
    lines = [
        "Written by `make mutants`: one change at a time in a copy of the tree. Wrong ideas are those of",
        f"`catalogue.yaml`. The sample is {drawn} mutations that {tool} makes, drawn with the seed {seed} from",
        "the code that `areas.yaml` names; it also names the tests that are asked.",
    ]
    if invalid:
        lines.append(
            f"{invalid} of the sample proved nothing, since no test could be collected or the tests did not end."
        )
    if len(tried) < wanted:
        lines.append(f"The time was over after {len(tried)} of {wanted}.")
    return lines


def _of_idea(idea: Idea, areas: Areas, likely: str) -> Change:
    area = areas.areas[idea.area]
    again = idea.is_of_the_document
    return Change(idea.id, idea.area, idea.path, idea.applied, area.first, area.wider, again, likely)


def _of_mutation(mutation: Mutation, areas: Areas) -> Change:
    area = areas.areas[mutation.area]
    return Change(
        mutation.id, mutation.area, mutation.path, lambda _: mutation.source, area.first, area.wider
    )


def _unchanged_passes(runner: Runner, areas: Areas, asked: set[str]) -> bool:
    """Ask every test that will be asked about the unchanged tree, in as many shares as there are workers."""
    names = [
        name for area in areas.areas.values() if area.name in asked for name in (*area.first, *area.wider)
    ]
    tests = tuple(dict.fromkeys(names))
    shares = [tests[number :: runner.jobs] for number in range(runner.jobs)]
    whole = [
        Change(f"nothing, {number}", "", "pyproject.toml", str, share, ())
        for number, share in enumerate(shares)
        if share
    ]
    begun = time.monotonic()
    failed = [each for each in runner.run(whole, lambda _: None, begun + 3600) if each.result != "survived"]
    for each in failed:
        print(f"the unchanged tree fails: {each.noticed_by} {each.message}")
    print(f"the unchanged tree was asked in {time.monotonic() - begun:.0f} s", flush=True)
    return not failed


class _Progress:
    """Print each outcome as it comes."""

    def __init__(self, total: int) -> None:
        self._total, self._done = total, 0

    def __call__(self, outcome: Outcome) -> None:
        self._done += 1
        mark = "✓" if outcome.result == "noticed" else f"✗ {outcome.result.upper()}"
        print(
            f"{self._done:3d}/{self._total} {mark} {outcome.area}: {outcome.id}  "
            f"{outcome.noticed_by or outcome.message}  {outcome.seconds:.1f} s",
            flush=True,
        )


def _summary(ideas: Sequence[Outcome], sample: Sequence[Outcome]) -> None:
    for rate in rates(ideas, sample):
        print(f"{rate.area:13s} wrong ideas {rate.ideas[0]:3d} of {rate.ideas[1]:3d}   ", end="")
        print(f"sample {rate.sample[0]:3d} of {rate.sample[1]:3d}")
    for outcome in (*ideas, *sample):
        if outcome.result not in ("noticed", "invalid"):
            print(f"{outcome.result}: {outcome.area}: {outcome.id} {outcome.message}")


if __name__ == "__main__":
    sys.exit(main())

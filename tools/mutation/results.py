"""Write the result of `make mutants` as a page, and read it again."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tools.mutation.areas import Mutation
from tools.mutation.runner import Outcome

RESULTS: Final = Path(__file__).with_name("RESULTS.md")
_ROW: Final = re.compile(r"\| (?P<area>[\w-]+) \| (?P<ideas>\d+ of \d+|–) \| (?P<sample>\d+ of \d+|–) \|")
_IDEA: Final = re.compile(r"\| (?P<area>[\w-]+) \| (?P<id>.+?) \| (?P<by>.+) \|")


@dataclass(frozen=True, slots=True)
class Rate:
    """Hold how many changes of an area were noticed.

    Attributes:
        area: The area.
        ideas: Noticed and tried wrong ideas of the catalogue.
        sample: Noticed and tried mutations of the sample.
    """

    area: str
    ideas: tuple[int, int]
    sample: tuple[int, int]


def rates(ideas: Sequence[Outcome], sample: Sequence[Outcome]) -> list[Rate]:
    """Count what was noticed, by area. What is invalid, stale or equivalent has proved nothing and does not count.

    Args:
        ideas: The outcomes of the catalogue.
        sample: The outcomes of the sample.
    """
    areas = dict.fromkeys(outcome.area for outcome in (*ideas, *sample))
    return [Rate(area, _count(ideas, area), _count(sample, area)) for area in areas]


def _count(outcomes: Sequence[Outcome], area: str) -> tuple[int, int]:
    mine = [outcome.result for outcome in outcomes if outcome.area == area]
    noticed, survived = mine.count("noticed"), mine.count("survived")
    return noticed, noticed + survived


def page(
    ideas: Sequence[Outcome],
    sample: Sequence[Outcome],
    mutations: Mapping[str, Mutation],
    head: Sequence[str],
    equivalent: Mapping[str, str],
) -> str:
    """Return the page.

    Args:
        ideas: The outcomes of the catalogue.
        sample: The outcomes of the sample; those that are equivalent are not among them.
        mutations: The mutations of the sample by their id.
        head: Sentences about how the sample was drawn.
        equivalent: The reason for each drawn mutation that changes nothing, by its id.
    """
    found = rates(ideas, sample)
    total = Rate("all", _sum([rate.ideas for rate in found]), _sum([rate.sample for rate in found]))
    lines = ["# What the tests notice", "", *head, ""]
    lines += ["| area | wrong ideas | sample |", "|---|---|---|"]
    lines += [f"| {rate.area} | {_of(rate.ideas)} | {_of(rate.sample)} |" for rate in (*found, total)]
    lines += ["", "## Survivors", ""]
    survivors = [outcome for outcome in (*ideas, *sample) if outcome.result not in ("noticed", "invalid")]
    if survivors:
        lines += ["| area | what | result | change |", "|---|---|---|---|"]
        for outcome in survivors:
            change = mutations[outcome.id].change if outcome.id in mutations else outcome.message
            lines.append(
                f"| {outcome.area} | {_cell(outcome.id)} | {outcome.result} | {_cell(change) or '–'} |"
            )
    else:
        lines.append("None.")
    if equivalent:
        lines += ["", "## Equivalent", "", "| what | why nothing can be observed |", "|---|---|"]
        lines += [f"| {_cell(name)} | {_cell(reason)} |" for name, reason in equivalent.items()]
    lines += [
        "",
        "## Which test noticed which wrong idea",
        "",
        "| area | wrong idea | noticed by |",
        "|---|---|---|",
    ]
    lines += [
        f"| {outcome.area} | {_cell(outcome.id)} | {_cell(outcome.noticed_by) or outcome.result} |"
        for outcome in ideas
    ]
    return "\n".join(lines) + "\n"


def read_rates(text: str) -> list[Rate]:
    """Return the rates that a page shows, the sum over all areas left out.

    Args:
        text: The page.
    """
    found = [_ROW.fullmatch(line) for line in text.splitlines()]
    return [
        Rate(row["area"], _pair(row["ideas"]), _pair(row["sample"]))
        for row in found
        if row is not None and row["area"] != "all"
    ]


def read_ideas(text: str) -> dict[str, str]:
    """Return the wrong ideas that a page names, each with what noticed it.

    Args:
        text: The page.
    """
    _, _, below = text.partition("## Which test noticed which wrong idea")
    rows = [_IDEA.fullmatch(line) for line in below.splitlines()]
    found = {row["id"].replace("\\|", "|"): row["by"].replace("\\|", "|") for row in rows if row is not None}
    found.pop("wrong idea", None)
    return found


def _sum(pairs: Sequence[tuple[int, int]]) -> tuple[int, int]:
    return sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)


def _of(pair: tuple[int, int]) -> str:
    return f"{pair[0]} of {pair[1]}" if pair[1] else "–"


def _pair(text: str) -> tuple[int, int]:
    first, _, second = text.partition(" of ")
    return (int(first), int(second)) if second else (0, 0)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")

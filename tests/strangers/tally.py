"""Count what a client concluded beside what the exchange did, and say which counts must be zero."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from statistics import median

# Worlds in which the evidence always decides as long as nobody else acts.
DECIDABLE = ("strict", "answers")

# What no client may do, whatever the world.
NEVER = {
    "said-not-but-was": "said not executed, but it was executed",
    "said-executed-unexplained": "said executed, but it was not, and nobody else lowered the debt",
    "overpaid": "plans for which the exchange executed more than was asked",
    "done-too-early": "plans called done while more is owed than the plan leaves",
    "nothing-sent-but-moved": "exit code 3 or 4 although something was executed",
    "without-intent": "repayments that arrived without an attempt in the journal",
    "crashes": "errors that are no PaydownError",
}


@dataclass(slots=True)
class Tally:
    """Hold counts of one or many histories.

    Attributes:
        counts: By name; the names are those of `NEVER` and of the columns of `TITLES`.
        times: Virtual seconds from each lost answer to its verdict.
        most_pieces: By how many of its own largest pieces a plan was overpaid at most.
        found: For each name in `NEVER`, the first seeds that showed it.
    """

    counts: Counter[str] = field(default_factory=Counter[str])
    times: list[float] = field(default_factory=list[float])
    most_pieces: Decimal = Decimal(0)
    found: dict[str, list[int]] = field(default_factory=dict[str, list[int]])

    def __getitem__(self, name: str) -> int:
        """Return a count."""
        return self.counts[name]

    def add(self, name: str, number: int = 1) -> None:
        """Count something."""
        self.counts[name] += number

    def blame(self, name: str, seed: int) -> None:
        """Count something that must not be, and remember where it was seen."""
        self.counts[name] += 1
        seeds = self.found.setdefault(name, [])
        if seed not in seeds:
            seeds.append(seed)

    def merge(self, other: Tally) -> None:
        """Add the counts of another."""
        self.counts.update(other.counts)
        self.times.extend(other.times)
        self.most_pieces = max(self.most_pieces, other.most_pieces)
        for name, seeds in other.found.items():
            self.found.setdefault(name, []).extend(seeds)

    def percent(self, part: str, whole: str) -> str:
        """Return a count as a percentage of another; "-" of nothing."""
        return f"{100 * self[part] / self[whole]:.1f}" if self[whole] else "-"

    @property
    def seconds(self) -> str:
        """Return the median time to a verdict."""
        return f"{median(self.times):.0f}" if self.times else "-"


TITLES = (
    "world",
    "histories",
    "requests",
    "deaths",
    "judged",
    "(near)",
    "said not, was",
    "(by answer)",
    "said was, not (a)",
    "(b)",
    "wrong amount",
    "overpaid",
    "pieces",
    "done early",
    "exit 3/4",
    "other",
    "undecided alone %",
    "undecided near %",
    "not executed, proven %",
    "median s",
)


def row(name: str, tally: Tally) -> tuple[str, ...]:
    """Return one line of the table, in the order of `TITLES`."""
    return (
        name,
        str(tally["histories"]),
        str(tally["requests"]),
        str(tally["deaths"]),
        str(tally["judged"]),
        str(tally["judged-near"]),
        str(tally["said-not-but-was"]),
        str(tally["said-not-by-answer"]),
        str(tally["said-executed-explained"]),
        str(tally["said-executed-unexplained"]),
        str(tally["wrong-amount"]),
        str(tally["overpaid"]),
        f"{tally.most_pieces:.2f}" if tally["overpaid"] else "-",
        str(tally["done-too-early"]),
        str(tally["nothing-sent-but-moved"]),
        str(tally["without-intent"] + tally["crashes"]),
        tally.percent("undecided-alone", "judged-alone"),
        tally.percent("undecided-near", "judged-near"),
        tally.percent("not-executed-proven", "not-executed-alone"),
        tally.seconds,
    )


LEGEND = """\
judged              attempts whose outcome no answer told, so that evidence had to decide; in brackets those with
                    somebody else acting on the same assets from the base reading of balances to the last one
said not, was       said "not executed" (or not sent, or refused) of what was executed; in brackets those said by an
                    answer alone, without looking
said was, not       said "executed" of what was not: (a) somebody else lowered the debt by about as much, (b) nobody did
wrong amount        said "executed" rightly, with an amount that is not what was repaid
overpaid            plans for which more was executed than asked (no single repayment that did more than it was told),
                    and by how many of the plan's largest pieces at most
done early          plans that are DONE while more is owed than they leave; interest and borrowings of others aside
exit 3/4            reports and errors that say "nothing sent" or "refused" although something was executed
other               repayments without an attempt in the journal, and errors that are no PaydownError
undecided           share of the judged attempts that stayed undecided: of those where nobody else acted (alone), and
                    of those where somebody did (near)
not executed, ...   share of the judged attempts that were not executed, with nobody near, that were proven so
median s            virtual seconds from a lost answer to its verdict, where no process died in between
*                   of these histories a choice was drawn that the table assumes away"""


def table(rows: Iterable[tuple[str, Tally]]) -> str:
    """Lay out one line for each world, and a legend."""
    lines = [TITLES, *(row(name, tally) for name, tally in rows)]
    heights = [max(map(len, title.split())) for title in TITLES]
    widths = [
        max(heights[i], *(len(line[i]) for line in lines[1:])) if lines[1:] else 9 for i in range(len(TITLES))
    ]
    heads = [_wrapped(title, widths[i]) for i, title in enumerate(TITLES)]
    tall = max(map(len, heads))
    out = [
        "  ".join(
            (" " * widths[i] if n < tall - len(head) else head[n - tall + len(head)].rjust(widths[i]))
            for i, head in enumerate(heads)
        )
        for n in range(tall)
    ]
    out.append("-" * len(out[0]))
    for line in lines[1:]:
        cells = [line[0].ljust(widths[0]), *(cell.rjust(widths[i]) for i, cell in enumerate(line) if i)]
        out.append("  ".join(cells))
    return "\n".join([*out, "", LEGEND])


def _wrapped(title: str, width: int) -> list[str]:
    lines = [""]
    for word in title.split():
        longer = f"{lines[-1]} {word}".strip()
        if len(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return [line for line in lines if line] or [""]


def violations(tally: Tally, world: str) -> list[str]:
    """Say what must be zero in a world and is not.

    Args:
        tally: The counts of histories whose choices are all considered; those that are assumed away are counted apart
            (their world's name ends in " *"), and nothing is demanded of them.
        world: Name of the world.

    Returns:
        One sentence for each count that is not zero, with seeds that show it.
    """
    if world.endswith("*"):
        return []
    found = [
        f"{world}: {tally[name]} {text}; seeds {sorted(tally.found.get(name, []))[:5]}"
        for name, text in NEVER.items()
        if tally[name]
    ]
    if world in DECIDABLE and tally["undecided-alone"]:
        seeds = sorted(tally.found.get("undecided-alone", []))[:5]
        found.append(
            f"{world}: {tally['undecided-alone']} attempts undecided with nobody near; seeds {seeds}"
        )
    return found

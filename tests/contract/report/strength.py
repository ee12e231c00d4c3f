"""Read the newest result of `make mutants`: how many wrong ideas and mutations the tests notice, by area."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.mutation.ideas import catalogue
from tools.mutation.results import RESULTS, Rate, read_ideas, read_rates


@dataclass(frozen=True, slots=True)
class Strength:
    """Hold the result.

    Attributes:
        rates: How many were noticed, by area.
        overlooked: The wrong ideas of the catalogue that no test noticed.
        stale: What is out of date about the result.
    """

    rates: tuple[Rate, ...] = ()
    overlooked: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()

    @property
    def ideas(self) -> tuple[int, int]:
        """Return how many wrong ideas were noticed, and how many were tried."""
        return sum(rate.ideas[0] for rate in self.rates), sum(rate.ideas[1] for rate in self.rates)

    @property
    def sample(self) -> tuple[int, int]:
        """Return how many mutations of the sample were noticed, and how many were tried."""
        return sum(rate.sample[0] for rate in self.rates), sum(rate.sample[1] for rate in self.rates)


def read(path: Path = RESULTS, ids: Sequence[str] | None = None) -> Strength:
    """Read the result, and compare it with the catalogue.

    Args:
        path: The page that `make mutants` wrote.
        ids: The wrong ideas that it must be about; those of the catalogue by default.
    """
    wanted = [idea.id for idea in catalogue()] if ids is None else ids
    if not path.exists():
        return Strength(stale=("there is no result: run `make mutants`",))
    text = path.read_text("utf-8")
    found = read_ideas(text)
    stale = [f"{name}: no longer in the catalogue, run `make mutants`" for name in found.keys() - set(wanted)]
    stale += [f"{name}: has no result, run `make mutants`" for name in wanted if name not in found]
    overlooked = tuple(name for name, by in found.items() if by in ("survived", "stale", "invalid"))
    return Strength(tuple(read_rates(text)), overlooked, tuple(sorted(stale)))

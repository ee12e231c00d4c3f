"""How much to try: fast in `make test`, full in `make contract`, deep in nights.

PAYDOWN_CONTRACT_PROFILE   fast (default), full (make contract) or deep (make contract-deep)
PAYDOWN_CONTRACT_SEED      a number; without one fast is always the same, and full and deep draw one and print it
PAYDOWN_CONTRACT_NO_SHRINK leaves a failing case as it was drawn (`make mutants`: that it fails is enough)
PAYDOWN_CONTRACT_REPORT    the folder to write a report to; without it nothing is counted
"""

import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

from hypothesis import HealthCheck, seed, settings

from tests.contract.support.places import ROOT


@dataclass(frozen=True, slots=True)
class Profile:
    """The amounts of one profile."""

    name: str
    phases: tuple[str, ...]  # of schemathesis
    stock_examples: int
    scenarios: int  # of each call's links
    examples: int  # of each property test
    steps: int  # of each life of a debt
    seed: int

    @property
    def examples_kept_in(self) -> str:
        """Where a deep run keeps what it found, so that the next night tries that first; the others keep nothing."""
        return str(ROOT / ".build" / "contract-examples") if self.name == "deep" else "none"


_SIZES = {
    "fast": (("examples", "coverage"), 1, 4, 25, 30),
    "full": (("examples", "coverage", "fuzzing"), 40, 15, 150, 50),
    "deep": (("examples", "coverage", "fuzzing"), 2_000, 500, 20_000, 200),
}


def is_asked_for() -> bool:
    """Whether a profile was chosen: then this run is about the contract, with all that belongs to it."""
    return "PAYDOWN_CONTRACT_PROFILE" in os.environ


@cache
def profile() -> Profile:
    """The profile of this run."""
    name = os.environ.get("PAYDOWN_CONTRACT_PROFILE", "fast")
    if name not in _SIZES:
        raise ValueError(f"PAYDOWN_CONTRACT_PROFILE is {name!r}: choose one of {', '.join(_SIZES)}")
    phases, stock, scenarios, examples, steps = _SIZES[name]
    text = os.environ.get("PAYDOWN_CONTRACT_SEED", "")
    seed = int(text) if text else 1 if name == "fast" else secrets.randbelow(2**32)
    os.environ["PAYDOWN_CONTRACT_SEED"] = str(seed)  # workers and children try the same
    return Profile(name, phases, stock, scenarios, examples, steps, seed)


def drawn(max_examples: int, **more: Any) -> settings:
    """How a property of this suite is drawn: without a deadline, the same in every fast run, kept nowhere."""
    return settings(
        max_examples=max_examples,
        deadline=None,
        database=None,
        derandomize=profile().name == "fast",
        suppress_health_check=list(HealthCheck),
        **more,
    )


def seeded(max_examples: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """The same as a decorator, from the seed of this run."""
    return lambda test: seed(profile().seed)(drawn(max_examples)(test))

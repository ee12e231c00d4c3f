"""How much to try: fast in `make test`, full in `make contract`, deep in nights.

PAYDOWN_CONTRACT_PROFILE   fast (default), full or deep
PAYDOWN_CONTRACT_SEED      a number; without one fast is always the same, and full and deep draw one and say it
PAYDOWN_CONTRACT_REPORT    the folder to write a report to; without it nothing is counted
"""

import os
import secrets
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class Profile:
    """The amounts of one profile."""

    name: str
    phases: tuple[str, ...]  # of schemathesis
    stock_examples: int
    examples: int  # of each property test
    steps: int  # of each life of a debt
    seed: int


_SIZES = {
    "fast": (("examples", "coverage"), 1, 25, 30),
    "full": (("examples", "coverage", "fuzzing"), 5, 150, 50),
    "deep": (("examples", "coverage", "fuzzing"), 300, 20_000, 200),
}


@cache
def profile() -> Profile:
    """The profile of this run."""
    name = os.environ.get("PAYDOWN_CONTRACT_PROFILE", "fast")
    phases, stock, examples, steps = _SIZES[name]
    text = os.environ.get("PAYDOWN_CONTRACT_SEED", "")
    seed = int(text) if text else 1 if name == "fast" else secrets.randbelow(2**32)
    os.environ["PAYDOWN_CONTRACT_SEED"] = str(seed)  # workers and children try the same
    return Profile(name, phases, stock, examples, steps, seed)

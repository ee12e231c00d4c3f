"""Which ledger of request weight a client uses when it is not told.

The exchange counts per IP address, so every process of a machine that talks to it must share one ledger:
`shared` is the default. A local exchange (loopback) counts for one test or one demonstration, and is often
restarted with its counters at zero, which a ledger that outlives it cannot know: there `memory` is the default.
`PAYDOWN_BUDGET` and `Client(budget=...)` say otherwise.
"""

from __future__ import annotations

import os
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final, Literal

from paydown.errors import InvalidRequest

if TYPE_CHECKING:
    from paydown.budget.protocol import Budget
    from paydown.clock import ExchangeClock

BudgetName = Literal["shared", "memory"]
BUDGET_VARIABLE: Final = "PAYDOWN_BUDGET"


def is_loopback(host: str) -> bool:
    """Whether a host name or address stays on this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def budget_name(asked: str | None, host: str) -> BudgetName:
    """The name of the ledger to use.

    Args:
        asked: What the caller said; `None` asks the environment, then the host.
        host: Host that the calls go to.

    Raises:
        InvalidRequest: It is no name of a ledger.
    """
    source = "budget"
    if asked is None:
        asked = os.environ.get(BUDGET_VARIABLE) or None
        source = BUDGET_VARIABLE
    if asked is None:
        return "memory" if is_loopback(host) else "shared"
    if asked == "shared":
        return "shared"
    if asked == "memory":
        return "memory"
    raise InvalidRequest(
        f'{source} must be "shared" (one ledger for all processes of this machine) or "memory" (this client '
        f"alone), not {asked!r}.",
        parameter="budget",
    )


def open_budget(name: BudgetName, origin: str, clock: ExchangeClock | None) -> Budget:
    """The ledger of that name, for calls to `origin`."""
    if name == "memory":
        from paydown.budget.memory import MemoryBudget

        return MemoryBudget(clock=clock)
    from paydown.budget.sqlite import SqliteBudget

    return SqliteBudget(origin, clock=clock)

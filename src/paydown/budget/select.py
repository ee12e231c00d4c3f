"""The budget of request weight that a client uses by default.

The exchange counts per IP address, so every process of a machine that talks to it must share one budget:
`shared` is the default. A local exchange (loopback) counts for one test or one demonstration, and is often
restarted with its counters at zero, which a budget that outlives it cannot know: there `memory` is the default.
`PAYDOWN_BUDGET` and `Client(budget=...)` override that.
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
    """Return whether a host name or address stays on this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def budget_name(asked: str | None, host: str) -> BudgetName:
    """Return the name of the budget to use.

    Args:
        asked: The name that the caller passed; `None` asks the environment, then the host.
        host: Host that the calls go to.

    Raises:
        InvalidRequest: It is no name of a budget.
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
        f'{source} must be "shared" (one budget for all processes of this machine) or "memory" (this client '
        f"alone), not {asked!r}.",
        parameter="budget",
    )


def open_budget(name: BudgetName, origin: str, clock: ExchangeClock | None) -> Budget:
    """Return the budget of a name.

    Args:
        name: "shared" or "memory".
        origin: Scheme, host and port that the calls go to.
        clock: Shows where the exchange's minute begins, if it is known.
    """
    if name == "memory":
        from paydown.budget.memory import MemoryBudget

        return MemoryBudget(clock=clock)
    from paydown.budget.sqlite import SqliteBudget

    return SqliteBudget(origin, clock=clock)

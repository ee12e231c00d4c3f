"""Make a sandbox fail in a chosen way, and stop it."""

from __future__ import annotations

from typing import Any

from paydown_sandbox.exchange import Exchange
from paydown_sandbox.faults.scenario import find_scenario, read_scenario, start_scenario

__all__ = ["FaultControl"]


class FaultControl:
    """The faults of a sandbox.

    Args:
        exchange: The sandbox that fails.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def fail(self, /, fault: str, *, times: int | None = 1, **members: object) -> int:
        """Arm a fault and return its id.

        Args:
            fault: The name of the fault; docs/faults.md lists them.
            times: How often it strikes; `None` for every time.
            members: Further members of the fault as the control API has them, such as `match` or `delay_ms`.

        Raises:
            StateError: There is no such fault or member.
        """
        return self._exchange.faults.arm({"fault": fault, "times": times, **members}).id

    def drop_next_answer(self) -> None:
        """Execute the next call that moves money, and reset the connection instead of answering."""
        self.fail("executed_then_reset", match={"method": "POST"})

    def lose_next_answer(self) -> None:
        """Execute the next call that moves money, and answer it with a 503 that proves nothing."""
        self.fail("executed_then_503", match={"method": "POST"})

    def hold_next_answer(self, delay_ms: int) -> None:
        """Execute the next call that moves money at once, and answer it `delay_ms` milliseconds later."""
        self.fail("executed_then_delay", match={"method": "POST"}, delay_ms=delay_ms)

    def play(self, scenario: str | dict[str, Any]) -> None:
        """Start a scenario: a bundled one by its name, or a scenario document.

        Raises:
            StateError: There is no such scenario, or the document is wrong.
        """
        found = find_scenario(scenario) if isinstance(scenario, str) else read_scenario(scenario)
        start_scenario(self._exchange.faults, found, self._exchange.clock.now_ms())

    def heal(self) -> None:
        """Disarm every fault."""
        self._exchange.faults.disarm()

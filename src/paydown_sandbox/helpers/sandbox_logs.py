"""Read which requests reached a sandbox, and what it executed."""

from __future__ import annotations

from paydown_sandbox.exchange import Exchange
from paydown_sandbox.serving.control.log_endpoints import ledger_json

__all__ = ["SandboxLogs"]


class SandboxLogs:
    """The logs of a sandbox, as the control API shows them.

    Args:
        exchange: The sandbox whose logs they are.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    def requests(self, method: str | None = None, path: str | None = None) -> list[dict[str, object]]:
        """Return the requests that arrived, oldest first, each with what was decided about it.

        Args:
            method: Only requests of this method, in capitals; all if absent.
            path: Only requests for this path, without a query; all if absent.
        """
        return [
            record.as_json()
            for record in self._exchange.requests
            if (method is None or record.method == method) and (path is None or record.path == path)
        ]

    def ledger(self) -> list[dict[str, object]]:
        """Return what was executed, oldest first. Amounts are exact decimal texts."""
        return [ledger_json(line) for line in self._exchange.lines]

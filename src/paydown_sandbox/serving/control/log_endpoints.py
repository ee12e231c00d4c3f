"""Serve the sandbox's logs in the control API: what was executed, and which requests arrived."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from paydown_sandbox.books.exact_amounts import exact_text
from paydown_sandbox.books.ledger_line import LedgerLine
from paydown_sandbox.exchange import Exchange
from paydown_sandbox.serving.control.control_requests import query_number

__all__ = ["LogEndpoints", "ledger_json"]


def ledger_json(line: LedgerLine) -> dict[str, object]:
    """Return a ledger line as `GET /_sandbox/ledger` shows it. Amounts are exact decimal texts."""
    return {
        "id": line.id,
        "time": line.time_ms,
        "account": line.account,
        "operation": line.operation,
        "asset": line.asset,
        "interest_repaid": exact_text(line.interest),
        "principal_repaid": exact_text(line.principal),
        "transfers": [
            {"asset": t.asset, "amount": exact_text(t.amount), "from": t.source, "to": t.target}
            for t in line.transfers
        ],
        "tran_id": line.tran_id,
        "request": line.request,
    }


class LogEndpoints:
    """Serve /_sandbox/ledger and /_sandbox/requests.

    Args:
        exchange: The sandbox that is read and changed.
        durable: Waits until every change so far is in the file of `--data`, if there is one.
    """

    def __init__(self, exchange: Exchange, durable: Callable[[], Awaitable[None]]) -> None:
        self._exchange = exchange
        self._durable = durable

    async def get_ledger(self, request: Request) -> Response:
        """Show what was executed, oldest first: `?after=ID&limit=N&account=ID`."""
        after = query_number(request, "after", 0, 2**63)
        limit = query_number(request, "limit", 10_000, 100_000)
        account = request.query_params.get("account")
        found: list[dict[str, object]] = []
        for line in self._exchange.lines:
            if line.id > after and (account is None or line.account == account):
                if len(found) >= limit:
                    break
                found.append(ledger_json(line))
        return JSONResponse({"entries": found, "next_id": self._exchange.next_line_id})

    async def get_requests(self, request: Request) -> Response:
        """Show the requests that arrived, oldest first: `?after=ID&limit=N&method=M&path=P&operation=O`."""
        after = query_number(request, "after", 0, 2**63)
        limit = query_number(request, "limit", 10_000, 100_000)
        wanted = {
            name: request.query_params[name]
            for name in ("method", "path", "operation")
            if name in request.query_params
        }
        found: list[dict[str, object]] = []
        for record in self._exchange.requests:
            if record.id > after and all(getattr(record, name) == value for name, value in wanted.items()):
                if len(found) >= limit:
                    break
                found.append(record.as_json())
        return JSONResponse({"requests": found, "next_id": self._exchange.requests.next_id})

    async def delete_requests(self, request: Request) -> Response:
        """Forget the requests that arrived; ids go on."""
        deleted = self._exchange.requests.clear()
        await self._durable()
        return JSONResponse({"deleted": deleted})

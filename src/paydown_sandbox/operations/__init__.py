"""One function per call of the document, found by its `operationId`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from paydown_sandbox.operations import account, margin, market

if TYPE_CHECKING:
    from paydown_sandbox.exchange import Handler

__all__ = ["HANDLERS"]

HANDLERS: dict[str, Handler] = {
    "ping": market.ping,
    "serverTime": market.server_time,
    "accountBalance": account.account_balance,
    "accountInformation": account.account_information,
    "repayDebt": margin.repay_debt,
}

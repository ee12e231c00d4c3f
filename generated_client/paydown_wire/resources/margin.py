# Written by `make generate` from openapi/paths/margin.yaml and generator/templates/resource.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""Borrowing and repaying margin debt, and the ceilings of both."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from paydown_wire import models, operations
from paydown_wire.operation import UNSET, AsyncSender, Sender, Unset


class MarginResource:
    """Borrowing and repaying margin debt, and the ceilings of both."""

    __slots__ = ("_sender",)

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def repay_debt(
        self,
        *,
        asset: str,
        amount: Decimal | str | Unset = UNSET,
        specify_repay_assets: Sequence[str] | Unset = UNSET,
        recv_window: int | Unset = UNSET,
    ) -> models.RepayDebtResult:
        """Repay the margin debt of one asset, with that asset and others.

        Pays back the margin debt of `asset`, if needed by converting other assets of the account.

        There is no client id, no transaction id and nothing to query the outcome by. After a lost
        answer, read the balance before anything is sent again: a repeat is a second repayment.

        Args:
            asset: The asset that is owed.
            amount: How much of the debt to repay, in units of `asset`. Absent means all of it. At most
                8 digits after the point.
            specify_repay_assets: Assets to pay with, in order of preference. `asset` itself is always
                used first. Absent leaves the choice to the exchange. At most 20, no duplicates.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Returns:
            What the exchange reports as repaid. There is no transaction id, no list of assets spent, no
            price and no fee. The page describes none of these fields.

        Raises:
            RequestNotSent: Nothing left this machine. Nothing was executed; calling again is safe.
            RequestRejected: The exchange refused. Nothing was executed.
            OutcomeUnknown: It may have happened. Find out before calling again: a repeat may be
                executed a second time.

        POST /papi/v1/margin/repay-debt, security TRADE: API key and signature.
        Weight 3000 of 6000 per minute, counted per IP. Its scope is unsettled: the docs page prints
        order, the vendor's SDK prints ip.
        Limit: One repayment is worth at most 50,000 USD.
        Rules:
            - One call repays at most 50,000 USD of value, the limit included.
            - Without `amount` the whole debt of `asset` is repaid, on condition that the payment assets
              suffice.
            - With `amount` exactly that much is repaid, under the same condition.
            - What the account holds of `asset` is spent first, whether or not `specify_repay_assets`
              names it.
        Undocumented: 21 questions; openapi.json lists the assumptions made (`repayDebt`).
        Provenance: docs, sdk, live.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/trade/Margin-Account-Repay-Debt
        """
        return self._sender.send(
            operations.REPAY_DEBT,
            {
                "asset": asset,
                "amount": amount,
                "specifyRepayAssets": specify_repay_assets,
                "recvWindow": recv_window,
            },
            models.RepayDebtResult.from_json,
        )

    def repay_loan(
        self, *, asset: str, amount: Decimal | str, recv_window: int | Unset = UNSET
    ) -> models.TransactionId:
        """Repay margin debt in the owed asset itself.

        Pays `amount` of `asset` back. Nothing is converted.

        The answer carries an id that `records.repayments` finds again. A lost answer leaves no id: look
        for the record by asset and time before anything is sent again.

        Args:
            asset: The asset that is owed.
            amount: How much to repay, in units of `asset`. At most 8 digits after the point.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Returns:
            The id under which the movement is recorded.

        Raises:
            RequestNotSent: Nothing left this machine. Nothing was executed; calling again is safe.
            RequestRejected: The exchange refused. Nothing was executed.
            OutcomeUnknown: It may have happened. Find out before calling again: a repeat may be
                executed a second time.

        POST /papi/v1/repayLoan, security MARGIN: API key and signature.
        Weight 100 of 6000 per minute, counted per IP.
        Undocumented: 3 questions; openapi.json lists the assumptions made (`repayLoan`).
        Provenance: docs, sdk, live.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/trade/Margin-Account-Repay
        """
        return self._sender.send(
            operations.REPAY_LOAN,
            {"asset": asset, "amount": amount, "recvWindow": recv_window},
            models.TransactionId.from_json,
        )

    def borrow(
        self, *, asset: str, amount: Decimal | str, recv_window: int | Unset = UNSET
    ) -> models.TransactionId:
        """Borrow an asset on margin.

        Borrows `amount` of `asset`. Interest is charged at once and then hourly.

        The answer carries an id that `records.borrows` finds again. A lost answer leaves no id: look
        for the record by asset and time before anything is sent again.

        Args:
            asset: The asset to borrow.
            amount: How much to borrow, in units of `asset`. At most 8 digits after the point.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Returns:
            The id under which the movement is recorded.

        Raises:
            RequestNotSent: Nothing left this machine. Nothing was executed; calling again is safe.
            RequestRejected: The exchange refused. Nothing was executed.
            OutcomeUnknown: It may have happened. Find out before calling again: a repeat may be
                executed a second time.

        POST /papi/v1/marginLoan, security MARGIN: API key and signature.
        Weight 100 of 6000 per minute, counted per IP.
        Seen: 51061. The lending pool is too small for the request.
        Provenance: docs, sdk, live.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/trade/Margin-Account-Borrow
        """
        return self._sender.send(
            operations.MARGIN_BORROW,
            {"asset": asset, "amount": amount, "recvWindow": recv_window},
            models.TransactionId.from_json,
        )

    def max_borrowable(self, *, asset: str, recv_window: int | Unset = UNSET) -> models.MaxBorrowable:
        """Read how much of an asset can be borrowed.

        What the lending pool and the level of the account allow now. An empty pool is an error, not
        zero.

        Args:
            asset: Asset code.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Returns:
            What can be borrowed of one asset.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /papi/v1/margin/maxBorrowable, security USER_DATA: API key and signature.
        Weight 5 of 6000 per minute, counted per IP.
        Seen: 51061. The lending pool is empty.
        Provenance: docs, sdk, live.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/account/Margin-Max-Borrow
        """
        return self._sender.send(
            operations.MAX_BORROWABLE,
            {"asset": asset, "recvWindow": recv_window},
            models.MaxBorrowable.from_json,
        )

    def max_withdraw(self, *, asset: str, recv_window: int | Unset = UNSET) -> models.MaxWithdraw:
        """Read how much of an asset can be withdrawn from the cross-margin wallet.

        In units of the asset.

        Args:
            asset: Asset code.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Returns:
            What can be withdrawn of one asset.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /papi/v1/margin/maxWithdraw, security USER_DATA: API key and signature.
        Weight 5 of 6000 per minute, counted per IP.
        Provenance: docs, sdk.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/account/Query-Margin-Max-Withdraw
        """
        return self._sender.send(
            operations.MAX_WITHDRAW, {"asset": asset, "recvWindow": recv_window}, models.MaxWithdraw.from_json
        )


class AsyncMarginResource:
    """Borrowing and repaying margin debt, and the ceilings of both.

    Awaited; `MarginResource` is the blocking twin.
    """

    __slots__ = ("_sender",)

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender

    async def repay_debt(
        self,
        *,
        asset: str,
        amount: Decimal | str | Unset = UNSET,
        specify_repay_assets: Sequence[str] | Unset = UNSET,
        recv_window: int | Unset = UNSET,
    ) -> models.RepayDebtResult:
        """Repay the margin debt of one asset, with that asset and others.

        Pays back the margin debt of `asset`, if needed by converting other assets of the account.

        There is no client id, no transaction id and nothing to query the outcome by. After a lost
        answer, read the balance before anything is sent again: a repeat is a second repayment.

        Args:
            asset: The asset that is owed.
            amount: How much of the debt to repay, in units of `asset`. Absent means all of it. At most
                8 digits after the point.
            specify_repay_assets: Assets to pay with, in order of preference. `asset` itself is always
                used first. Absent leaves the choice to the exchange. At most 20, no duplicates.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Returns:
            What the exchange reports as repaid. There is no transaction id, no list of assets spent, no
            price and no fee. The page describes none of these fields.

        Raises:
            RequestNotSent: Nothing left this machine. Nothing was executed; calling again is safe.
            RequestRejected: The exchange refused. Nothing was executed.
            OutcomeUnknown: It may have happened. Find out before calling again: a repeat may be
                executed a second time.

        POST /papi/v1/margin/repay-debt, security TRADE: API key and signature.
        Weight 3000 of 6000 per minute, counted per IP. Its scope is unsettled: the docs page prints
        order, the vendor's SDK prints ip.
        Limit: One repayment is worth at most 50,000 USD.
        Rules:
            - One call repays at most 50,000 USD of value, the limit included.
            - Without `amount` the whole debt of `asset` is repaid, on condition that the payment assets
              suffice.
            - With `amount` exactly that much is repaid, under the same condition.
            - What the account holds of `asset` is spent first, whether or not `specify_repay_assets`
              names it.
        Undocumented: 21 questions; openapi.json lists the assumptions made (`repayDebt`).
        Provenance: docs, sdk, live.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/trade/Margin-Account-Repay-Debt
        """
        return await self._sender.send(
            operations.REPAY_DEBT,
            {
                "asset": asset,
                "amount": amount,
                "specifyRepayAssets": specify_repay_assets,
                "recvWindow": recv_window,
            },
            models.RepayDebtResult.from_json,
        )

    async def repay_loan(
        self, *, asset: str, amount: Decimal | str, recv_window: int | Unset = UNSET
    ) -> models.TransactionId:
        """Repay margin debt in the owed asset itself.

        Pays `amount` of `asset` back. Nothing is converted.

        The answer carries an id that `records.repayments` finds again. A lost answer leaves no id: look
        for the record by asset and time before anything is sent again.

        Args:
            asset: The asset that is owed.
            amount: How much to repay, in units of `asset`. At most 8 digits after the point.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Returns:
            The id under which the movement is recorded.

        Raises:
            RequestNotSent: Nothing left this machine. Nothing was executed; calling again is safe.
            RequestRejected: The exchange refused. Nothing was executed.
            OutcomeUnknown: It may have happened. Find out before calling again: a repeat may be
                executed a second time.

        POST /papi/v1/repayLoan, security MARGIN: API key and signature.
        Weight 100 of 6000 per minute, counted per IP.
        Undocumented: 3 questions; openapi.json lists the assumptions made (`repayLoan`).
        Provenance: docs, sdk, live.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/trade/Margin-Account-Repay
        """
        return await self._sender.send(
            operations.REPAY_LOAN,
            {"asset": asset, "amount": amount, "recvWindow": recv_window},
            models.TransactionId.from_json,
        )

    async def borrow(
        self, *, asset: str, amount: Decimal | str, recv_window: int | Unset = UNSET
    ) -> models.TransactionId:
        """Borrow an asset on margin.

        Borrows `amount` of `asset`. Interest is charged at once and then hourly.

        The answer carries an id that `records.borrows` finds again. A lost answer leaves no id: look
        for the record by asset and time before anything is sent again.

        Args:
            asset: The asset to borrow.
            amount: How much to borrow, in units of `asset`. At most 8 digits after the point.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Returns:
            The id under which the movement is recorded.

        Raises:
            RequestNotSent: Nothing left this machine. Nothing was executed; calling again is safe.
            RequestRejected: The exchange refused. Nothing was executed.
            OutcomeUnknown: It may have happened. Find out before calling again: a repeat may be
                executed a second time.

        POST /papi/v1/marginLoan, security MARGIN: API key and signature.
        Weight 100 of 6000 per minute, counted per IP.
        Seen: 51061. The lending pool is too small for the request.
        Provenance: docs, sdk, live.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/trade/Margin-Account-Borrow
        """
        return await self._sender.send(
            operations.MARGIN_BORROW,
            {"asset": asset, "amount": amount, "recvWindow": recv_window},
            models.TransactionId.from_json,
        )

    async def max_borrowable(self, *, asset: str, recv_window: int | Unset = UNSET) -> models.MaxBorrowable:
        """Read how much of an asset can be borrowed.

        What the lending pool and the level of the account allow now. An empty pool is an error, not
        zero.

        Args:
            asset: Asset code.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Returns:
            What can be borrowed of one asset.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /papi/v1/margin/maxBorrowable, security USER_DATA: API key and signature.
        Weight 5 of 6000 per minute, counted per IP.
        Seen: 51061. The lending pool is empty.
        Provenance: docs, sdk, live.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/account/Margin-Max-Borrow
        """
        return await self._sender.send(
            operations.MAX_BORROWABLE,
            {"asset": asset, "recvWindow": recv_window},
            models.MaxBorrowable.from_json,
        )

    async def max_withdraw(self, *, asset: str, recv_window: int | Unset = UNSET) -> models.MaxWithdraw:
        """Read how much of an asset can be withdrawn from the cross-margin wallet.

        In units of the asset.

        Args:
            asset: Asset code.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Returns:
            What can be withdrawn of one asset.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /papi/v1/margin/maxWithdraw, security USER_DATA: API key and signature.
        Weight 5 of 6000 per minute, counted per IP.
        Provenance: docs, sdk.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/account/Query-Margin-Max-Withdraw
        """
        return await self._sender.send(
            operations.MAX_WITHDRAW, {"asset": asset, "recvWindow": recv_window}, models.MaxWithdraw.from_json
        )

# Written by `make generate` from openapi/paths/futures_debt.yaml and generator/templates/resource.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""Negative futures balances: a different debt, which repay-debt does not cover."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from paydown_wire import codec, models, operations
from paydown_wire.operation import UNSET, AsyncSender, Sender, Unset


class FuturesDebtResource:
    """Negative futures balances: a different debt, which repay-debt does not cover."""

    __slots__ = ("_sender",)

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def interest(
        self,
        *,
        asset: str | Unset = UNSET,
        start_time: int | Unset = UNSET,
        end_time: int | Unset = UNSET,
        size: int | Unset = UNSET,
        recv_window: int | Unset = UNSET,
    ) -> list[models.NegativeBalanceInterest]:
        """Look up interest charged on negative futures balances.

        One row per daily charge. Newest first. There is no page parameter: narrow the times to see more
        than `size` rows. `interest_rate` is a daily rate, charged daily: 210000 x 0.0001164 = 24.444.

        Args:
            asset: Asset code. Absent selects all assets.
            start_time: Start of the window, ms UTC.
            end_time: End of the window, ms UTC.
            size: Rows per page, default 10, at most 100.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Returns:
            A list of `NegativeBalanceInterest`. One daily charge on a negative futures balance.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /papi/v1/portfolio/interest-history, security USER_DATA: API key and signature.
        Weight 50 of 6000 per minute, counted per IP.
        Rules:
            - `start_time` and `end_time` lie at most 30 days apart.
            - Without times, the last 7 days.
            - With `start_time` alone, up to now, clipped to the last 30 days.
            - With `end_time` alone, the 7 days before it.
        Provenance: docs, sdk.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/account/Query-Portfolio-Margin-Negative-Balance-Interest-History
        """
        return self._sender.send(
            operations.NEGATIVE_BALANCE_INTEREST_HISTORY,
            {
                "asset": asset,
                "startTime": start_time,
                "endTime": end_time,
                "size": size,
                "recvWindow": recv_window,
            },
            codec.list_of(models.NegativeBalanceInterest.from_json),
        )

    def iter_interest(
        self,
        *,
        asset: str | Unset = UNSET,
        start_time: int | Unset = UNSET,
        end_time: int | Unset = UNSET,
        size: int | Unset = UNSET,
        recv_window: int | Unset = UNSET,
    ) -> Iterator[models.NegativeBalanceInterest]:
        """Iterate over every row of `interest`, page by page.

        One row per daily charge. Newest first. There is no page parameter: narrow the times to see more
        than `size` rows. `interest_rate` is a daily rate, charged daily: 210000 x 0.0001164 = 24.444.

        A span longer than 30 days is cut into windows that the exchange accepts. No row is lost or
        doubled at a seam.

        Args:
            asset: Asset code. Absent selects all assets.
            start_time: Start of the window, ms UTC.
            end_time: End of the window, ms UTC.
            size: Rows per page, default 10, at most 100.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Yields:
            One daily charge on a negative futures balance.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /papi/v1/portfolio/interest-history, security USER_DATA: API key and signature.
        Weight 50 of 6000 per minute, counted per IP.
        Rules:
            - `start_time` and `end_time` lie at most 30 days apart.
            - Without times, the last 7 days.
            - With `start_time` alone, up to now, clipped to the last 30 days.
            - With `end_time` alone, the 7 days before it.
        Provenance: docs, sdk.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/account/Query-Portfolio-Margin-Negative-Balance-Interest-History
        """
        return self._sender.iterate(
            operations.NEGATIVE_BALANCE_INTEREST_HISTORY,
            {
                "asset": asset,
                "startTime": start_time,
                "endTime": end_time,
                "size": size,
                "recvWindow": recv_window,
            },
            models.NegativeBalanceInterest.from_json,
        )

    def exchange_records(
        self, *, start_time: int, end_time: int, recv_window: int | Unset = UNSET
    ) -> models.NegativeBalanceExchangeRecordList:
        """Look up automatic exchanges that covered negative futures balances.

        One row per exchange, with the assets it covered. Newest first. The whole window comes in one
        answer.

        Args:
            start_time: Start of the window, ms UTC, at most 3 months before `end_time`.
            end_time: End of the window, ms UTC.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Returns:
            Automatic exchanges, newest first.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /papi/v1/portfolio/negative-balance-exchange-record, security USER_DATA: API key and signature.
        Weight 100 of 6000 per minute, counted per IP.
        Rules:
            - `start_time` and `end_time` lie at most 3 months apart.
        Provenance: docs, sdk.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/account/Query-User-Negative-Balance-Auto-Exchange-Record
        """
        return self._sender.send(
            operations.NEGATIVE_BALANCE_EXCHANGE_RECORDS,
            {"startTime": start_time, "endTime": end_time, "recvWindow": recv_window},
            models.NegativeBalanceExchangeRecordList.from_json,
        )

    def iter_exchange_records(
        self, *, start_time: int, end_time: int, recv_window: int | Unset = UNSET
    ) -> Iterator[models.NegativeBalanceExchangeRecord]:
        """Iterate over every row of `exchange_records`, page by page.

        One row per exchange, with the assets it covered. Newest first. The whole window comes in one
        answer.

        A span longer than 89 days is cut into windows that the exchange accepts. No row is lost or
        doubled at a seam.

        Args:
            start_time: Start of the window, ms UTC, at most 3 months before `end_time`.
            end_time: End of the window, ms UTC.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Yields:
            One automatic exchange.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /papi/v1/portfolio/negative-balance-exchange-record, security USER_DATA: API key and signature.
        Weight 100 of 6000 per minute, counted per IP.
        Rules:
            - `start_time` and `end_time` lie at most 3 months apart.
        Provenance: docs, sdk.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/account/Query-User-Negative-Balance-Auto-Exchange-Record
        """
        return self._sender.iterate(
            operations.NEGATIVE_BALANCE_EXCHANGE_RECORDS,
            {"startTime": start_time, "endTime": end_time, "recvWindow": recv_window},
            models.NegativeBalanceExchangeRecord.from_json,
        )

    def repay(self, *, recv_window: int | Unset = UNSET) -> models.Confirmation:
        """Repay all negative futures balances from the cross-margin wallet.

        Takes no argument and names no amount. Listed as USER_DATA, although it moves funds.

        Args:
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Returns:
            The exchange's plain yes.

        Raises:
            RequestNotSent: Nothing left this machine. Nothing was executed; calling again is safe.
            RequestRejected: The exchange refused. Nothing was executed.
            OutcomeUnknown: It may have happened. Find out before calling again: a repeat may be
                executed a second time.

        POST /papi/v1/repay-futures-negative-balance, security USER_DATA: API key and signature.
        Weight 750 of 6000 per minute, counted per IP.
        Provenance: docs, sdk.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/account/Repay-futures-Negative-Balance
        """
        return self._sender.send(
            operations.REPAY_FUTURES_NEGATIVE_BALANCE,
            {"recvWindow": recv_window},
            models.Confirmation.from_json,
        )

    def auto_repay_status(self, *, recv_window: int | Unset = UNSET) -> models.AutoRepayStatus:
        """Read whether negative futures balances are repaid automatically.

        On or off.

        Args:
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Returns:
            Whether negative futures balances are repaid automatically.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /papi/v1/repay-futures-switch, security USER_DATA: API key and signature.
        Weight 30 of 6000 per minute, counted per IP.
        Provenance: docs, sdk.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/account/Get-Auto-repay-futures-Status
        """
        return self._sender.send(
            operations.AUTO_REPAY_FUTURES_STATUS,
            {"recvWindow": recv_window},
            models.AutoRepayStatus.from_json,
        )

    def set_auto_repay(self, *, auto_repay: bool, recv_window: int | Unset = UNSET) -> models.Confirmation:
        """Switch automatic repayment of negative futures balances on or off.

        The page lists `auto_repay` as mandatory and yet gives it a default, so it is always sent.

        Args:
            auto_repay: True switches automatic repayment on. Text on the wire.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Returns:
            The exchange's plain yes.

        Raises:
            RequestNotSent: Nothing left this machine. Nothing was executed; calling again is safe.
            RequestRejected: The exchange refused. Nothing was executed.
            OutcomeUnknown: It may have happened. Find out before calling again: a repeat may be
                executed a second time.

        POST /papi/v1/repay-futures-switch, security TRADE: API key and signature.
        Weight 750 of 6000 per minute, counted per IP.
        Limit: At most 20 calls per day. [changelog]
        Provenance: docs, sdk, changelog.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/account/Change-Auto-repay-futures-Status
        """
        return self._sender.send(
            operations.SET_AUTO_REPAY_FUTURES,
            {"autoRepay": auto_repay, "recvWindow": recv_window},
            models.Confirmation.from_json,
        )


class AsyncFuturesDebtResource:
    """Negative futures balances: a different debt, which repay-debt does not cover.

    Awaited; `FuturesDebtResource` is the blocking twin.
    """

    __slots__ = ("_sender",)

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender

    async def interest(
        self,
        *,
        asset: str | Unset = UNSET,
        start_time: int | Unset = UNSET,
        end_time: int | Unset = UNSET,
        size: int | Unset = UNSET,
        recv_window: int | Unset = UNSET,
    ) -> list[models.NegativeBalanceInterest]:
        """Look up interest charged on negative futures balances.

        One row per daily charge. Newest first. There is no page parameter: narrow the times to see more
        than `size` rows. `interest_rate` is a daily rate, charged daily: 210000 x 0.0001164 = 24.444.

        Args:
            asset: Asset code. Absent selects all assets.
            start_time: Start of the window, ms UTC.
            end_time: End of the window, ms UTC.
            size: Rows per page, default 10, at most 100.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Returns:
            A list of `NegativeBalanceInterest`. One daily charge on a negative futures balance.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /papi/v1/portfolio/interest-history, security USER_DATA: API key and signature.
        Weight 50 of 6000 per minute, counted per IP.
        Rules:
            - `start_time` and `end_time` lie at most 30 days apart.
            - Without times, the last 7 days.
            - With `start_time` alone, up to now, clipped to the last 30 days.
            - With `end_time` alone, the 7 days before it.
        Provenance: docs, sdk.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/account/Query-Portfolio-Margin-Negative-Balance-Interest-History
        """
        return await self._sender.send(
            operations.NEGATIVE_BALANCE_INTEREST_HISTORY,
            {
                "asset": asset,
                "startTime": start_time,
                "endTime": end_time,
                "size": size,
                "recvWindow": recv_window,
            },
            codec.list_of(models.NegativeBalanceInterest.from_json),
        )

    def iter_interest(
        self,
        *,
        asset: str | Unset = UNSET,
        start_time: int | Unset = UNSET,
        end_time: int | Unset = UNSET,
        size: int | Unset = UNSET,
        recv_window: int | Unset = UNSET,
    ) -> AsyncIterator[models.NegativeBalanceInterest]:
        """Iterate over every row of `interest`, page by page.

        One row per daily charge. Newest first. There is no page parameter: narrow the times to see more
        than `size` rows. `interest_rate` is a daily rate, charged daily: 210000 x 0.0001164 = 24.444.

        A span longer than 30 days is cut into windows that the exchange accepts. No row is lost or
        doubled at a seam.

        Args:
            asset: Asset code. Absent selects all assets.
            start_time: Start of the window, ms UTC.
            end_time: End of the window, ms UTC.
            size: Rows per page, default 10, at most 100.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Yields:
            One daily charge on a negative futures balance.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /papi/v1/portfolio/interest-history, security USER_DATA: API key and signature.
        Weight 50 of 6000 per minute, counted per IP.
        Rules:
            - `start_time` and `end_time` lie at most 30 days apart.
            - Without times, the last 7 days.
            - With `start_time` alone, up to now, clipped to the last 30 days.
            - With `end_time` alone, the 7 days before it.
        Provenance: docs, sdk.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/account/Query-Portfolio-Margin-Negative-Balance-Interest-History
        """
        return self._sender.iterate(
            operations.NEGATIVE_BALANCE_INTEREST_HISTORY,
            {
                "asset": asset,
                "startTime": start_time,
                "endTime": end_time,
                "size": size,
                "recvWindow": recv_window,
            },
            models.NegativeBalanceInterest.from_json,
        )

    async def exchange_records(
        self, *, start_time: int, end_time: int, recv_window: int | Unset = UNSET
    ) -> models.NegativeBalanceExchangeRecordList:
        """Look up automatic exchanges that covered negative futures balances.

        One row per exchange, with the assets it covered. Newest first. The whole window comes in one
        answer.

        Args:
            start_time: Start of the window, ms UTC, at most 3 months before `end_time`.
            end_time: End of the window, ms UTC.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Returns:
            Automatic exchanges, newest first.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /papi/v1/portfolio/negative-balance-exchange-record, security USER_DATA: API key and signature.
        Weight 100 of 6000 per minute, counted per IP.
        Rules:
            - `start_time` and `end_time` lie at most 3 months apart.
        Provenance: docs, sdk.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/account/Query-User-Negative-Balance-Auto-Exchange-Record
        """
        return await self._sender.send(
            operations.NEGATIVE_BALANCE_EXCHANGE_RECORDS,
            {"startTime": start_time, "endTime": end_time, "recvWindow": recv_window},
            models.NegativeBalanceExchangeRecordList.from_json,
        )

    def iter_exchange_records(
        self, *, start_time: int, end_time: int, recv_window: int | Unset = UNSET
    ) -> AsyncIterator[models.NegativeBalanceExchangeRecord]:
        """Iterate over every row of `exchange_records`, page by page.

        One row per exchange, with the assets it covered. Newest first. The whole window comes in one
        answer.

        A span longer than 89 days is cut into windows that the exchange accepts. No row is lost or
        doubled at a seam.

        Args:
            start_time: Start of the window, ms UTC, at most 3 months before `end_time`.
            end_time: End of the window, ms UTC.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Yields:
            One automatic exchange.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /papi/v1/portfolio/negative-balance-exchange-record, security USER_DATA: API key and signature.
        Weight 100 of 6000 per minute, counted per IP.
        Rules:
            - `start_time` and `end_time` lie at most 3 months apart.
        Provenance: docs, sdk.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/account/Query-User-Negative-Balance-Auto-Exchange-Record
        """
        return self._sender.iterate(
            operations.NEGATIVE_BALANCE_EXCHANGE_RECORDS,
            {"startTime": start_time, "endTime": end_time, "recvWindow": recv_window},
            models.NegativeBalanceExchangeRecord.from_json,
        )

    async def repay(self, *, recv_window: int | Unset = UNSET) -> models.Confirmation:
        """Repay all negative futures balances from the cross-margin wallet.

        Takes no argument and names no amount. Listed as USER_DATA, although it moves funds.

        Args:
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Returns:
            The exchange's plain yes.

        Raises:
            RequestNotSent: Nothing left this machine. Nothing was executed; calling again is safe.
            RequestRejected: The exchange refused. Nothing was executed.
            OutcomeUnknown: It may have happened. Find out before calling again: a repeat may be
                executed a second time.

        POST /papi/v1/repay-futures-negative-balance, security USER_DATA: API key and signature.
        Weight 750 of 6000 per minute, counted per IP.
        Provenance: docs, sdk.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/account/Repay-futures-Negative-Balance
        """
        return await self._sender.send(
            operations.REPAY_FUTURES_NEGATIVE_BALANCE,
            {"recvWindow": recv_window},
            models.Confirmation.from_json,
        )

    async def auto_repay_status(self, *, recv_window: int | Unset = UNSET) -> models.AutoRepayStatus:
        """Read whether negative futures balances are repaid automatically.

        On or off.

        Args:
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Returns:
            Whether negative futures balances are repaid automatically.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /papi/v1/repay-futures-switch, security USER_DATA: API key and signature.
        Weight 30 of 6000 per minute, counted per IP.
        Provenance: docs, sdk.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/account/Get-Auto-repay-futures-Status
        """
        return await self._sender.send(
            operations.AUTO_REPAY_FUTURES_STATUS,
            {"recvWindow": recv_window},
            models.AutoRepayStatus.from_json,
        )

    async def set_auto_repay(
        self, *, auto_repay: bool, recv_window: int | Unset = UNSET
    ) -> models.Confirmation:
        """Switch automatic repayment of negative futures balances on or off.

        The page lists `auto_repay` as mandatory and yet gives it a default, so it is always sent.

        Args:
            auto_repay: True switches automatic repayment on. Text on the wire.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Returns:
            The exchange's plain yes.

        Raises:
            RequestNotSent: Nothing left this machine. Nothing was executed; calling again is safe.
            RequestRejected: The exchange refused. Nothing was executed.
            OutcomeUnknown: It may have happened. Find out before calling again: a repeat may be
                executed a second time.

        POST /papi/v1/repay-futures-switch, security TRADE: API key and signature.
        Weight 750 of 6000 per minute, counted per IP.
        Limit: At most 20 calls per day. [changelog]
        Provenance: docs, sdk, changelog.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/account/Change-Auto-repay-futures-Status
        """
        return await self._sender.send(
            operations.SET_AUTO_REPAY_FUTURES,
            {"autoRepay": auto_repay, "recvWindow": recv_window},
            models.Confirmation.from_json,
        )

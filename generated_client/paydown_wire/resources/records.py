# Written by `make generate` from openapi/paths/records.yaml and generator/templates/resource.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""What was borrowed, repaid and charged."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from paydown_wire import codec, models, operations
from paydown_wire.operation import UNSET, AsyncSender, Sender, Unset


class RecordsResource:
    """What was borrowed, repaid and charged."""

    __slots__ = ("_sender",)

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def borrows(
        self,
        *,
        asset: str,
        tx_id: int | Unset = UNSET,
        start_time: int | Unset = UNSET,
        end_time: int | Unset = UNSET,
        current: int | Unset = UNSET,
        size: int | Unset = UNSET,
        archived: bool | Unset = UNSET,
        recv_window: int | Unset = UNSET,
    ) -> models.BorrowRecordPage:
        """Look up loans.

        One row per loan. Newest first. Send `tx_id` or `start_time`: the page demands one, and also
        states that with no time the last 7 days come back.

        Args:
            asset: Asset code.
            tx_id: The `tran_id` of the borrow. Wins over the times.
            start_time: Start of the window, ms UTC.
            end_time: End of the window, ms UTC.
            current: Page, counted from 1. Default 1. From 1 to 100000.
            size: Rows per page, default 10, at most 100.
            archived: True selects data older than 6 months. Default false. Text on the wire.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Returns:
            One page of loans, newest first.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /papi/v1/margin/marginLoan, security USER_DATA: API key and signature.
        Weight 10 of 6000 per minute, counted per IP.
        Rules:
            - `tx_id` wins over the time filters.
            - `start_time` and `end_time` lie at most 30 days apart.
            - Without `tx_id` and times, the last 7 days.
        Needs one of `tx_id`, `start_time`.
        Undocumented: 3 questions; openapi.json lists the assumptions made (`borrowRecords`).
        Provenance: docs, sdk, live.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/account/Query-Margin-Loan-Record
        """
        return self._sender.send(
            operations.BORROW_RECORDS,
            {
                "asset": asset,
                "txId": tx_id,
                "startTime": start_time,
                "endTime": end_time,
                "current": current,
                "size": size,
                "archived": archived,
                "recvWindow": recv_window,
            },
            models.BorrowRecordPage.from_json,
        )

    def iter_borrows(
        self,
        *,
        asset: str,
        tx_id: int | Unset = UNSET,
        start_time: int | Unset = UNSET,
        end_time: int | Unset = UNSET,
        size: int | Unset = UNSET,
        archived: bool | Unset = UNSET,
        recv_window: int | Unset = UNSET,
    ) -> Iterator[models.BorrowRecord]:
        """Iterate over every row of `borrows`, page by page.

        One row per loan. Newest first. Send `tx_id` or `start_time`: the page demands one, and also
        states that with no time the last 7 days come back.

        A span longer than 30 days is cut into windows that the exchange accepts. No row is lost or
        doubled at a seam.

        Args:
            asset: Asset code.
            tx_id: The `tran_id` of the borrow. Wins over the times.
            start_time: Start of the window, ms UTC.
            end_time: End of the window, ms UTC.
            size: Rows per page, default 10, at most 100.
            archived: True selects data older than 6 months. Default false. Text on the wire.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Yields:
            One loan.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /papi/v1/margin/marginLoan, security USER_DATA: API key and signature.
        Weight 10 of 6000 per minute, counted per IP.
        Rules:
            - `tx_id` wins over the time filters.
            - `start_time` and `end_time` lie at most 30 days apart.
            - Without `tx_id` and times, the last 7 days.
        Needs one of `tx_id`, `start_time`.
        Undocumented: 3 questions; openapi.json lists the assumptions made (`borrowRecords`).
        Provenance: docs, sdk, live.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/account/Query-Margin-Loan-Record
        """
        return self._sender.iterate(
            operations.BORROW_RECORDS,
            {
                "asset": asset,
                "txId": tx_id,
                "startTime": start_time,
                "endTime": end_time,
                "size": size,
                "archived": archived,
                "recvWindow": recv_window,
            },
            models.BorrowRecord.from_json,
        )

    def repayments(
        self,
        *,
        asset: str,
        tx_id: int | Unset = UNSET,
        start_time: int | Unset = UNSET,
        end_time: int | Unset = UNSET,
        current: int | Unset = UNSET,
        size: int | Unset = UNSET,
        archived: bool | Unset = UNSET,
        recv_window: int | Unset = UNSET,
    ) -> models.RepayRecordPage:
        """Look up repayments.

        One row per repayment, split into interest and principal. Newest first. Send `tx_id` or
        `start_time`: the page demands one, and also states that with no time the last 7 days come back.

        Args:
            asset: Asset code.
            tx_id: The `tran_id` of the repayment. Wins over the times.
            start_time: Start of the window, ms UTC.
            end_time: End of the window, ms UTC.
            current: Page, counted from 1. Default 1. From 1 to 100000.
            size: Rows per page, default 10, at most 100.
            archived: True selects data older than 6 months. Default false. Text on the wire.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Returns:
            One page of repayments, newest first.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /papi/v1/margin/repayLoan, security USER_DATA: API key and signature.
        Weight 10 of 6000 per minute, counted per IP.
        Rules:
            - `tx_id` wins over the time filters.
            - `start_time` and `end_time` lie at most 30 days apart.
            - Without `tx_id` and times, the last 7 days.
        Needs one of `tx_id`, `start_time`.
        Undocumented: 3 questions; openapi.json lists the assumptions made (`repayRecords`).
        Provenance: docs, sdk, live.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/account/Query-Margin-repay-Record
        """
        return self._sender.send(
            operations.REPAY_RECORDS,
            {
                "asset": asset,
                "txId": tx_id,
                "startTime": start_time,
                "endTime": end_time,
                "current": current,
                "size": size,
                "archived": archived,
                "recvWindow": recv_window,
            },
            models.RepayRecordPage.from_json,
        )

    def iter_repayments(
        self,
        *,
        asset: str,
        tx_id: int | Unset = UNSET,
        start_time: int | Unset = UNSET,
        end_time: int | Unset = UNSET,
        size: int | Unset = UNSET,
        archived: bool | Unset = UNSET,
        recv_window: int | Unset = UNSET,
    ) -> Iterator[models.RepayRecord]:
        """Iterate over every row of `repayments`, page by page.

        One row per repayment, split into interest and principal. Newest first. Send `tx_id` or
        `start_time`: the page demands one, and also states that with no time the last 7 days come back.

        A span longer than 30 days is cut into windows that the exchange accepts. No row is lost or
        doubled at a seam.

        Args:
            asset: Asset code.
            tx_id: The `tran_id` of the repayment. Wins over the times.
            start_time: Start of the window, ms UTC.
            end_time: End of the window, ms UTC.
            size: Rows per page, default 10, at most 100.
            archived: True selects data older than 6 months. Default false. Text on the wire.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Yields:
            One repayment. `amount` = `interest` + `principal`.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /papi/v1/margin/repayLoan, security USER_DATA: API key and signature.
        Weight 10 of 6000 per minute, counted per IP.
        Rules:
            - `tx_id` wins over the time filters.
            - `start_time` and `end_time` lie at most 30 days apart.
            - Without `tx_id` and times, the last 7 days.
        Needs one of `tx_id`, `start_time`.
        Undocumented: 3 questions; openapi.json lists the assumptions made (`repayRecords`).
        Provenance: docs, sdk, live.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/account/Query-Margin-repay-Record
        """
        return self._sender.iterate(
            operations.REPAY_RECORDS,
            {
                "asset": asset,
                "txId": tx_id,
                "startTime": start_time,
                "endTime": end_time,
                "size": size,
                "archived": archived,
                "recvWindow": recv_window,
            },
            models.RepayRecord.from_json,
        )

    def margin_interest(
        self,
        *,
        asset: str | Unset = UNSET,
        start_time: int | Unset = UNSET,
        end_time: int | Unset = UNSET,
        current: int | Unset = UNSET,
        size: int | Unset = UNSET,
        archived: bool | Unset = UNSET,
        recv_window: int | Unset = UNSET,
    ) -> models.InterestRecordPage:
        """Look up interest charged on margin debt.

        One row per charge. Newest first. `interest_rate` is a daily rate: 45.3313 x 0.00013233 / 24 =
        0.00024995, the charge of one hour.

        Args:
            asset: Asset code. Absent selects all assets.
            start_time: Start of the window, ms UTC.
            end_time: End of the window, ms UTC.
            current: Page, counted from 1. Default 1. From 1 to 100000.
            size: Rows per page, default 10, at most 100.
            archived: True selects data older than 6 months. Default false. Text on the wire.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Returns:
            One page of charges, newest first.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /papi/v1/margin/marginInterestHistory, security USER_DATA: API key and signature.
        Weight 10 of 6000 per minute, counted per IP. Documented as 1, measured as 10.
        Rules:
            - `start_time` and `end_time` lie at most 30 days apart.
            - Without times, the last 7 days.
            - With `start_time` alone, up to now, clipped to the last 30 days.
            - With `end_time` alone, the 7 days before it.
        Undocumented: one question; openapi.json lists the assumptions made (`marginInterestHistory`).
        Provenance: docs, sdk, live.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/account/Get-Margin-BorrowLoan-Interest-History
        """
        return self._sender.send(
            operations.MARGIN_INTEREST_HISTORY,
            {
                "asset": asset,
                "startTime": start_time,
                "endTime": end_time,
                "current": current,
                "size": size,
                "archived": archived,
                "recvWindow": recv_window,
            },
            models.InterestRecordPage.from_json,
        )

    def iter_margin_interest(
        self,
        *,
        asset: str | Unset = UNSET,
        start_time: int | Unset = UNSET,
        end_time: int | Unset = UNSET,
        size: int | Unset = UNSET,
        archived: bool | Unset = UNSET,
        recv_window: int | Unset = UNSET,
    ) -> Iterator[models.InterestRecord]:
        """Iterate over every row of `margin_interest`, page by page.

        One row per charge. Newest first. `interest_rate` is a daily rate: 45.3313 x 0.00013233 / 24 =
        0.00024995, the charge of one hour.

        A span longer than 30 days is cut into windows that the exchange accepts. No row is lost or
        doubled at a seam.

        Args:
            asset: Asset code. Absent selects all assets.
            start_time: Start of the window, ms UTC.
            end_time: End of the window, ms UTC.
            size: Rows per page, default 10, at most 100.
            archived: True selects data older than 6 months. Default false. Text on the wire.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Yields:
            One charge of interest on margin debt.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /papi/v1/margin/marginInterestHistory, security USER_DATA: API key and signature.
        Weight 10 of 6000 per minute, counted per IP. Documented as 1, measured as 10.
        Rules:
            - `start_time` and `end_time` lie at most 30 days apart.
            - Without times, the last 7 days.
            - With `start_time` alone, up to now, clipped to the last 30 days.
            - With `end_time` alone, the 7 days before it.
        Undocumented: one question; openapi.json lists the assumptions made (`marginInterestHistory`).
        Provenance: docs, sdk, live.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/account/Get-Margin-BorrowLoan-Interest-History
        """
        return self._sender.iterate(
            operations.MARGIN_INTEREST_HISTORY,
            {
                "asset": asset,
                "startTime": start_time,
                "endTime": end_time,
                "size": size,
                "archived": archived,
                "recvWindow": recv_window,
            },
            models.InterestRecord.from_json,
        )

    def capital_flow(
        self,
        *,
        asset: str | Unset = UNSET,
        type_: str | Unset = UNSET,
        start_time: int | Unset = UNSET,
        end_time: int | Unset = UNSET,
        from_id: int | Unset = UNSET,
        limit: int | Unset = UNSET,
        recv_window: int | Unset = UNSET,
    ) -> list[models.CapitalFlow]:
        """Look up every movement of the cross-margin wallet.

        One row per movement; `amount` carries its sign. About 90 days are kept. On its own host.
        Whether repay-debt leaves a REPAY row is undocumented: a hint, not proof.

        Args:
            asset: Asset code. Absent selects all assets.
            type_: Kind of movement, one of the values of the field `type_`. Absent selects all.
            start_time: Start of the window, ms UTC.
            end_time: End of the window, ms UTC.
            from_id: Rows with an `id` greater than this.
            limit: Rows per answer, default 500, at most 1000.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Returns:
            A list of `CapitalFlow`. One movement of the cross-margin wallet.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /sapi/v1/margin/capital-flow, security USER_DATA: API key and signature.
        Weight 100 of 12000 per minute, counted per IP.
        Rules:
            - `start_time` and `end_time` lie at most 7 days apart, otherwise -4047. [docs-sibling,
              live]
            - About 90 days are kept. [docs-sibling]
            - With `from_id`, rows whose id is greater. Without it, the latest rows. [docs-sibling]
        Seen: -4047. The window is longer than 7 days.
        Undocumented: 2 questions; openapi.json lists the assumptions made (`capitalFlow`).
        Provenance: docs-sibling, live.
        Source:
        https://developers.binance.com/docs/margin_trading/account/Query-Cross-Isolated-Margin-Capital-Flow
        """
        return self._sender.send(
            operations.CAPITAL_FLOW,
            {
                "asset": asset,
                "type": type_,
                "startTime": start_time,
                "endTime": end_time,
                "fromId": from_id,
                "limit": limit,
                "recvWindow": recv_window,
            },
            codec.list_of(models.CapitalFlow.from_json),
        )

    def iter_capital_flow(
        self,
        *,
        asset: str | Unset = UNSET,
        type_: str | Unset = UNSET,
        start_time: int | Unset = UNSET,
        end_time: int | Unset = UNSET,
        limit: int | Unset = UNSET,
        recv_window: int | Unset = UNSET,
    ) -> Iterator[models.CapitalFlow]:
        """Iterate over every row of `capital_flow`, page by page.

        One row per movement; `amount` carries its sign. About 90 days are kept. On its own host.
        Whether repay-debt leaves a REPAY row is undocumented: a hint, not proof.

        A span longer than 7 days is cut into windows that the exchange accepts. No row is lost or
        doubled at a seam.

        Args:
            asset: Asset code. Absent selects all assets.
            type_: Kind of movement, one of the values of the field `type_`. Absent selects all.
            start_time: Start of the window, ms UTC.
            end_time: End of the window, ms UTC.
            limit: Rows per answer, default 500, at most 1000.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Yields:
            One movement of the cross-margin wallet.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /sapi/v1/margin/capital-flow, security USER_DATA: API key and signature.
        Weight 100 of 12000 per minute, counted per IP.
        Rules:
            - `start_time` and `end_time` lie at most 7 days apart, otherwise -4047. [docs-sibling,
              live]
            - About 90 days are kept. [docs-sibling]
            - With `from_id`, rows whose id is greater. Without it, the latest rows. [docs-sibling]
        Seen: -4047. The window is longer than 7 days.
        Undocumented: 2 questions; openapi.json lists the assumptions made (`capitalFlow`).
        Provenance: docs-sibling, live.
        Source:
        https://developers.binance.com/docs/margin_trading/account/Query-Cross-Isolated-Margin-Capital-Flow
        """
        return self._sender.iterate(
            operations.CAPITAL_FLOW,
            {
                "asset": asset,
                "type": type_,
                "startTime": start_time,
                "endTime": end_time,
                "limit": limit,
                "recvWindow": recv_window,
            },
            models.CapitalFlow.from_json,
        )


class AsyncRecordsResource:
    """What was borrowed, repaid and charged.

    Awaited; `RecordsResource` is the blocking twin.
    """

    __slots__ = ("_sender",)

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender

    async def borrows(
        self,
        *,
        asset: str,
        tx_id: int | Unset = UNSET,
        start_time: int | Unset = UNSET,
        end_time: int | Unset = UNSET,
        current: int | Unset = UNSET,
        size: int | Unset = UNSET,
        archived: bool | Unset = UNSET,
        recv_window: int | Unset = UNSET,
    ) -> models.BorrowRecordPage:
        """Look up loans.

        One row per loan. Newest first. Send `tx_id` or `start_time`: the page demands one, and also
        states that with no time the last 7 days come back.

        Args:
            asset: Asset code.
            tx_id: The `tran_id` of the borrow. Wins over the times.
            start_time: Start of the window, ms UTC.
            end_time: End of the window, ms UTC.
            current: Page, counted from 1. Default 1. From 1 to 100000.
            size: Rows per page, default 10, at most 100.
            archived: True selects data older than 6 months. Default false. Text on the wire.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Returns:
            One page of loans, newest first.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /papi/v1/margin/marginLoan, security USER_DATA: API key and signature.
        Weight 10 of 6000 per minute, counted per IP.
        Rules:
            - `tx_id` wins over the time filters.
            - `start_time` and `end_time` lie at most 30 days apart.
            - Without `tx_id` and times, the last 7 days.
        Needs one of `tx_id`, `start_time`.
        Undocumented: 3 questions; openapi.json lists the assumptions made (`borrowRecords`).
        Provenance: docs, sdk, live.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/account/Query-Margin-Loan-Record
        """
        return await self._sender.send(
            operations.BORROW_RECORDS,
            {
                "asset": asset,
                "txId": tx_id,
                "startTime": start_time,
                "endTime": end_time,
                "current": current,
                "size": size,
                "archived": archived,
                "recvWindow": recv_window,
            },
            models.BorrowRecordPage.from_json,
        )

    def iter_borrows(
        self,
        *,
        asset: str,
        tx_id: int | Unset = UNSET,
        start_time: int | Unset = UNSET,
        end_time: int | Unset = UNSET,
        size: int | Unset = UNSET,
        archived: bool | Unset = UNSET,
        recv_window: int | Unset = UNSET,
    ) -> AsyncIterator[models.BorrowRecord]:
        """Iterate over every row of `borrows`, page by page.

        One row per loan. Newest first. Send `tx_id` or `start_time`: the page demands one, and also
        states that with no time the last 7 days come back.

        A span longer than 30 days is cut into windows that the exchange accepts. No row is lost or
        doubled at a seam.

        Args:
            asset: Asset code.
            tx_id: The `tran_id` of the borrow. Wins over the times.
            start_time: Start of the window, ms UTC.
            end_time: End of the window, ms UTC.
            size: Rows per page, default 10, at most 100.
            archived: True selects data older than 6 months. Default false. Text on the wire.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Yields:
            One loan.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /papi/v1/margin/marginLoan, security USER_DATA: API key and signature.
        Weight 10 of 6000 per minute, counted per IP.
        Rules:
            - `tx_id` wins over the time filters.
            - `start_time` and `end_time` lie at most 30 days apart.
            - Without `tx_id` and times, the last 7 days.
        Needs one of `tx_id`, `start_time`.
        Undocumented: 3 questions; openapi.json lists the assumptions made (`borrowRecords`).
        Provenance: docs, sdk, live.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/account/Query-Margin-Loan-Record
        """
        return self._sender.iterate(
            operations.BORROW_RECORDS,
            {
                "asset": asset,
                "txId": tx_id,
                "startTime": start_time,
                "endTime": end_time,
                "size": size,
                "archived": archived,
                "recvWindow": recv_window,
            },
            models.BorrowRecord.from_json,
        )

    async def repayments(
        self,
        *,
        asset: str,
        tx_id: int | Unset = UNSET,
        start_time: int | Unset = UNSET,
        end_time: int | Unset = UNSET,
        current: int | Unset = UNSET,
        size: int | Unset = UNSET,
        archived: bool | Unset = UNSET,
        recv_window: int | Unset = UNSET,
    ) -> models.RepayRecordPage:
        """Look up repayments.

        One row per repayment, split into interest and principal. Newest first. Send `tx_id` or
        `start_time`: the page demands one, and also states that with no time the last 7 days come back.

        Args:
            asset: Asset code.
            tx_id: The `tran_id` of the repayment. Wins over the times.
            start_time: Start of the window, ms UTC.
            end_time: End of the window, ms UTC.
            current: Page, counted from 1. Default 1. From 1 to 100000.
            size: Rows per page, default 10, at most 100.
            archived: True selects data older than 6 months. Default false. Text on the wire.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Returns:
            One page of repayments, newest first.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /papi/v1/margin/repayLoan, security USER_DATA: API key and signature.
        Weight 10 of 6000 per minute, counted per IP.
        Rules:
            - `tx_id` wins over the time filters.
            - `start_time` and `end_time` lie at most 30 days apart.
            - Without `tx_id` and times, the last 7 days.
        Needs one of `tx_id`, `start_time`.
        Undocumented: 3 questions; openapi.json lists the assumptions made (`repayRecords`).
        Provenance: docs, sdk, live.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/account/Query-Margin-repay-Record
        """
        return await self._sender.send(
            operations.REPAY_RECORDS,
            {
                "asset": asset,
                "txId": tx_id,
                "startTime": start_time,
                "endTime": end_time,
                "current": current,
                "size": size,
                "archived": archived,
                "recvWindow": recv_window,
            },
            models.RepayRecordPage.from_json,
        )

    def iter_repayments(
        self,
        *,
        asset: str,
        tx_id: int | Unset = UNSET,
        start_time: int | Unset = UNSET,
        end_time: int | Unset = UNSET,
        size: int | Unset = UNSET,
        archived: bool | Unset = UNSET,
        recv_window: int | Unset = UNSET,
    ) -> AsyncIterator[models.RepayRecord]:
        """Iterate over every row of `repayments`, page by page.

        One row per repayment, split into interest and principal. Newest first. Send `tx_id` or
        `start_time`: the page demands one, and also states that with no time the last 7 days come back.

        A span longer than 30 days is cut into windows that the exchange accepts. No row is lost or
        doubled at a seam.

        Args:
            asset: Asset code.
            tx_id: The `tran_id` of the repayment. Wins over the times.
            start_time: Start of the window, ms UTC.
            end_time: End of the window, ms UTC.
            size: Rows per page, default 10, at most 100.
            archived: True selects data older than 6 months. Default false. Text on the wire.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Yields:
            One repayment. `amount` = `interest` + `principal`.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /papi/v1/margin/repayLoan, security USER_DATA: API key and signature.
        Weight 10 of 6000 per minute, counted per IP.
        Rules:
            - `tx_id` wins over the time filters.
            - `start_time` and `end_time` lie at most 30 days apart.
            - Without `tx_id` and times, the last 7 days.
        Needs one of `tx_id`, `start_time`.
        Undocumented: 3 questions; openapi.json lists the assumptions made (`repayRecords`).
        Provenance: docs, sdk, live.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/account/Query-Margin-repay-Record
        """
        return self._sender.iterate(
            operations.REPAY_RECORDS,
            {
                "asset": asset,
                "txId": tx_id,
                "startTime": start_time,
                "endTime": end_time,
                "size": size,
                "archived": archived,
                "recvWindow": recv_window,
            },
            models.RepayRecord.from_json,
        )

    async def margin_interest(
        self,
        *,
        asset: str | Unset = UNSET,
        start_time: int | Unset = UNSET,
        end_time: int | Unset = UNSET,
        current: int | Unset = UNSET,
        size: int | Unset = UNSET,
        archived: bool | Unset = UNSET,
        recv_window: int | Unset = UNSET,
    ) -> models.InterestRecordPage:
        """Look up interest charged on margin debt.

        One row per charge. Newest first. `interest_rate` is a daily rate: 45.3313 x 0.00013233 / 24 =
        0.00024995, the charge of one hour.

        Args:
            asset: Asset code. Absent selects all assets.
            start_time: Start of the window, ms UTC.
            end_time: End of the window, ms UTC.
            current: Page, counted from 1. Default 1. From 1 to 100000.
            size: Rows per page, default 10, at most 100.
            archived: True selects data older than 6 months. Default false. Text on the wire.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Returns:
            One page of charges, newest first.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /papi/v1/margin/marginInterestHistory, security USER_DATA: API key and signature.
        Weight 10 of 6000 per minute, counted per IP. Documented as 1, measured as 10.
        Rules:
            - `start_time` and `end_time` lie at most 30 days apart.
            - Without times, the last 7 days.
            - With `start_time` alone, up to now, clipped to the last 30 days.
            - With `end_time` alone, the 7 days before it.
        Undocumented: one question; openapi.json lists the assumptions made (`marginInterestHistory`).
        Provenance: docs, sdk, live.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/account/Get-Margin-BorrowLoan-Interest-History
        """
        return await self._sender.send(
            operations.MARGIN_INTEREST_HISTORY,
            {
                "asset": asset,
                "startTime": start_time,
                "endTime": end_time,
                "current": current,
                "size": size,
                "archived": archived,
                "recvWindow": recv_window,
            },
            models.InterestRecordPage.from_json,
        )

    def iter_margin_interest(
        self,
        *,
        asset: str | Unset = UNSET,
        start_time: int | Unset = UNSET,
        end_time: int | Unset = UNSET,
        size: int | Unset = UNSET,
        archived: bool | Unset = UNSET,
        recv_window: int | Unset = UNSET,
    ) -> AsyncIterator[models.InterestRecord]:
        """Iterate over every row of `margin_interest`, page by page.

        One row per charge. Newest first. `interest_rate` is a daily rate: 45.3313 x 0.00013233 / 24 =
        0.00024995, the charge of one hour.

        A span longer than 30 days is cut into windows that the exchange accepts. No row is lost or
        doubled at a seam.

        Args:
            asset: Asset code. Absent selects all assets.
            start_time: Start of the window, ms UTC.
            end_time: End of the window, ms UTC.
            size: Rows per page, default 10, at most 100.
            archived: True selects data older than 6 months. Default false. Text on the wire.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Yields:
            One charge of interest on margin debt.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /papi/v1/margin/marginInterestHistory, security USER_DATA: API key and signature.
        Weight 10 of 6000 per minute, counted per IP. Documented as 1, measured as 10.
        Rules:
            - `start_time` and `end_time` lie at most 30 days apart.
            - Without times, the last 7 days.
            - With `start_time` alone, up to now, clipped to the last 30 days.
            - With `end_time` alone, the 7 days before it.
        Undocumented: one question; openapi.json lists the assumptions made (`marginInterestHistory`).
        Provenance: docs, sdk, live.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/account/Get-Margin-BorrowLoan-Interest-History
        """
        return self._sender.iterate(
            operations.MARGIN_INTEREST_HISTORY,
            {
                "asset": asset,
                "startTime": start_time,
                "endTime": end_time,
                "size": size,
                "archived": archived,
                "recvWindow": recv_window,
            },
            models.InterestRecord.from_json,
        )

    async def capital_flow(
        self,
        *,
        asset: str | Unset = UNSET,
        type_: str | Unset = UNSET,
        start_time: int | Unset = UNSET,
        end_time: int | Unset = UNSET,
        from_id: int | Unset = UNSET,
        limit: int | Unset = UNSET,
        recv_window: int | Unset = UNSET,
    ) -> list[models.CapitalFlow]:
        """Look up every movement of the cross-margin wallet.

        One row per movement; `amount` carries its sign. About 90 days are kept. On its own host.
        Whether repay-debt leaves a REPAY row is undocumented: a hint, not proof.

        Args:
            asset: Asset code. Absent selects all assets.
            type_: Kind of movement, one of the values of the field `type_`. Absent selects all.
            start_time: Start of the window, ms UTC.
            end_time: End of the window, ms UTC.
            from_id: Rows with an `id` greater than this.
            limit: Rows per answer, default 500, at most 1000.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Returns:
            A list of `CapitalFlow`. One movement of the cross-margin wallet.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /sapi/v1/margin/capital-flow, security USER_DATA: API key and signature.
        Weight 100 of 12000 per minute, counted per IP.
        Rules:
            - `start_time` and `end_time` lie at most 7 days apart, otherwise -4047. [docs-sibling,
              live]
            - About 90 days are kept. [docs-sibling]
            - With `from_id`, rows whose id is greater. Without it, the latest rows. [docs-sibling]
        Seen: -4047. The window is longer than 7 days.
        Undocumented: 2 questions; openapi.json lists the assumptions made (`capitalFlow`).
        Provenance: docs-sibling, live.
        Source:
        https://developers.binance.com/docs/margin_trading/account/Query-Cross-Isolated-Margin-Capital-Flow
        """
        return await self._sender.send(
            operations.CAPITAL_FLOW,
            {
                "asset": asset,
                "type": type_,
                "startTime": start_time,
                "endTime": end_time,
                "fromId": from_id,
                "limit": limit,
                "recvWindow": recv_window,
            },
            codec.list_of(models.CapitalFlow.from_json),
        )

    def iter_capital_flow(
        self,
        *,
        asset: str | Unset = UNSET,
        type_: str | Unset = UNSET,
        start_time: int | Unset = UNSET,
        end_time: int | Unset = UNSET,
        limit: int | Unset = UNSET,
        recv_window: int | Unset = UNSET,
    ) -> AsyncIterator[models.CapitalFlow]:
        """Iterate over every row of `capital_flow`, page by page.

        One row per movement; `amount` carries its sign. About 90 days are kept. On its own host.
        Whether repay-debt leaves a REPAY row is undocumented: a hint, not proof.

        A span longer than 7 days is cut into windows that the exchange accepts. No row is lost or
        doubled at a seam.

        Args:
            asset: Asset code. Absent selects all assets.
            type_: Kind of movement, one of the values of the field `type_`. Absent selects all.
            start_time: Start of the window, ms UTC.
            end_time: End of the window, ms UTC.
            limit: Rows per answer, default 500, at most 1000.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Yields:
            One movement of the cross-margin wallet.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /sapi/v1/margin/capital-flow, security USER_DATA: API key and signature.
        Weight 100 of 12000 per minute, counted per IP.
        Rules:
            - `start_time` and `end_time` lie at most 7 days apart, otherwise -4047. [docs-sibling,
              live]
            - About 90 days are kept. [docs-sibling]
            - With `from_id`, rows whose id is greater. Without it, the latest rows. [docs-sibling]
        Seen: -4047. The window is longer than 7 days.
        Undocumented: 2 questions; openapi.json lists the assumptions made (`capitalFlow`).
        Provenance: docs-sibling, live.
        Source:
        https://developers.binance.com/docs/margin_trading/account/Query-Cross-Isolated-Margin-Capital-Flow
        """
        return self._sender.iterate(
            operations.CAPITAL_FLOW,
            {
                "asset": asset,
                "type": type_,
                "startTime": start_time,
                "endTime": end_time,
                "limit": limit,
                "recvWindow": recv_window,
            },
            models.CapitalFlow.from_json,
        )

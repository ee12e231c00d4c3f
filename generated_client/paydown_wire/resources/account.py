# Written by `make generate` from openapi/paths/account.yaml and generator/templates/resource.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""What the account holds and owes."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, overload

from paydown_wire import codec, models, operations
from paydown_wire.operation import UNSET, AsyncSender, Sender, Unset


class AccountResource:
    """What the account holds and owes."""

    __slots__ = ("_sender",)

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    @overload
    def balance(self, *, asset: Unset = UNSET, recv_window: int | Unset = UNSET) -> list[models.Balance]: ...

    @overload
    def balance(self, *, asset: str, recv_window: int | Unset = UNSET) -> models.Balance: ...

    def balance(
        self, *, asset: str | Unset = UNSET, recv_window: int | Unset = UNSET
    ) -> list[models.Balance] | models.Balance:
        """Read balances and debts, of all assets or of one.

        Without `asset` the answer is an array; with `asset` it is one object. The debt of an asset is
        `cross_margin_borrowed` + `cross_margin_interest`.

        Args:
            asset: Asset code. Absent answers an array of all assets, present one object.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Returns:
            A list of `Balance` without `asset`, one `Balance` with it. What the account holds and owes
            in one asset.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /papi/v1/balance, security USER_DATA: API key and signature.
        Weight 20 of 6000 per minute, counted per IP.
        Undocumented: 2 questions; openapi.json lists the assumptions made (`accountBalance`).
        Provenance: docs, sdk.
        Source: https://developers.binance.com/docs/derivatives/portfolio-margin/account
        """
        if isinstance(asset, Unset):
            return self._sender.send(
                operations.ACCOUNT_BALANCE,
                {"asset": asset, "recvWindow": recv_window},
                codec.list_of(models.Balance.from_json),
            )
        return self._sender.send(
            operations.ACCOUNT_BALANCE, {"asset": asset, "recvWindow": recv_window}, models.Balance.from_json
        )

    def information(self, *, recv_window: int | Unset = UNSET) -> models.Account:
        """Read equity, margin and state of the whole account.

        All amounts are in USD.

        Args:
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Returns:
            Equity and margin of the whole account, in USD.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /papi/v1/account, security USER_DATA: API key and signature.
        Weight 20 of 6000 per minute, counted per IP.
        Provenance: docs, sdk.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/account/Account-Information
        """
        return self._sender.send(
            operations.ACCOUNT_INFORMATION, {"recvWindow": recv_window}, models.Account.from_json
        )

    def order_rate_limits(self, *, recv_window: int | Unset = UNSET) -> list[models.RateLimit]:
        """Read the order limits of this account.

        The limits only, not the counts used. Exists since 2025-01-06.

        Args:
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Returns:
            A list of `RateLimit`. One limit of the account.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /papi/v1/rateLimit/order, security USER_DATA: API key and signature.
        Weight 1 of 6000 per minute, counted per IP.
        Provenance: docs, sdk, changelog.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/account/Query-User-Rate-Limit
        """
        return self._sender.send(
            operations.ORDER_RATE_LIMIT,
            {"recvWindow": recv_window},
            codec.list_of(models.RateLimit.from_json),
        )

    def collect_all(self, *, recv_window: int | Unset = UNSET) -> models.Confirmation:
        """Collect the futures balances into the cross-margin wallet.

        Moves every asset of the futures wallets. BNB of the USD-M wallet is left behind.

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

        POST /papi/v1/auto-collection, security TRADE: API key and signature.
        Weight 750 of 6000 per minute, counted per IP.
        Limit: At most 500 calls per hour, rolling.
        Provenance: docs, sdk.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/account/Fund-Auto-collection
        """
        return self._sender.send(
            operations.AUTO_COLLECTION, {"recvWindow": recv_window}, models.Confirmation.from_json
        )

    def collect_asset(self, *, asset: str, recv_window: int | Unset = UNSET) -> models.Confirmation:
        """Collect one asset from the futures wallets into the cross-margin wallet.

        Moves one asset. BNB is not supported; `account.transfer_bnb` moves it.

        Args:
            asset: The asset to collect. BNB is not supported.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Returns:
            The exchange's plain yes.

        Raises:
            RequestNotSent: Nothing left this machine. Nothing was executed; calling again is safe.
            RequestRejected: The exchange refused. Nothing was executed.
            OutcomeUnknown: It may have happened. Find out before calling again: a repeat may be
                executed a second time.

        POST /papi/v1/asset-collection, security TRADE: API key and signature.
        Weight 30 of 6000 per minute, counted per IP.
        Rules:
            - BNB is not supported.
        Undocumented: one question; openapi.json lists the assumptions made (`assetCollection`).
        Provenance: docs, sdk.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/account/Fund-Collection-by-Asset
        """
        return self._sender.send(
            operations.ASSET_COLLECTION,
            {"asset": asset, "recvWindow": recv_window},
            models.Confirmation.from_json,
        )

    def transfer_bnb(
        self,
        *,
        amount: Decimal | str,
        transfer_side: Literal["TO_UM", "FROM_UM"],
        recv_window: int | Unset = UNSET,
    ) -> models.TransactionId:
        """Move BNB between the cross-margin and the USD-M futures wallet.

        The amount is in BNB.

        Args:
            amount: How much to move, in BNB. At most 8 digits after the point.
            transfer_side: TO_UM moves BNB to the USD-M futures wallet, FROM_UM back.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Returns:
            The id under which the movement is recorded.

        Raises:
            RequestNotSent: Nothing left this machine. Nothing was executed; calling again is safe.
            RequestRejected: The exchange refused. Nothing was executed.
            OutcomeUnknown: It may have happened. Find out before calling again: a repeat may be
                executed a second time.

        POST /papi/v1/bnb-transfer, security TRADE: API key and signature.
        Weight 750 of 6000 per minute, counted per IP.
        Limit: At most 10 calls per 10 minutes, rolling.
        Provenance: docs, sdk.
        Source: https://developers.binance.com/docs/derivatives/portfolio-margin/account/BNB-transfer
        """
        return self._sender.send(
            operations.BNB_TRANSFER,
            {"amount": amount, "transferSide": transfer_side, "recvWindow": recv_window},
            models.TransactionId.from_json,
        )


class AsyncAccountResource:
    """What the account holds and owes.

    Awaited; `AccountResource` is the blocking twin.
    """

    __slots__ = ("_sender",)

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender

    @overload
    async def balance(
        self, *, asset: Unset = UNSET, recv_window: int | Unset = UNSET
    ) -> list[models.Balance]: ...

    @overload
    async def balance(self, *, asset: str, recv_window: int | Unset = UNSET) -> models.Balance: ...

    async def balance(
        self, *, asset: str | Unset = UNSET, recv_window: int | Unset = UNSET
    ) -> list[models.Balance] | models.Balance:
        """Read balances and debts, of all assets or of one.

        Without `asset` the answer is an array; with `asset` it is one object. The debt of an asset is
        `cross_margin_borrowed` + `cross_margin_interest`.

        Args:
            asset: Asset code. Absent answers an array of all assets, present one object.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Returns:
            A list of `Balance` without `asset`, one `Balance` with it. What the account holds and owes
            in one asset.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /papi/v1/balance, security USER_DATA: API key and signature.
        Weight 20 of 6000 per minute, counted per IP.
        Undocumented: 2 questions; openapi.json lists the assumptions made (`accountBalance`).
        Provenance: docs, sdk.
        Source: https://developers.binance.com/docs/derivatives/portfolio-margin/account
        """
        if isinstance(asset, Unset):
            return await self._sender.send(
                operations.ACCOUNT_BALANCE,
                {"asset": asset, "recvWindow": recv_window},
                codec.list_of(models.Balance.from_json),
            )
        return await self._sender.send(
            operations.ACCOUNT_BALANCE, {"asset": asset, "recvWindow": recv_window}, models.Balance.from_json
        )

    async def information(self, *, recv_window: int | Unset = UNSET) -> models.Account:
        """Read equity, margin and state of the whole account.

        All amounts are in USD.

        Args:
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Returns:
            Equity and margin of the whole account, in USD.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /papi/v1/account, security USER_DATA: API key and signature.
        Weight 20 of 6000 per minute, counted per IP.
        Provenance: docs, sdk.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/account/Account-Information
        """
        return await self._sender.send(
            operations.ACCOUNT_INFORMATION, {"recvWindow": recv_window}, models.Account.from_json
        )

    async def order_rate_limits(self, *, recv_window: int | Unset = UNSET) -> list[models.RateLimit]:
        """Read the order limits of this account.

        The limits only, not the counts used. Exists since 2025-01-06.

        Args:
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Returns:
            A list of `RateLimit`. One limit of the account.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /papi/v1/rateLimit/order, security USER_DATA: API key and signature.
        Weight 1 of 6000 per minute, counted per IP.
        Provenance: docs, sdk, changelog.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/account/Query-User-Rate-Limit
        """
        return await self._sender.send(
            operations.ORDER_RATE_LIMIT,
            {"recvWindow": recv_window},
            codec.list_of(models.RateLimit.from_json),
        )

    async def collect_all(self, *, recv_window: int | Unset = UNSET) -> models.Confirmation:
        """Collect the futures balances into the cross-margin wallet.

        Moves every asset of the futures wallets. BNB of the USD-M wallet is left behind.

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

        POST /papi/v1/auto-collection, security TRADE: API key and signature.
        Weight 750 of 6000 per minute, counted per IP.
        Limit: At most 500 calls per hour, rolling.
        Provenance: docs, sdk.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/account/Fund-Auto-collection
        """
        return await self._sender.send(
            operations.AUTO_COLLECTION, {"recvWindow": recv_window}, models.Confirmation.from_json
        )

    async def collect_asset(self, *, asset: str, recv_window: int | Unset = UNSET) -> models.Confirmation:
        """Collect one asset from the futures wallets into the cross-margin wallet.

        Moves one asset. BNB is not supported; `account.transfer_bnb` moves it.

        Args:
            asset: The asset to collect. BNB is not supported.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Returns:
            The exchange's plain yes.

        Raises:
            RequestNotSent: Nothing left this machine. Nothing was executed; calling again is safe.
            RequestRejected: The exchange refused. Nothing was executed.
            OutcomeUnknown: It may have happened. Find out before calling again: a repeat may be
                executed a second time.

        POST /papi/v1/asset-collection, security TRADE: API key and signature.
        Weight 30 of 6000 per minute, counted per IP.
        Rules:
            - BNB is not supported.
        Undocumented: one question; openapi.json lists the assumptions made (`assetCollection`).
        Provenance: docs, sdk.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/account/Fund-Collection-by-Asset
        """
        return await self._sender.send(
            operations.ASSET_COLLECTION,
            {"asset": asset, "recvWindow": recv_window},
            models.Confirmation.from_json,
        )

    async def transfer_bnb(
        self,
        *,
        amount: Decimal | str,
        transfer_side: Literal["TO_UM", "FROM_UM"],
        recv_window: int | Unset = UNSET,
    ) -> models.TransactionId:
        """Move BNB between the cross-margin and the USD-M futures wallet.

        The amount is in BNB.

        Args:
            amount: How much to move, in BNB. At most 8 digits after the point.
            transfer_side: TO_UM moves BNB to the USD-M futures wallet, FROM_UM back.
            recv_window: How long after `timestamp` the exchange may still accept the request, ms.
                Default 5000, at most 60000.

        Returns:
            The id under which the movement is recorded.

        Raises:
            RequestNotSent: Nothing left this machine. Nothing was executed; calling again is safe.
            RequestRejected: The exchange refused. Nothing was executed.
            OutcomeUnknown: It may have happened. Find out before calling again: a repeat may be
                executed a second time.

        POST /papi/v1/bnb-transfer, security TRADE: API key and signature.
        Weight 750 of 6000 per minute, counted per IP.
        Limit: At most 10 calls per 10 minutes, rolling.
        Provenance: docs, sdk.
        Source: https://developers.binance.com/docs/derivatives/portfolio-margin/account/BNB-transfer
        """
        return await self._sender.send(
            operations.BNB_TRANSFER,
            {"amount": amount, "transferSide": transfer_side, "recvWindow": recv_window},
            models.TransactionId.from_json,
        )

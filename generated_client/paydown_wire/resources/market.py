# Written by `make generate` from openapi/paths/market.yaml and generator/templates/resource.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""Reachability, the exchange's clock, index prices."""

from __future__ import annotations

from paydown_wire import codec, models, operations
from paydown_wire.operation import UNSET, AsyncSender, Sender, Unset


class MarketResource:
    """Reachability, the exchange's clock, index prices."""

    __slots__ = ("_sender",)

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def ping(self) -> None:
        """Test whether the exchange can be reached.

        Answers an empty object. It proves nothing about keys or balances.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /papi/v1/ping, security NONE: no key.
        Weight 1 of 6000 per minute, counted per IP.
        Provenance: docs, sdk.
        Source: https://developers.binance.com/docs/derivatives/portfolio-margin/market-data
        """
        self._sender.send(operations.PING, {}, codec.nothing)

    def time(self) -> models.ServerTime:
        """Read the exchange's clock.

        Undocumented, but answered live. Keep a fallback clock.

        Returns:
            The exchange's clock.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /papi/v1/time, security NONE: no key.
        Weight 1 of 6000 per minute, counted per IP.
        Provenance: live.
        Source: https://developers.binance.com/docs/derivatives/portfolio-margin/market-data
        """
        return self._sender.send(operations.SERVER_TIME, {}, models.ServerTime.from_json)

    def asset_index_prices(self, *, asset: str | Unset = UNSET) -> list[models.AssetIndexPrice]:
        """Read the USD prices with which Portfolio Margin values assets.

        USD per unit, of all assets or of one. The answer is a list in both cases. On its own host.

        Args:
            asset: Asset code. Absent answers all assets, at a weight of 50 instead of 1.

        Returns:
            A list of `AssetIndexPrice`. The USD price with which Portfolio Margin values an asset.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /sapi/v1/portfolio/asset-index-price, security MARKET_DATA: API key, no signature.
        Weight 50 of 12000 per minute, counted per IP; 1 with `asset`.
        Undocumented: 2 questions; openapi.json lists the assumptions made (`assetIndexPrice`).
        Provenance: docs-sibling, sdk.
        Source: https://developers.binance.com/docs/derivatives/portfolio-margin-pro/market-data
        """
        return self._sender.send(
            operations.ASSET_INDEX_PRICE,
            {"asset": asset},
            codec.list_or_one_of(models.AssetIndexPrice.from_json),
        )


class AsyncMarketResource:
    """Reachability, the exchange's clock, index prices.

    Awaited; `MarketResource` is the blocking twin.
    """

    __slots__ = ("_sender",)

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender

    async def ping(self) -> None:
        """Test whether the exchange can be reached.

        Answers an empty object. It proves nothing about keys or balances.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /papi/v1/ping, security NONE: no key.
        Weight 1 of 6000 per minute, counted per IP.
        Provenance: docs, sdk.
        Source: https://developers.binance.com/docs/derivatives/portfolio-margin/market-data
        """
        await self._sender.send(operations.PING, {}, codec.nothing)

    async def time(self) -> models.ServerTime:
        """Read the exchange's clock.

        Undocumented, but answered live. Keep a fallback clock.

        Returns:
            The exchange's clock.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /papi/v1/time, security NONE: no key.
        Weight 1 of 6000 per minute, counted per IP.
        Provenance: live.
        Source: https://developers.binance.com/docs/derivatives/portfolio-margin/market-data
        """
        return await self._sender.send(operations.SERVER_TIME, {}, models.ServerTime.from_json)

    async def asset_index_prices(self, *, asset: str | Unset = UNSET) -> list[models.AssetIndexPrice]:
        """Read the USD prices with which Portfolio Margin values assets.

        USD per unit, of all assets or of one. The answer is a list in both cases. On its own host.

        Args:
            asset: Asset code. Absent answers all assets, at a weight of 50 instead of 1.

        Returns:
            A list of `AssetIndexPrice`. The USD price with which Portfolio Margin values an asset.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        GET /sapi/v1/portfolio/asset-index-price, security MARKET_DATA: API key, no signature.
        Weight 50 of 12000 per minute, counted per IP; 1 with `asset`.
        Undocumented: 2 questions; openapi.json lists the assumptions made (`assetIndexPrice`).
        Provenance: docs-sibling, sdk.
        Source: https://developers.binance.com/docs/derivatives/portfolio-margin-pro/market-data
        """
        return await self._sender.send(
            operations.ASSET_INDEX_PRICE,
            {"asset": asset},
            codec.list_or_one_of(models.AssetIndexPrice.from_json),
        )

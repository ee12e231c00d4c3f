"""Index prices, USD per unit: fixed, or following a scripted path on the sandbox's clock.

A path is a list of moments and prices. At each moment the price jumps to the next value and
stays there; nothing is interpolated, so every price that was ever used is a price that was written down.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

__all__ = ["PricePoint", "Prices"]


@dataclass(frozen=True, slots=True)
class PricePoint:
    """One point of a price path: from `at_ms` (UTC milliseconds) on, one unit is worth `price` USD."""

    at_ms: int
    price: Decimal


class Prices:
    """The current price of each asset, and the scripted prices to come."""

    def __init__(self, usd: dict[str, Decimal], paths: dict[str, list[PricePoint]] | None = None) -> None:
        self.usd = usd
        self.paths = {
            asset: sorted(points, key=lambda point: point.at_ms) for asset, points in (paths or {}).items()
        }
        self.changed_ms: dict[str, int] = {}

    def next_change_ms(self) -> int | None:
        """Return the time of the next scripted price, UTC milliseconds, or `None` if there is none."""
        moments = [points[0].at_ms for points in self.paths.values() if points]
        return min(moments) if moments else None

    def advance(self, now_ms: int) -> list[str]:
        """Apply every scripted price up to `now_ms`, and return the assets whose price changed."""
        moved: list[str] = []
        for asset, points in self.paths.items():
            while points and points[0].at_ms <= now_ms:
                point = points.pop(0)
                self.usd[asset] = point.price
                self.changed_ms[asset] = point.at_ms
                if asset not in moved:
                    moved.append(asset)
        return moved

    def set(self, asset: str, price: Decimal, now_ms: int) -> None:
        """Set one price at once; a scripted path of the asset goes on from there.

        Args:
            asset: The asset.
            price: USD per unit.
            now_ms: Now, milliseconds UTC.
        """
        self.usd[asset] = price
        self.changed_ms[asset] = now_ms

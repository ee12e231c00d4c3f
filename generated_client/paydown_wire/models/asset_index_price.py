# Written by `make generate` from openapi/components/schemas.yaml and generator/templates/model.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""Hold `AssetIndexPrice`, as the exchange sends it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from attrs import field, frozen

from paydown_wire import codec


@frozen(kw_only=True)
class AssetIndexPrice:
    """The USD price with which Portfolio Margin values an asset.

    Attributes:
        asset: Asset code.
        asset_index_price: Price of one unit, USD.
        time: When the price was taken, ms UTC.
        additional: Members that the document does not name, kept as decoded.
    """

    asset: str
    asset_index_price: Decimal
    time: int
    additional: Mapping[str, object] = field(factory=dict[str, object], hash=False)

    @classmethod
    def from_json(cls, data: object) -> AssetIndexPrice:
        """Read an object from decoded JSON. Raises `DecodeError`, which names the member at fault."""
        read = codec.Reader(data)
        return cls(
            asset=read.required("asset", codec.text),
            asset_index_price=read.required("assetIndexPrice", codec.decimal),
            time=read.required("time", codec.integer_between(-62135596800000, 253402300799999)),
            additional=read.rest(),
        )

    def to_json(self) -> dict[str, object]:
        """Return the object as plain JSON data, under the exchange's names."""
        return codec.plain(self.additional) | {
            "asset": self.asset,
            "assetIndexPrice": codec.decimal_text(self.asset_index_price),
            "time": self.time,
        }

# Written by `make generate` from openapi/components/schemas.yaml and generator/templates/model.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""Hold `NegativeBalanceExchangeDetail`, as the exchange sends it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from attrs import field, frozen

from paydown_wire import codec


@frozen(kw_only=True)
class NegativeBalanceExchangeDetail:
    """One asset that an automatic exchange covered.

    Attributes:
        asset: Asset code.
        negative_balance: Amount below zero, in units of the asset.
        negative_max_threshold: Amount below zero that is tolerated, in units of the asset.
        additional: Members that the document does not name, kept as decoded.
    """

    asset: str
    negative_balance: Decimal
    negative_max_threshold: Decimal
    additional: Mapping[str, object] = field(factory=dict[str, object], hash=False)

    @classmethod
    def from_json(cls, data: object) -> NegativeBalanceExchangeDetail:
        """Read an object from decoded JSON. Raises `DecodeError`, which names the member at fault."""
        read = codec.Reader(data)
        return cls(
            asset=read.required("asset", codec.text),
            negative_balance=read.required("negativeBalance", codec.decimal_text_or_number),
            negative_max_threshold=read.required("negativeMaxThreshold", codec.decimal_text_or_number),
            additional=read.rest(),
        )

    def to_json(self) -> dict[str, object]:
        """Return the object as plain JSON data, under the exchange's names."""
        return codec.plain(self.additional) | {
            "asset": self.asset,
            "negativeBalance": codec.decimal_text(self.negative_balance),
            "negativeMaxThreshold": codec.decimal_text(self.negative_max_threshold),
        }

# Written by `make generate` from openapi/components/events.yaml and generator/templates/model.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""Hold `OpenOrderLoss`, as the exchange sends it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from attrs import field, frozen

from paydown_wire import codec


@frozen(kw_only=True)
class OpenOrderLoss:
    """Loss of the open cross-margin orders in one asset.

    Attributes:
        asset: Asset code.
        loss: Loss, in units of the asset.
        additional: Members that the document does not name, kept as decoded.
    """

    asset: str
    loss: Decimal
    additional: Mapping[str, object] = field(factory=dict[str, object], hash=False)

    @classmethod
    def from_json(cls, data: object) -> OpenOrderLoss:
        """Read an object from decoded JSON. Raises `DecodeError`, which names the member at fault."""
        read = codec.Reader(data)
        return cls(
            asset=read.required("a", codec.text),
            loss=read.required("o", codec.decimal),
            additional=read.rest(),
        )

    def to_json(self) -> dict[str, object]:
        """Return the object as plain JSON data, under the exchange's names."""
        return codec.plain(self.additional) | {
            "a": self.asset,
            "o": codec.decimal_text(self.loss),
        }

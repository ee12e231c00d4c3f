# Written by `make generate` from openapi/components/schemas.yaml and generator/templates/model.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""Hold `CapitalFlow`, as the exchange sends it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from attrs import field, frozen

from paydown_wire import codec
from paydown_wire.enums import FlowType


@frozen(kw_only=True)
class CapitalFlow:
    """One movement of the cross-margin wallet.

    Attributes:
        id: Id of the row. Rows are continued by it.
        tran_id: Id of the movement.
        timestamp: When it happened, ms UTC.
        asset: Asset code.
        symbol: Market of an isolated account. Not given for cross margin. `None` if it is missing.
        type_: Kind of movement. Values may be added.
        amount: Signed amount, in units of the asset.
        additional: Members that the document does not name, kept as decoded.
    """

    id: int
    tran_id: int
    timestamp: int
    asset: str
    symbol: str | None = None
    type_: FlowType
    amount: Decimal
    additional: Mapping[str, object] = field(factory=dict[str, object], hash=False)

    @classmethod
    def from_json(cls, data: object) -> CapitalFlow:
        """Read an object from decoded JSON. Raises `DecodeError`, which names the member at fault."""
        read = codec.Reader(data)
        return cls(
            id=read.required("id", codec.integer),
            tran_id=read.required("tranId", codec.integer),
            timestamp=read.required("timestamp", codec.integer_between(-62135596800000, 253402300799999)),
            asset=read.required("asset", codec.text),
            symbol=read.optional("symbol", codec.text),
            type_=read.required("type", codec.enum_of(FlowType)),
            amount=read.required("amount", codec.decimal),
            additional=read.rest(),
        )

    def to_json(self) -> dict[str, object]:
        """Return the object as plain JSON data, under the exchange's names."""
        data: dict[str, object] = {
            "id": self.id,
            "tranId": self.tran_id,
            "timestamp": self.timestamp,
            "asset": self.asset,
            "type": self.type_.value,
            "amount": codec.decimal_text(self.amount),
        }
        if self.symbol is not None:
            data["symbol"] = self.symbol
        return codec.plain(self.additional) | data

# Written by `make generate` from openapi/components/schemas.yaml and generator/templates/model.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""Hold `BorrowRecord`, as the exchange sends it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from attrs import field, frozen

from paydown_wire import codec
from paydown_wire.enums import RecordStatus


@frozen(kw_only=True)
class BorrowRecord:
    """One loan.

    Attributes:
        tx_id: The `tran_id` of the borrow.
        asset: Asset code.
        principal: Amount borrowed, in units of the asset.
        timestamp: When it was borrowed, ms UTC.
        status: Whether it is done.
        additional: Members that the document does not name, kept as decoded.
    """

    tx_id: int
    asset: str
    principal: Decimal
    timestamp: int
    status: RecordStatus
    additional: Mapping[str, object] = field(factory=dict[str, object], hash=False)

    @classmethod
    def from_json(cls, data: object) -> BorrowRecord:
        """Read an object from decoded JSON. Raises `DecodeError`, which names the member at fault."""
        read = codec.Reader(data)
        return cls(
            tx_id=read.required("txId", codec.integer),
            asset=read.required("asset", codec.text),
            principal=read.required("principal", codec.decimal),
            timestamp=read.required("timestamp", codec.integer_between(-62135596800000, 253402300799999)),
            status=read.required("status", codec.enum_of(RecordStatus)),
            additional=read.rest(),
        )

    def to_json(self) -> dict[str, object]:
        """Return the object as plain JSON data, under the exchange's names."""
        return codec.plain(self.additional) | {
            "txId": self.tx_id,
            "asset": self.asset,
            "principal": codec.decimal_text(self.principal),
            "timestamp": self.timestamp,
            "status": self.status.value,
        }

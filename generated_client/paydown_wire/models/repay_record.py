# Written by `make generate` from openapi/components/schemas.yaml and generator/templates/model.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""Hold `RepayRecord`, as the exchange sends it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from attrs import field, frozen

from paydown_wire import codec
from paydown_wire.enums import RecordStatus


@frozen(kw_only=True)
class RepayRecord:
    """One repayment. `amount` = `interest` + `principal`.

    Attributes:
        amount: Amount repaid, in units of the asset.
        asset: Asset code.
        interest: Part that paid interest, in units of the asset. Seen with 9 fraction digits.
        principal: Part that paid principal, in units of the asset.
        status: Whether it is done.
        timestamp: When it was repaid, ms UTC.
        tx_id: The `tran_id` of the repayment.
        additional: Members that the document does not name, kept as decoded.
    """

    amount: Decimal
    asset: str
    interest: Decimal
    principal: Decimal
    status: RecordStatus
    timestamp: int
    tx_id: int
    additional: Mapping[str, object] = field(factory=dict[str, object], hash=False)

    @classmethod
    def from_json(cls, data: object) -> RepayRecord:
        """Read an object from decoded JSON. Raises `DecodeError`, which names the member at fault."""
        read = codec.Reader(data)
        return cls(
            amount=read.required("amount", codec.decimal),
            asset=read.required("asset", codec.text),
            interest=read.required("interest", codec.decimal),
            principal=read.required("principal", codec.decimal),
            status=read.required("status", codec.enum_of(RecordStatus)),
            timestamp=read.required("timestamp", codec.integer_between(-62135596800000, 253402300799999)),
            tx_id=read.required("txId", codec.integer),
            additional=read.rest(),
        )

    def to_json(self) -> dict[str, object]:
        """Return the object as plain JSON data, under the exchange's names."""
        return codec.plain(self.additional) | {
            "amount": codec.decimal_text(self.amount),
            "asset": self.asset,
            "interest": codec.decimal_text(self.interest),
            "principal": codec.decimal_text(self.principal),
            "status": self.status.value,
            "timestamp": self.timestamp,
            "txId": self.tx_id,
        }

# Written by `make generate` from openapi/components/schemas.yaml and generator/templates/model.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""Hold `NegativeBalanceExchangeRecordList`, as the exchange sends it."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from paydown_wire import codec
from paydown_wire.models.negative_balance_exchange_record import NegativeBalanceExchangeRecord


@frozen(kw_only=True)
class NegativeBalanceExchangeRecordList:
    """Automatic exchanges, newest first.

    Attributes:
        total: Number of exchanges in the window.
        rows: Exchanges, newest first.
        additional: Members that the document does not name, kept as decoded.
    """

    total: int
    rows: tuple[NegativeBalanceExchangeRecord, ...]
    additional: Mapping[str, object] = field(factory=dict[str, object], hash=False)

    @classmethod
    def from_json(cls, data: object) -> NegativeBalanceExchangeRecordList:
        """Read an object from decoded JSON. Raises `DecodeError`, which names the member at fault."""
        read = codec.Reader(data)
        return cls(
            total=read.required("total", codec.integer),
            rows=read.required("rows", codec.tuple_of(NegativeBalanceExchangeRecord.from_json)),
            additional=read.rest(),
        )

    def to_json(self) -> dict[str, object]:
        """Return the object as plain JSON data, under the exchange's names."""
        return codec.plain(self.additional) | {
            "total": self.total,
            "rows": [item.to_json() for item in self.rows],
        }

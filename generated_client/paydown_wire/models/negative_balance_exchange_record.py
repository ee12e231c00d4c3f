# Written by `make generate` from openapi/components/schemas.yaml and generator/templates/model.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""Hold `NegativeBalanceExchangeRecord`, as the exchange sends it."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from paydown_wire import codec
from paydown_wire.models.negative_balance_exchange_detail import NegativeBalanceExchangeDetail


@frozen(kw_only=True)
class NegativeBalanceExchangeRecord:
    """One automatic exchange.

    Attributes:
        start_time: When it began, ms UTC.
        end_time: When it ended, ms UTC.
        details: Assets it covered.
        additional: Members that the document does not name, kept as decoded.
    """

    start_time: int
    end_time: int
    details: tuple[NegativeBalanceExchangeDetail, ...]
    additional: Mapping[str, object] = field(factory=dict[str, object], hash=False)

    @classmethod
    def from_json(cls, data: object) -> NegativeBalanceExchangeRecord:
        """Read an object from decoded JSON. Raises `DecodeError`, which names the member at fault."""
        read = codec.Reader(data)
        return cls(
            start_time=read.required("startTime", codec.integer_between(-62135596800000, 253402300799999)),
            end_time=read.required("endTime", codec.integer_between(-62135596800000, 253402300799999)),
            details=read.required("details", codec.tuple_of(NegativeBalanceExchangeDetail.from_json)),
            additional=read.rest(),
        )

    def to_json(self) -> dict[str, object]:
        """Return the object as plain JSON data, under the exchange's names."""
        return codec.plain(self.additional) | {
            "startTime": self.start_time,
            "endTime": self.end_time,
            "details": [item.to_json() for item in self.details],
        }

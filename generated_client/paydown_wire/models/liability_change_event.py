# Written by `make generate` from openapi/components/events.yaml and generator/templates/model.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""Hold `LiabilityChangeEvent`, as the exchange sends it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from attrs import field, frozen

from paydown_wire import codec
from paydown_wire.enums import LiabilityChangeType


@frozen(kw_only=True)
class LiabilityChangeEvent:
    """The margin debt of an asset changed.

    In the sample `total_liability` is not `principal` + `interest`, so those two look like the change
    and `total_liability` like the total afterwards; this is documented nowhere. Use `total_liability`
    only.

    Attributes:
        event_type: Name of the event.
        event_time: When the event was made, ms UTC.
        asset: Asset code.
        change_type: What changed the debt. Values may be added.
        transaction_id: Id of the movement.
        principal: Principal, in units of the asset. Probably of the change.
        interest: Interest, in units of the asset. Probably of the change.
        total_liability: Total debt, in units of the asset.
        additional: Members that the document does not name, kept as decoded.

    Source: https://developers.binance.com/docs/derivatives/portfolio-margin/user-data-streams/Event-Liability-Update
    """

    event_type: Literal["liabilityChange"]
    event_time: int
    asset: str
    change_type: LiabilityChangeType
    transaction_id: int
    principal: Decimal
    interest: Decimal
    total_liability: Decimal
    additional: Mapping[str, object] = field(factory=dict[str, object], hash=False)

    @classmethod
    def from_json(cls, data: object) -> LiabilityChangeEvent:
        """Read an object from decoded JSON. Raises `DecodeError`, which names the member at fault."""
        read = codec.Reader(data)
        return cls(
            event_type=read.required("e", codec.constant("liabilityChange")),
            event_time=read.required("E", codec.integer_between(-62135596800000, 253402300799999)),
            asset=read.required("a", codec.text),
            change_type=read.required("t", codec.enum_of(LiabilityChangeType)),
            transaction_id=read.required("T", codec.integer),
            principal=read.required("p", codec.decimal),
            interest=read.required("i", codec.decimal),
            total_liability=read.required("l", codec.decimal),
            additional=read.rest(),
        )

    def to_json(self) -> dict[str, object]:
        """Return the object as plain JSON data, under the exchange's names."""
        return codec.plain(self.additional) | {
            "e": self.event_type,
            "E": self.event_time,
            "a": self.asset,
            "t": self.change_type.value,
            "T": self.transaction_id,
            "p": codec.decimal_text(self.principal),
            "i": codec.decimal_text(self.interest),
            "l": codec.decimal_text(self.total_liability),
        }

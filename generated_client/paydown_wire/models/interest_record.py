# Written by `make generate` from openapi/components/schemas.yaml and generator/templates/model.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""Hold `InterestRecord`, as the exchange sends it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from attrs import field, frozen

from paydown_wire import codec
from paydown_wire.enums import InterestType


@frozen(kw_only=True)
class InterestRecord:
    """One charge of interest on margin debt.

    Attributes:
        tx_id: Id of the charge.
        interest_accured_time: When it was charged, ms UTC.
        asset: The asset that was charged.
        raw_asset: The asset of the debt. Differs from `asset` when interest is paid in BNB. `None` if
            it is missing.
        principal: Principal the charge was computed on, in units of `raw_asset`.
        interest: Amount of this charge, in units of `asset`.
        interest_rate: Daily rate, a fraction; one charge is 1/24 of it. In fraction per day.
        type_: What the charge is. Values may be added.
        additional: Members that the document does not name, kept as decoded.
    """

    tx_id: int
    interest_accured_time: int
    asset: str
    raw_asset: str | None = None
    principal: Decimal
    interest: Decimal
    interest_rate: Decimal
    type_: InterestType
    additional: Mapping[str, object] = field(factory=dict[str, object], hash=False)

    @classmethod
    def from_json(cls, data: object) -> InterestRecord:
        """Read an object from decoded JSON. Raises `DecodeError`, which names the member at fault."""
        read = codec.Reader(data)
        return cls(
            tx_id=read.required("txId", codec.integer),
            interest_accured_time=read.required(
                "interestAccuredTime", codec.integer_between(-62135596800000, 253402300799999)
            ),
            asset=read.required("asset", codec.text),
            raw_asset=read.optional("rawAsset", codec.text),
            principal=read.required("principal", codec.decimal),
            interest=read.required("interest", codec.decimal),
            interest_rate=read.required("interestRate", codec.decimal),
            type_=read.required("type", codec.enum_of(InterestType)),
            additional=read.rest(),
        )

    def to_json(self) -> dict[str, object]:
        """Return the object as plain JSON data, under the exchange's names."""
        data: dict[str, object] = {
            "txId": self.tx_id,
            "interestAccuredTime": self.interest_accured_time,
            "asset": self.asset,
            "principal": codec.decimal_text(self.principal),
            "interest": codec.decimal_text(self.interest),
            "interestRate": codec.decimal_text(self.interest_rate),
            "type": self.type_.value,
        }
        if self.raw_asset is not None:
            data["rawAsset"] = self.raw_asset
        return codec.plain(self.additional) | data

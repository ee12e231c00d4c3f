# Written by `make generate` from openapi/components/schemas.yaml and generator/templates/model.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""Hold `NegativeBalanceInterest`, as the exchange sends it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from attrs import field, frozen

from paydown_wire import codec


@frozen(kw_only=True)
class NegativeBalanceInterest:
    """One daily charge on a negative futures balance.

    Attributes:
        asset: Asset code.
        interest: Amount of this charge, in units of the asset.
        interest_accured_time: When it was charged, ms UTC.
        interest_rate: Daily rate, a fraction. In fraction per day.
        principal: Negative balance the charge was computed on, in units of the asset.
        additional: Members that the document does not name, kept as decoded.
    """

    asset: str
    interest: Decimal
    interest_accured_time: int
    interest_rate: Decimal
    principal: Decimal
    additional: Mapping[str, object] = field(factory=dict[str, object], hash=False)

    @classmethod
    def from_json(cls, data: object) -> NegativeBalanceInterest:
        """Read an object from decoded JSON. Raises `DecodeError`, which names the member at fault."""
        read = codec.Reader(data)
        return cls(
            asset=read.required("asset", codec.text),
            interest=read.required("interest", codec.decimal),
            interest_accured_time=read.required(
                "interestAccuredTime", codec.integer_between(-62135596800000, 253402300799999)
            ),
            interest_rate=read.required("interestRate", codec.decimal),
            principal=read.required("principal", codec.decimal),
            additional=read.rest(),
        )

    def to_json(self) -> dict[str, object]:
        """Return the object as plain JSON data, under the exchange's names."""
        return codec.plain(self.additional) | {
            "asset": self.asset,
            "interest": codec.decimal_text(self.interest),
            "interestAccuredTime": self.interest_accured_time,
            "interestRate": codec.decimal_text(self.interest_rate),
            "principal": codec.decimal_text(self.principal),
        }

# Written by `make generate` from openapi/components/schemas.yaml and generator/templates/model.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""Hold `MaxBorrowable`, as the exchange sends it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from attrs import field, frozen

from paydown_wire import codec


@frozen(kw_only=True)
class MaxBorrowable:
    """What can be borrowed of one asset.

    Attributes:
        amount: Borrowable now, given the lending pool, in units of the asset.
        borrow_limit: Ceiling of the account level, in units of the asset.
        additional: Members that the document does not name, kept as decoded.
    """

    amount: Decimal
    borrow_limit: Decimal
    additional: Mapping[str, object] = field(factory=dict[str, object], hash=False)

    @classmethod
    def from_json(cls, data: object) -> MaxBorrowable:
        """Read an object from decoded JSON. Raises `DecodeError`, which names the member at fault."""
        read = codec.Reader(data)
        return cls(
            amount=read.required("amount", codec.decimal_text_or_number),
            borrow_limit=read.required("borrowLimit", codec.decimal_text_or_number),
            additional=read.rest(),
        )

    def to_json(self) -> dict[str, object]:
        """Return the object as plain JSON data, under the exchange's names."""
        return codec.plain(self.additional) | {
            "amount": codec.decimal_text(self.amount),
            "borrowLimit": codec.decimal_text(self.borrow_limit),
        }

# Written by `make generate` from openapi/components/schemas.yaml and generator/templates/model.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""Hold `RepayDebtResult`, as the exchange sends it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from attrs import field, frozen

from paydown_wire import codec


@frozen(kw_only=True)
class RepayDebtResult:
    """What the exchange reports as repaid.

    There is no transaction id, no list of assets spent, no price and no fee. The page describes none of
    these fields.

    Attributes:
        amount: Amount repaid, in units of `asset`. Missing when the call named no amount. `None` then.
        asset: The asset that was owed.
        specify_repay_assets: Payment assets of the request, not what was really spent. `None` if it is
            missing.
        update_time: When it was done, ms UTC. `None` if it is missing.
        success: True in every published answer. Anything else is not a confirmation.
        additional: Members that the document does not name, kept as decoded.
    """

    amount: Decimal | None = None
    asset: str
    specify_repay_assets: tuple[str, ...] | None = None
    update_time: int | None = None
    success: bool
    additional: Mapping[str, object] = field(factory=dict[str, object], hash=False)

    @classmethod
    def from_json(cls, data: object) -> RepayDebtResult:
        """Read an object from decoded JSON. Raises `DecodeError`, which names the member at fault."""
        read = codec.Reader(data)
        return cls(
            amount=read.optional("amount", codec.not_negative(codec.decimal_text_or_number)),
            asset=read.required("asset", codec.text),
            specify_repay_assets=read.optional("specifyRepayAssets", codec.tuple_of(codec.text)),
            update_time=read.optional("updateTime", codec.integer_between(-62135596800000, 253402300799999)),
            success=read.required("success", codec.boolean),
            additional=read.rest(),
        )

    def to_json(self) -> dict[str, object]:
        """Return the object as plain JSON data, under the exchange's names."""
        data: dict[str, object] = {
            "asset": self.asset,
            "success": self.success,
        }
        if self.amount is not None:
            data["amount"] = codec.decimal_text(self.amount)
        if self.specify_repay_assets is not None:
            data["specifyRepayAssets"] = list(self.specify_repay_assets)
        if self.update_time is not None:
            data["updateTime"] = self.update_time
        return codec.plain(self.additional) | data

# Written by `make generate` from openapi/components/schemas.yaml and generator/templates/model.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""Hold `Account`, as the exchange sends it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from attrs import field, frozen

from paydown_wire import codec
from paydown_wire.enums import AccountStatus


@frozen(kw_only=True)
class Account:
    """Equity and margin of the whole account, in USD.

    Attributes:
        uni_mmr: Unified maintenance margin ratio: the higher, the safer.
        account_equity: Equity after collateral rates, USD.
        actual_equity: Equity without collateral rates, USD. `None` if it is missing.
        account_initial_margin: Initial margin, USD. `None` if it is missing.
        account_maint_margin: Maintenance margin, USD. `None` if it is missing.
        account_status: State of the account. Values may be added.
        virtual_max_withdraw_amount: What may be withdrawn at most, USD. `None` if it is missing.
        total_available_balance: Available balance, USD. `None` if it is missing or an empty text.
        total_margin_open_loss: Open loss of margin orders, USD. `None` if it is missing or an empty
            text.
        update_time: Last update, ms UTC. `None` if it is missing.
        additional: Members that the document does not name, kept as decoded.
    """

    uni_mmr: Decimal
    account_equity: Decimal
    actual_equity: Decimal | None = None
    account_initial_margin: Decimal | None = None
    account_maint_margin: Decimal | None = None
    account_status: AccountStatus
    virtual_max_withdraw_amount: Decimal | None = None
    total_available_balance: Decimal | None = None
    total_margin_open_loss: Decimal | None = None
    update_time: int | None = None
    additional: Mapping[str, object] = field(factory=dict[str, object], hash=False)

    @classmethod
    def from_json(cls, data: object) -> Account:
        """Read an object from decoded JSON. Raises `DecodeError`, which names the member at fault."""
        read = codec.Reader(data)
        return cls(
            uni_mmr=read.required("uniMMR", codec.decimal),
            account_equity=read.required("accountEquity", codec.decimal),
            actual_equity=read.optional("actualEquity", codec.decimal),
            account_initial_margin=read.optional("accountInitialMargin", codec.decimal),
            account_maint_margin=read.optional("accountMaintMargin", codec.decimal),
            account_status=read.required("accountStatus", codec.enum_of(AccountStatus)),
            virtual_max_withdraw_amount=read.optional("virtualMaxWithdrawAmount", codec.decimal),
            total_available_balance=read.optional("totalAvailableBalance", codec.decimal_or_empty),
            total_margin_open_loss=read.optional("totalMarginOpenLoss", codec.decimal_or_empty),
            update_time=read.optional("updateTime", codec.integer_between(-62135596800000, 253402300799999)),
            additional=read.rest(),
        )

    def to_json(self) -> dict[str, object]:
        """Return the object as plain JSON data, under the exchange's names."""
        data: dict[str, object] = {
            "uniMMR": codec.decimal_text(self.uni_mmr),
            "accountEquity": codec.decimal_text(self.account_equity),
            "accountStatus": self.account_status.value,
        }
        if self.actual_equity is not None:
            data["actualEquity"] = codec.decimal_text(self.actual_equity)
        if self.account_initial_margin is not None:
            data["accountInitialMargin"] = codec.decimal_text(self.account_initial_margin)
        if self.account_maint_margin is not None:
            data["accountMaintMargin"] = codec.decimal_text(self.account_maint_margin)
        if self.virtual_max_withdraw_amount is not None:
            data["virtualMaxWithdrawAmount"] = codec.decimal_text(self.virtual_max_withdraw_amount)
        if self.total_available_balance is not None:
            data["totalAvailableBalance"] = codec.decimal_text(self.total_available_balance)
        if self.total_margin_open_loss is not None:
            data["totalMarginOpenLoss"] = codec.decimal_text(self.total_margin_open_loss)
        if self.update_time is not None:
            data["updateTime"] = self.update_time
        return codec.plain(self.additional) | data

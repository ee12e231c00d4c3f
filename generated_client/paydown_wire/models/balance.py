# Written by `make generate` from openapi/components/schemas.yaml and generator/templates/model.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""Hold `Balance`, as the exchange sends it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from attrs import field, frozen

from paydown_wire import codec


@frozen(kw_only=True)
class Balance:
    """What the account holds and owes in one asset.

    The debt is `cross_margin_borrowed` plus `cross_margin_interest`. All amounts are in units of the
    asset. The published sample breaks its own formulas: it is illustrative only.

    Attributes:
        asset: Asset code.
        total_wallet_balance: Cross free + cross locked + UM wallet + CM wallet. In units of the asset.
            `None` if it is missing.
        cross_margin_asset: Cross free + cross locked. May be missing from the single-asset answer.
            `None` then.
        cross_margin_borrowed: Principal owed. In units of the asset.
        cross_margin_free: Spendable in the cross-margin wallet. In units of the asset.
        cross_margin_interest: Interest owed. In units of the asset.
        cross_margin_locked: Held by open orders. In units of the asset.
        um_wallet_balance: Wallet balance of USD-M futures. In units of the asset. `None` if it is
            missing or an empty text.
        um_unrealized_pnl: Unrealized profit of USD-M futures. In units of the asset. `None` if it is
            missing or an empty text.
        cm_wallet_balance: Wallet balance of COIN-M futures. In units of the asset. `None` if it is
            missing or an empty text.
        cm_unrealized_pnl: Unrealized profit of COIN-M futures. In units of the asset. `None` if it is
            missing or an empty text.
        update_time: Last update, ms UTC. 0 has been seen: not a measure of freshness. `None` if it is
            missing.
        negative_balance: Amount below zero from futures losses. In units of the asset. `None` if it is
            missing.
        additional: Members that the document does not name, kept as decoded.
    """

    asset: str
    total_wallet_balance: Decimal | None = None
    cross_margin_asset: Decimal | None = None
    cross_margin_borrowed: Decimal
    cross_margin_free: Decimal
    cross_margin_interest: Decimal
    cross_margin_locked: Decimal
    um_wallet_balance: Decimal | None = None
    um_unrealized_pnl: Decimal | None = None
    cm_wallet_balance: Decimal | None = None
    cm_unrealized_pnl: Decimal | None = None
    update_time: int | None = None
    negative_balance: Decimal | None = None
    additional: Mapping[str, object] = field(factory=dict[str, object], hash=False)

    @classmethod
    def from_json(cls, data: object) -> Balance:
        """Read an object from decoded JSON. Raises `DecodeError`, which names the member at fault."""
        read = codec.Reader(data)
        return cls(
            asset=read.required("asset", codec.text),
            total_wallet_balance=read.optional("totalWalletBalance", codec.decimal),
            cross_margin_asset=read.optional("crossMarginAsset", codec.decimal),
            cross_margin_borrowed=read.required("crossMarginBorrowed", codec.not_negative(codec.decimal)),
            cross_margin_free=read.required("crossMarginFree", codec.decimal),
            cross_margin_interest=read.required("crossMarginInterest", codec.not_negative(codec.decimal)),
            cross_margin_locked=read.required("crossMarginLocked", codec.decimal),
            um_wallet_balance=read.optional("umWalletBalance", codec.decimal_or_empty),
            um_unrealized_pnl=read.optional("umUnrealizedPNL", codec.decimal_or_empty),
            cm_wallet_balance=read.optional("cmWalletBalance", codec.decimal_or_empty),
            cm_unrealized_pnl=read.optional("cmUnrealizedPNL", codec.decimal_or_empty),
            update_time=read.optional("updateTime", codec.integer_between(-62135596800000, 253402300799999)),
            negative_balance=read.optional("negativeBalance", codec.decimal),
            additional=read.rest(),
        )

    def to_json(self) -> dict[str, object]:
        """Return the object as plain JSON data, under the exchange's names."""
        data: dict[str, object] = {
            "asset": self.asset,
            "crossMarginBorrowed": codec.decimal_text(self.cross_margin_borrowed),
            "crossMarginFree": codec.decimal_text(self.cross_margin_free),
            "crossMarginInterest": codec.decimal_text(self.cross_margin_interest),
            "crossMarginLocked": codec.decimal_text(self.cross_margin_locked),
        }
        if self.total_wallet_balance is not None:
            data["totalWalletBalance"] = codec.decimal_text(self.total_wallet_balance)
        if self.cross_margin_asset is not None:
            data["crossMarginAsset"] = codec.decimal_text(self.cross_margin_asset)
        if self.um_wallet_balance is not None:
            data["umWalletBalance"] = codec.decimal_text(self.um_wallet_balance)
        if self.um_unrealized_pnl is not None:
            data["umUnrealizedPNL"] = codec.decimal_text(self.um_unrealized_pnl)
        if self.cm_wallet_balance is not None:
            data["cmWalletBalance"] = codec.decimal_text(self.cm_wallet_balance)
        if self.cm_unrealized_pnl is not None:
            data["cmUnrealizedPNL"] = codec.decimal_text(self.cm_unrealized_pnl)
        if self.update_time is not None:
            data["updateTime"] = self.update_time
        if self.negative_balance is not None:
            data["negativeBalance"] = codec.decimal_text(self.negative_balance)
        return codec.plain(self.additional) | data

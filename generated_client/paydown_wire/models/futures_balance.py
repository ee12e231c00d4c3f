# Written by `make generate` from openapi/components/events.yaml and generator/templates/model.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""Hold `FuturesBalance`, as the exchange sends it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from attrs import field, frozen

from paydown_wire import codec


@frozen(kw_only=True)
class FuturesBalance:
    """Balance of one asset in a futures wallet.

    Attributes:
        asset: Asset code.
        wallet_balance: Wallet balance, in units of the asset.
        cross_wallet_balance: Cross wallet balance, in units of the asset. `None` if it is missing.
        balance_change: Change other than profit and commission, in units of the asset. `None` if it is
            missing.
        additional: Members that the document does not name, kept as decoded.
    """

    asset: str
    wallet_balance: Decimal
    cross_wallet_balance: Decimal | None = None
    balance_change: Decimal | None = None
    additional: Mapping[str, object] = field(factory=dict[str, object], hash=False)

    @classmethod
    def from_json(cls, data: object) -> FuturesBalance:
        """Read an object from decoded JSON. Raises `DecodeError`, which names the member at fault."""
        read = codec.Reader(data)
        return cls(
            asset=read.required("a", codec.text),
            wallet_balance=read.required("wb", codec.decimal),
            cross_wallet_balance=read.optional("cw", codec.decimal),
            balance_change=read.optional("bc", codec.decimal),
            additional=read.rest(),
        )

    def to_json(self) -> dict[str, object]:
        """Return the object as plain JSON data, under the exchange's names."""
        data: dict[str, object] = {
            "a": self.asset,
            "wb": codec.decimal_text(self.wallet_balance),
        }
        if self.cross_wallet_balance is not None:
            data["cw"] = codec.decimal_text(self.cross_wallet_balance)
        if self.balance_change is not None:
            data["bc"] = codec.decimal_text(self.balance_change)
        return codec.plain(self.additional) | data

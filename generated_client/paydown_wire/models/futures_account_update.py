# Written by `make generate` from openapi/components/events.yaml and generator/templates/model.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""Hold `FuturesAccountUpdate`, as the exchange sends it."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from paydown_wire import codec
from paydown_wire.models.futures_balance import FuturesBalance
from paydown_wire.models.futures_position import FuturesPosition


@frozen(kw_only=True)
class FuturesAccountUpdate:
    """What changed in a futures wallet.

    Attributes:
        reason: Why, such as ORDER or MARGIN_TRANSFER. Values may be added.
        balances: Balances, one per asset. `None` if it is missing.
        positions: Positions that changed. `None` if it is missing.
        additional: Members that the document does not name, kept as decoded.
    """

    reason: str
    balances: tuple[FuturesBalance, ...] | None = None
    positions: tuple[FuturesPosition, ...] | None = None
    additional: Mapping[str, object] = field(factory=dict[str, object], hash=False)

    @classmethod
    def from_json(cls, data: object) -> FuturesAccountUpdate:
        """Read an object from decoded JSON. Raises `DecodeError`, which names the member at fault."""
        read = codec.Reader(data)
        return cls(
            reason=read.required("m", codec.text),
            balances=read.optional("B", codec.tuple_of(FuturesBalance.from_json)),
            positions=read.optional("P", codec.tuple_of(FuturesPosition.from_json)),
            additional=read.rest(),
        )

    def to_json(self) -> dict[str, object]:
        """Return the object as plain JSON data, under the exchange's names."""
        data: dict[str, object] = {
            "m": self.reason,
        }
        if self.balances is not None:
            data["B"] = [item.to_json() for item in self.balances]
        if self.positions is not None:
            data["P"] = [item.to_json() for item in self.positions]
        return codec.plain(self.additional) | data

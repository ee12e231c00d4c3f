# Written by `make generate` from openapi/components/events.yaml and generator/templates/model.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""Hold `AccountPositionEvent`, as the exchange sends it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from attrs import field, frozen

from paydown_wire import codec
from paydown_wire.models.asset_position import AssetPosition


@frozen(kw_only=True)
class AccountPositionEvent:
    """Cross-margin balances after a change, of the assets that may have changed.

    Attributes:
        event_type: Name of the event.
        event_time: When the event was made, ms UTC.
        last_update_time: Last update of the account, ms UTC. `None` if it is missing.
        update_id: Id of the update. `None` if it is missing.
        balances: Balances, one per asset.
        additional: Members that the document does not name, kept as decoded.

    Source: https://developers.binance.com/docs/derivatives/portfolio-margin/user-data-streams/Event-Margin-Account-Update
    """

    event_type: Literal["outboundAccountPosition"]
    event_time: int
    last_update_time: int | None = None
    update_id: int | None = None
    balances: tuple[AssetPosition, ...]
    additional: Mapping[str, object] = field(factory=dict[str, object], hash=False)

    @classmethod
    def from_json(cls, data: object) -> AccountPositionEvent:
        """Read an object from decoded JSON. Raises `DecodeError`, which names the member at fault."""
        read = codec.Reader(data)
        return cls(
            event_type=read.required("e", codec.constant("outboundAccountPosition")),
            event_time=read.required("E", codec.integer_between(-62135596800000, 253402300799999)),
            last_update_time=read.optional("u", codec.integer_between(-62135596800000, 253402300799999)),
            update_id=read.optional("U", codec.integer),
            balances=read.required("B", codec.tuple_of(AssetPosition.from_json)),
            additional=read.rest(),
        )

    def to_json(self) -> dict[str, object]:
        """Return the object as plain JSON data, under the exchange's names."""
        data: dict[str, object] = {
            "e": self.event_type,
            "E": self.event_time,
            "B": [item.to_json() for item in self.balances],
        }
        if self.last_update_time is not None:
            data["u"] = self.last_update_time
        if self.update_id is not None:
            data["U"] = self.update_id
        return codec.plain(self.additional) | data

# Written by `make generate` from openapi/components/events.yaml and generator/templates/model.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""Hold `BalanceUpdateEvent`, as the exchange sends it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from attrs import field, frozen

from paydown_wire import codec


@frozen(kw_only=True)
class BalanceUpdateEvent:
    """The cross-margin balance of an asset changed.

    Attributes:
        event_type: Name of the event.
        event_time: When the event was made, ms UTC.
        asset: Asset code.
        delta: Signed change, in units of the asset.
        update_id: Id of the update. `None` if it is missing.
        clear_time: When it was cleared, ms UTC. `None` if it is missing.
        additional: Members that the document does not name, kept as decoded.
    """

    event_type: Literal["balanceUpdate"]
    event_time: int
    asset: str
    delta: Decimal
    update_id: int | None = None
    clear_time: int | None = None
    additional: Mapping[str, object] = field(factory=dict[str, object], hash=False)

    @classmethod
    def from_json(cls, data: object) -> BalanceUpdateEvent:
        """Read an object from decoded JSON. Raises `DecodeError`, which names the member at fault."""
        read = codec.Reader(data)
        return cls(
            event_type=read.required("e", codec.constant("balanceUpdate")),
            event_time=read.required("E", codec.integer_between(-62135596800000, 253402300799999)),
            asset=read.required("a", codec.text),
            delta=read.required("d", codec.decimal),
            update_id=read.optional("U", codec.integer),
            clear_time=read.optional("T", codec.integer_between(-62135596800000, 253402300799999)),
            additional=read.rest(),
        )

    def to_json(self) -> dict[str, object]:
        """Return the object as plain JSON data, under the exchange's names."""
        data: dict[str, object] = {
            "e": self.event_type,
            "E": self.event_time,
            "a": self.asset,
            "d": codec.decimal_text(self.delta),
        }
        if self.update_id is not None:
            data["U"] = self.update_id
        if self.clear_time is not None:
            data["T"] = self.clear_time
        return codec.plain(self.additional) | data

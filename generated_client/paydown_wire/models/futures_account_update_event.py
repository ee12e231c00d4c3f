# Written by `make generate` from openapi/components/events.yaml and generator/templates/model.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""Hold `FuturesAccountUpdateEvent`, as the exchange sends it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from attrs import field, frozen

from paydown_wire import codec
from paydown_wire.enums import FuturesBusiness
from paydown_wire.models.futures_account_update import FuturesAccountUpdate


@frozen(kw_only=True)
class FuturesAccountUpdateEvent:
    """A futures wallet changed.

    Attributes:
        event_type: Name of the event.
        business: Which futures business. Values may be added.
        event_time: When the event was made, ms UTC.
        transaction_time: When it happened, ms UTC.
        account_alias: Account alias, empty for UM. `None` if it is missing.
        update: What changed.
        additional: Members that the document does not name, kept as decoded.

    Source: https://developers.binance.com/docs/derivatives/portfolio-margin/user-data-streams/Event-Futures-Balance-and-Position-Update
    """

    event_type: Literal["ACCOUNT_UPDATE"]
    business: FuturesBusiness
    event_time: int
    transaction_time: int
    account_alias: str | None = None
    update: FuturesAccountUpdate
    additional: Mapping[str, object] = field(factory=dict[str, object], hash=False)

    @classmethod
    def from_json(cls, data: object) -> FuturesAccountUpdateEvent:
        """Read an object from decoded JSON. Raises `DecodeError`, which names the member at fault."""
        read = codec.Reader(data)
        return cls(
            event_type=read.required("e", codec.constant("ACCOUNT_UPDATE")),
            business=read.required("fs", codec.enum_of(FuturesBusiness)),
            event_time=read.required("E", codec.integer_between(-62135596800000, 253402300799999)),
            transaction_time=read.required("T", codec.integer_between(-62135596800000, 253402300799999)),
            account_alias=read.optional("i", codec.text),
            update=read.required("a", FuturesAccountUpdate.from_json),
            additional=read.rest(),
        )

    def to_json(self) -> dict[str, object]:
        """Return the object as plain JSON data, under the exchange's names."""
        data: dict[str, object] = {
            "e": self.event_type,
            "fs": self.business.value,
            "E": self.event_time,
            "T": self.transaction_time,
            "a": self.update.to_json(),
        }
        if self.account_alias is not None:
            data["i"] = self.account_alias
        return codec.plain(self.additional) | data

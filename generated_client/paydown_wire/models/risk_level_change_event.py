# Written by `make generate` from openapi/components/events.yaml and generator/templates/model.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""Hold `RiskLevelChangeEvent`, as the exchange sends it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Literal

from attrs import field, frozen

from paydown_wire import codec
from paydown_wire.enums import RiskLevel


@frozen(kw_only=True)
class RiskLevelChangeEvent:
    """The account became riskier. Guidance only; a liquidation may already have happened.

    Attributes:
        event_type: Name of the event.
        event_time: When the event was made, ms UTC.
        uni_mmr: Unified maintenance margin ratio: the higher, the safer.
        level: The new level. Values may be added.
        account_equity: Equity after collateral rates, USD. `None` if it is missing.
        actual_equity: Equity without collateral rates, USD. `None` if it is missing.
        maintenance_margin: Maintenance margin, USD. `None` if it is missing.
        additional: Members that the document does not name, kept as decoded.

    Source: https://developers.binance.com/docs/derivatives/portfolio-margin/user-data-streams/Event-riskLevelChange
    """

    event_type: Literal["riskLevelChange"]
    event_time: int
    uni_mmr: Decimal
    level: RiskLevel
    account_equity: Decimal | None = None
    actual_equity: Decimal | None = None
    maintenance_margin: Decimal | None = None
    additional: Mapping[str, object] = field(factory=dict[str, object], hash=False)

    @classmethod
    def from_json(cls, data: object) -> RiskLevelChangeEvent:
        """Read an object from decoded JSON. Raises `DecodeError`, which names the member at fault."""
        read = codec.Reader(data)
        return cls(
            event_type=read.required("e", codec.constant("riskLevelChange")),
            event_time=read.required("E", codec.integer_between(-62135596800000, 253402300799999)),
            uni_mmr=read.required("u", codec.decimal),
            level=read.required("s", codec.enum_of(RiskLevel)),
            account_equity=read.optional("eq", codec.decimal),
            actual_equity=read.optional("ae", codec.decimal),
            maintenance_margin=read.optional("m", codec.decimal),
            additional=read.rest(),
        )

    def to_json(self) -> dict[str, object]:
        """Return the object as plain JSON data, under the exchange's names."""
        data: dict[str, object] = {
            "e": self.event_type,
            "E": self.event_time,
            "u": codec.decimal_text(self.uni_mmr),
            "s": self.level.value,
        }
        if self.account_equity is not None:
            data["eq"] = codec.decimal_text(self.account_equity)
        if self.actual_equity is not None:
            data["ae"] = codec.decimal_text(self.actual_equity)
        if self.maintenance_margin is not None:
            data["m"] = codec.decimal_text(self.maintenance_margin)
        return codec.plain(self.additional) | data

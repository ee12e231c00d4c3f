# Written by `make generate` from openapi/components/events.yaml and generator/templates/union.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""Hold `StreamEvent`: 7 objects, distinguished by `e`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from attrs import field, frozen

from paydown_wire import codec
from paydown_wire.models.account_position_event import AccountPositionEvent
from paydown_wire.models.balance_update_event import BalanceUpdateEvent
from paydown_wire.models.futures_account_update_event import FuturesAccountUpdateEvent
from paydown_wire.models.liability_change_event import LiabilityChangeEvent
from paydown_wire.models.listen_key_expired_event import ListenKeyExpiredEvent
from paydown_wire.models.open_order_loss_event import OpenOrderLossEvent
from paydown_wire.models.risk_level_change_event import RiskLevelChangeEvent


@frozen(kw_only=True)
class UnknownStreamEvent:
    """Hold an object whose `e` the document does not list.

    Attributes:
        tag: The value of `e`.
        additional: The other members, kept as decoded.
    """

    tag: str
    additional: Mapping[str, object] = field(factory=dict[str, object], hash=False)

    def to_json(self) -> dict[str, object]:
        """Return the object as plain JSON data."""
        return codec.plain(self.additional) | {"e": self.tag}


StreamEvent: TypeAlias = (
    LiabilityChangeEvent
    | BalanceUpdateEvent
    | AccountPositionEvent
    | OpenOrderLossEvent
    | RiskLevelChangeEvent
    | ListenKeyExpiredEvent
    | FuturesAccountUpdateEvent
    | UnknownStreamEvent
)
_CASES: dict[str, Callable[[object], StreamEvent]] = {
    "liabilityChange": LiabilityChangeEvent.from_json,
    "balanceUpdate": BalanceUpdateEvent.from_json,
    "outboundAccountPosition": AccountPositionEvent.from_json,
    "openOrderLoss": OpenOrderLossEvent.from_json,
    "riskLevelChange": RiskLevelChangeEvent.from_json,
    "listenKeyExpired": ListenKeyExpiredEvent.from_json,
    "ACCOUNT_UPDATE": FuturesAccountUpdateEvent.from_json,
}


def stream_event_from_json(data: object) -> StreamEvent:
    """Read an object from decoded JSON.

    An event of the user data stream that the document does not list is kept, not refused.

    Raises:
        DecodeError: The data is not an object, has no `e`, or does not fit that `e`.
    """
    read = codec.Reader(data)
    tag = read.required("e", codec.text)
    if tag in _CASES:
        return _CASES[tag](data)
    return UnknownStreamEvent(tag=tag, additional=read.rest())

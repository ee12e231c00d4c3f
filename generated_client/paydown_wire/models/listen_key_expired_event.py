# Written by `make generate` from openapi/components/events.yaml and generator/templates/model.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""Hold `ListenKeyExpiredEvent`, as the exchange sends it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from attrs import field, frozen

from paydown_wire import codec


@frozen(kw_only=True)
class ListenKeyExpiredEvent:
    """The key is gone. Nothing more arrives until a new key is used, though the socket may stay open.

    Attributes:
        event_type: Name of the event.
        event_time: When the event was made, ms UTC.
        additional: Members that the document does not name, kept as decoded.
    """

    event_type: Literal["listenKeyExpired"]
    event_time: int
    additional: Mapping[str, object] = field(factory=dict[str, object], hash=False)

    @classmethod
    def from_json(cls, data: object) -> ListenKeyExpiredEvent:
        """Read an object from decoded JSON. Raises `DecodeError`, which names the member at fault."""
        read = codec.Reader(data)
        return cls(
            event_type=read.required("e", codec.constant("listenKeyExpired")),
            event_time=read.required("E", codec.integer_between(-62135596800000, 253402300799999)),
            additional=read.rest(),
        )

    def to_json(self) -> dict[str, object]:
        """Return the object as plain JSON data, under the exchange's names."""
        return codec.plain(self.additional) | {
            "e": self.event_type,
            "E": self.event_time,
        }

# Written by `make generate` from openapi/components/schemas.yaml and generator/templates/model.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""Hold `ServerTime`, as the exchange sends it."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from paydown_wire import codec


@frozen(kw_only=True)
class ServerTime:
    """The exchange's clock.

    Attributes:
        server_time: Now, on the exchange's clock, ms UTC.
        additional: Members that the document does not name, kept as decoded.
    """

    server_time: int
    additional: Mapping[str, object] = field(factory=dict[str, object], hash=False)

    @classmethod
    def from_json(cls, data: object) -> ServerTime:
        """Read an object from decoded JSON. Raises `DecodeError`, which names the member at fault."""
        read = codec.Reader(data)
        return cls(
            server_time=read.required("serverTime", codec.integer_between(-62135596800000, 253402300799999)),
            additional=read.rest(),
        )

    def to_json(self) -> dict[str, object]:
        """Return the object as plain JSON data, under the exchange's names."""
        return codec.plain(self.additional) | {
            "serverTime": self.server_time,
        }

# Written by `make generate` from openapi/components/schemas.yaml and generator/templates/model.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""Hold `ListenKey`, as the exchange sends it."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from paydown_wire import codec


@frozen(kw_only=True)
class ListenKey:
    """The key of the user data stream. Anyone who holds it can read the stream.

    Attributes:
        listen_key: 64 characters, valid for 60 minutes.
        additional: Members that the document does not name, kept as decoded.
    """

    listen_key: str = field(repr=False)
    additional: Mapping[str, object] = field(factory=dict[str, object], hash=False)

    @classmethod
    def from_json(cls, data: object) -> ListenKey:
        """Read an object from decoded JSON. Raises `DecodeError`, which names the member at fault."""
        read = codec.Reader(data)
        return cls(
            listen_key=read.required("listenKey", codec.text),
            additional=read.rest(),
        )

    def to_json(self) -> dict[str, object]:
        """Return the object as plain JSON data, under the exchange's names."""
        return codec.plain(self.additional) | {
            "listenKey": self.listen_key,
        }

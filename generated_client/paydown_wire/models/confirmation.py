# Written by `make generate` from openapi/components/schemas.yaml and generator/templates/model.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""Hold `Confirmation`, as the exchange sends it."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from paydown_wire import codec


@frozen(kw_only=True)
class Confirmation:
    """The exchange's plain yes.

    Attributes:
        msg: "success" in every published answer. Anything else is not a confirmation.
        additional: Members that the document does not name, kept as decoded.
    """

    msg: str
    additional: Mapping[str, object] = field(factory=dict[str, object], hash=False)

    @classmethod
    def from_json(cls, data: object) -> Confirmation:
        """Read an object from decoded JSON. Raises `DecodeError`, which names the member at fault."""
        read = codec.Reader(data)
        return cls(
            msg=read.required("msg", codec.text),
            additional=read.rest(),
        )

    def to_json(self) -> dict[str, object]:
        """Return the object as plain JSON data, under the exchange's names."""
        return codec.plain(self.additional) | {
            "msg": self.msg,
        }

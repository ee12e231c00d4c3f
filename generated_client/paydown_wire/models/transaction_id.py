# Written by `make generate` from openapi/components/schemas.yaml and generator/templates/model.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""Hold `TransactionId`, as the exchange sends it."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from paydown_wire import codec


@frozen(kw_only=True)
class TransactionId:
    """The id under which the movement is recorded.

    Attributes:
        tran_id: Id of the movement, the `tx_id` of its record.
        additional: Members that the document does not name, kept as decoded.
    """

    tran_id: int
    additional: Mapping[str, object] = field(factory=dict[str, object], hash=False)

    @classmethod
    def from_json(cls, data: object) -> TransactionId:
        """Read an object from decoded JSON. Raises `DecodeError`, which names the member at fault."""
        read = codec.Reader(data)
        return cls(
            tran_id=read.required("tranId", codec.integer),
            additional=read.rest(),
        )

    def to_json(self) -> dict[str, object]:
        """Return the object as plain JSON data, under the exchange's names."""
        return codec.plain(self.additional) | {
            "tranId": self.tran_id,
        }

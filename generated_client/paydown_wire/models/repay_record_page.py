# Written by `make generate` from openapi/components/schemas.yaml and generator/templates/model.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""Hold `RepayRecordPage`, as the exchange sends it."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from paydown_wire import codec
from paydown_wire.models.repay_record import RepayRecord


@frozen(kw_only=True)
class RepayRecordPage:
    """One page of repayments, newest first.

    Attributes:
        rows: Repayments, newest first.
        total: Number of all matches, by our reading.
        additional: Members that the document does not name, kept as decoded.
    """

    rows: tuple[RepayRecord, ...]
    total: int
    additional: Mapping[str, object] = field(factory=dict[str, object], hash=False)

    @classmethod
    def from_json(cls, data: object) -> RepayRecordPage:
        """Read an object from decoded JSON. Raises `DecodeError`, which names the member at fault."""
        read = codec.Reader(data)
        return cls(
            rows=read.required("rows", codec.tuple_of(RepayRecord.from_json)),
            total=read.required("total", codec.integer),
            additional=read.rest(),
        )

    def to_json(self) -> dict[str, object]:
        """Return the object as plain JSON data, under the exchange's names."""
        return codec.plain(self.additional) | {
            "rows": [item.to_json() for item in self.rows],
            "total": self.total,
        }

# Written by `make generate` from openapi/components/schemas.yaml and generator/templates/model.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""Hold `AutoRepayStatus`, as the exchange sends it."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from paydown_wire import codec


@frozen(kw_only=True)
class AutoRepayStatus:
    """Whether negative futures balances are repaid automatically.

    Attributes:
        auto_repay: True when they are.
        additional: Members that the document does not name, kept as decoded.
    """

    auto_repay: bool
    additional: Mapping[str, object] = field(factory=dict[str, object], hash=False)

    @classmethod
    def from_json(cls, data: object) -> AutoRepayStatus:
        """Read an object from decoded JSON. Raises `DecodeError`, which names the member at fault."""
        read = codec.Reader(data)
        return cls(
            auto_repay=read.required("autoRepay", codec.boolean),
            additional=read.rest(),
        )

    def to_json(self) -> dict[str, object]:
        """Return the object as plain JSON data, under the exchange's names."""
        return codec.plain(self.additional) | {
            "autoRepay": self.auto_repay,
        }

# Written by `make generate` from openapi/components/events.yaml and generator/templates/model.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""Hold `AssetPosition`, as the exchange sends it."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from attrs import field, frozen

from paydown_wire import codec


@frozen(kw_only=True)
class AssetPosition:
    """Cross-margin balance of one asset.

    Attributes:
        asset: Asset code.
        free: Free, in units of the asset.
        locked: Locked, in units of the asset.
        additional: Members that the document does not name, kept as decoded.
    """

    asset: str
    free: Decimal
    locked: Decimal
    additional: Mapping[str, object] = field(factory=dict[str, object], hash=False)

    @classmethod
    def from_json(cls, data: object) -> AssetPosition:
        """Read an object from decoded JSON. Raises `DecodeError`, which names the member at fault."""
        read = codec.Reader(data)
        return cls(
            asset=read.required("a", codec.text),
            free=read.required("f", codec.decimal),
            locked=read.required("l", codec.decimal),
            additional=read.rest(),
        )

    def to_json(self) -> dict[str, object]:
        """Return the object as plain JSON data, under the exchange's names."""
        return codec.plain(self.additional) | {
            "a": self.asset,
            "f": codec.decimal_text(self.free),
            "l": codec.decimal_text(self.locked),
        }

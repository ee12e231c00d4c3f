# Written by `make generate` from openapi/components/schemas.yaml and generator/templates/model.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""Hold `RateLimit`, as the exchange sends it."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen

from paydown_wire import codec
from paydown_wire.enums import RateLimitInterval, RateLimitType


@frozen(kw_only=True)
class RateLimit:
    """One limit of the account. Not the count used.

    Attributes:
        rate_limit_type: What is counted. Values may be added.
        interval: Unit of the interval. Values may be added.
        interval_num: Length of the interval in that unit.
        limit: How many are allowed per interval.
        additional: Members that the document does not name, kept as decoded.
    """

    rate_limit_type: RateLimitType
    interval: RateLimitInterval
    interval_num: int
    limit: int
    additional: Mapping[str, object] = field(factory=dict[str, object], hash=False)

    @classmethod
    def from_json(cls, data: object) -> RateLimit:
        """Read an object from decoded JSON. Raises `DecodeError`, which names the member at fault."""
        read = codec.Reader(data)
        return cls(
            rate_limit_type=read.required("rateLimitType", codec.enum_of(RateLimitType)),
            interval=read.required("interval", codec.enum_of(RateLimitInterval)),
            interval_num=read.required("intervalNum", codec.integer),
            limit=read.required("limit", codec.integer),
            additional=read.rest(),
        )

    def to_json(self) -> dict[str, object]:
        """Return the object as plain JSON data, under the exchange's names."""
        return codec.plain(self.additional) | {
            "rateLimitType": self.rate_limit_type.value,
            "interval": self.interval.value,
            "intervalNum": self.interval_num,
            "limit": self.limit,
        }

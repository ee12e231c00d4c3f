"""Decide whether a failed read is worth repeating, and how long to wait before that.

Only reads are repeated; the one write that may go out twice is one that the exchange refused for its
timestamp. Pauses double and are drawn at random from their upper half, so that clients which failed together
do not come back together.

Source: https://developers.binance.com/docs/derivatives/portfolio-margin/general-info (200, 400, 800 ms after
503)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import random

from paydown_wire.error_codes import BAN


@dataclass(frozen=True, slots=True)
class ReadRetries:
    """The settings by which reads are repeated.

    Attributes:
        tries: Most requests per read, the first included.
        first_pause_s: Pause before the second try; it doubles from then on.
        longest_pause_s: No pause of our own choosing is longer. Retry-After may be.
        deadline_s: No new try begins later than this after the call began. A wait that would end later is not
            begun.
    """

    tries: int = 3
    first_pause_s: float = 0.2
    longest_pause_s: float = 5.0
    deadline_s: float = 30.0

    def __post_init__(self) -> None:
        if self.tries < 1:
            raise ValueError(f"tries must be at least 1, not {self.tries}")
        if not 0 <= self.first_pause_s <= self.longest_pause_s:
            raise ValueError("first_pause_s must be between 0 and longest_pause_s")
        if self.deadline_s <= 0:
            raise ValueError(f"deadline_s must be positive, not {self.deadline_s}")

    def pause_s(self, tries: int, at_least_s: float | None = None) -> float:
        """Return the seconds to wait before the next request.

        Args:
            tries: How many requests have failed.
            at_least_s: The pause that the exchange asked for, seconds; the pause is never shorter.
        """
        # The exponent is capped before the power of two is taken: 2 ** 2000 is no float.
        longest = min(self.longest_pause_s, self.first_pause_s * 2.0 ** min(tries - 1, 32))
        drawn = longest * (0.5 + random() / 2)  # noqa: S311  # a pause is no secret
        return drawn if at_least_s is None else max(drawn, at_least_s)


def retry_after_s(headers: Mapping[str, str], *, now_ms: int) -> float | None:
    """Return the seconds that a Retry-After header asks to wait, at most the longest ban; None without a usable one.

    Args:
        headers: Lower-case names.
        now_ms: Now, UTC milliseconds: the header may name a moment instead of a duration.
    """
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) < 10:
        return min(float(text), BAN.maximum_ms / 1000)
    from email.utils import parsedate_to_datetime

    try:
        moment = parsedate_to_datetime(text)
        return min(max(0.0, moment.timestamp() - now_ms / 1000), BAN.maximum_ms / 1000)
    except (ValueError, OverflowError, OSError):
        return None

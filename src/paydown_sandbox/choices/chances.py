"""Draw repeatable chances: the same seed and the same requests draw the same numbers.

Each number is made from the seed and from how many were drawn before. So a sandbox that is started again continues the
sequence from that count alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple, TypeVar

__all__ = ["LONGEST_SPAN_MS", "Chances", "Span"]

T = TypeVar("T")

LONGEST_SPAN_MS = 3_600_000

_SPAN = re.compile(r"(-?[0-9]{1,7})(?:\.\.(-?[0-9]{1,7}))?")
_PARTS = 1 << 56


class Chances:
    """A generator of chances.

    Args:
        seed: Selects the sequence.
        drawn: How many were drawn before.
    """

    __slots__ = ("drawn", "seed")

    def __init__(self, seed: int, drawn: int = 0) -> None:
        self.seed = seed
        self.drawn = drawn

    def below(self, bound: int) -> int:
        """Draw a whole number from 0 to `bound` - 1."""
        self.drawn += 1
        digest = blake2b(b"%d:%d" % (self.seed, self.drawn), digest_size=7).digest()
        return int.from_bytes(digest, "big") * bound // _PARTS

    def between(self, least: int, most: int) -> int:
        """Draw a whole number between two bounds.

        Args:
            least: The smallest number that can be drawn.
            most: The largest number that can be drawn.
        """
        return least + self.below(most - least + 1)

    def one_in(self, count: int) -> bool:
        """Return True once in `count` times, on average."""
        return self.below(count) == 0

    def pick(self, among: Sequence[T]) -> T:
        """Draw one of several items."""
        return among[self.below(len(among))]


class Span(NamedTuple):
    """A number of milliseconds, or a range from which each case draws anew."""

    least: int
    most: int

    @classmethod
    def parse(cls, text: str, *, negative: bool = False) -> Span:
        """Read "5000" or "0..5000".

        Args:
            text: A number of milliseconds, or two with `..` between them.
            negative: Whether numbers below zero are allowed.

        Raises:
            ValueError: It is something else; the error names what to write.
        """
        found = _SPAN.fullmatch(text)
        if found is not None:
            least = int(found[1])
            most = least if found[2] is None else int(found[2])
            lowest = -LONGEST_SPAN_MS if negative else 0
            if lowest <= least <= most <= LONGEST_SPAN_MS:
                return cls(least, most)
        sign = f"-{LONGEST_SPAN_MS}" if negative else "0"
        raise ValueError(
            f"{text!r:.40} is neither a whole number of ms such as 5000 nor a range such as 0..5000,"
            f" from {sign} to {LONGEST_SPAN_MS}"
        )

    def __bool__(self) -> bool:
        return self != (0, 0)

    def draw(self, chances: Chances) -> int:
        """Draw one number of the range; a single number uses up no chance."""
        return self.least if self.least == self.most else chances.between(self.least, self.most)

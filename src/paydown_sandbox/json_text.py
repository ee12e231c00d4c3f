"""JSON as the exchange writes it: compact, UTF-8, and exact numbers where it sends numbers.

A few answers hold amounts as JSON numbers. A float would round them, so `number` marks the decimal text
and `encode` writes it without quotes.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal

from paydown_sandbox.amounts import exact_text

__all__ = ["encode", "encode_numbers", "number"]

encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode

_MARKED = re.compile(r'"\\u0000(-?[0-9]+(?:\.[0-9]+)?)"')


def number(amount: Decimal) -> str:
    """A text that `encode_numbers` writes as a JSON number, digit for digit."""
    return "\0" + exact_text(amount)


def encode_numbers(value: object) -> str:
    """Like `encode`, with marked texts as numbers. No client can send the mark: it is no legal character."""
    return _MARKED.sub(r"\1", encode(value))

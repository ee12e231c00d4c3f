"""JSON as the sandbox writes it: compact, UTF-8, and exact numbers where it sends numbers.

A few answers hold amounts as JSON numbers. A float would round them, so `number` marks the decimal text
and `encode_numbers` writes it without quotes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

from paydown_sandbox.books.exact_amounts import exact_text

__all__ = ["encode", "encode_numbers", "encode_repayment", "number"]

encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False).encode

_MARKED = re.compile(r'"\\u0000(-?[0-9]+(?:\.[0-9]+)?)"')


def number(amount: Decimal) -> str:
    """Mark an amount as a text that `encode_numbers` writes as a JSON number, digit for digit."""
    return "\0" + exact_text(amount)


def encode_numbers(value: object) -> str:
    """Encode a value with marked texts as numbers. No client can send the mark: it is no legal character."""
    return _MARKED.sub(r"\1", encode(value))


@lru_cache(maxsize=1024)
def _named(asset: str, payment_assets: tuple[str, ...] | None) -> str:
    if payment_assets is None:
        return f'"asset":{encode(asset)}'
    return f'"asset":{encode(asset)},"specifyRepayAssets":{encode(payment_assets)}'


def encode_repayment(answer: Mapping[str, Any]) -> str:
    """Encode the answer to repay-debt as `encode` would, in a third of the time: names repeat, amounts are digits."""
    named = _named(answer["asset"], answer.get("specifyRepayAssets"))
    tail = f'{named},"updateTime":{answer["updateTime"]},"success":true}}'
    amount = answer.get("amount")
    return "{" + tail if amount is None else f'{{"amount":"{amount}",{tail}'

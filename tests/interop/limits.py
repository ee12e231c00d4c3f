"""What fails on the side of other clients, as data: which client, what was tried, what comes back, and why.

`test_other_clients.py` asserts every row, in both directions: what is listed fails in just this way, and what
is not listed works. README.md beside this file shows the same rows.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Attempt = Literal["one paying asset", "two paying assets", "an asset in Chinese letters", "the whole debt"]


class Arguments(NamedTuple):
    """What is asked of a client."""

    asset: str
    amount: str | None
    using: list[str]


ATTEMPTS: dict[Attempt, Arguments] = {
    "one paying asset": Arguments("BNB", "0.5", ["USDT"]),
    "two paying assets": Arguments("BNB", "0.5", ["USDT", "BTC"]),
    "an asset in Chinese letters": Arguments("币安人生", "0.5", ["USDT"]),
    "the whole debt": Arguments("ETH", None, ["USDT"]),
}


class Limit(NamedTuple):
    """One thing that a client cannot do, what the exchange answers it, and the reason on its side."""

    peer: str
    attempt: Attempt
    code: int
    reason: str


_SIGNS_DECODED = "signs the decoded text and sends the encoded one"
_NEVER_SIGNS = "signs query parameters only, and this call has none: the form goes out unsigned"

LIMITS: tuple[Limit, ...] = (
    Limit("python-binance", "two paying assets", -1022, _SIGNS_DECODED),
    Limit("python-binance", "an asset in Chinese letters", -1022, _SIGNS_DECODED),
    Limit("python-binance async", "two paying assets", -1022, _SIGNS_DECODED),
    Limit("python-binance async", "an asset in Chinese letters", -1022, _SIGNS_DECODED),
    Limit("openxapi as published", "one paying asset", -1102, _NEVER_SIGNS),
    Limit("openxapi as published", "two paying assets", -1102, _NEVER_SIGNS),
    Limit("openxapi as published", "an asset in Chinese letters", -1102, _NEVER_SIGNS),
    Limit("openxapi as published", "the whole debt", -1102, _NEVER_SIGNS),
)


class CensusRow(NamedTuple):
    """Of 31 faults: repaid more than once by a loop, type says neither yes nor no, taken for done."""

    peer: str
    repaid_twice: int
    mixed_types: int
    taken_for_done: int


# Measured against the independent fake with the pinned versions; another result fails the test.
CENSUS: tuple[CensusRow, ...] = (
    CensusRow("paydown", 0, 0, 0),
    CensusRow("paydown async", 0, 0, 0),
    CensusRow("httpx + SigningAuth", 13, 18, 1),
    CensusRow("raw httpx", 13, 18, 1),
    CensusRow("raw httpx async", 13, 18, 1),
    CensusRow("official", 13, 20, 1),
    CensusRow("python-binance", 12, 21, 3),
    CensusRow("python-binance async", 12, 17, 3),
    CensusRow("ccxt", 11, 17, 3),
    CensusRow("ccxt async", 11, 17, 3),
    CensusRow("openxapi", 14, 16, 2),
)

"""The weight of each call on each counter of the exchange, and the used weight that an answer's headers show.

A counter is kept per address, per account or per endpoint, as the document has it. An account is named by a
digest of its API key: the budget is a file, and the key itself has no business there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from paydown.budget.protocol import Limit, Weight
from paydown_wire.error_codes import LIMITS

if TYPE_CHECKING:
    from paydown.credentials import Credentials
    from paydown_wire.operation import Operation

_ORDERS: Final = "orders"
_HEADERS: Final[Mapping[str, str]] = {limit.header.lower(): name for name, limit in LIMITS.items()}
# The headers of an answer that speak of limits; `client.last` shows them.
LIMIT_HEADERS: Final = frozenset({*_HEADERS, "retry-after"})


class Weights:
    """The costs of the calls of one client."""

    def __init__(self, credentials: Credentials | None) -> None:
        self._credentials = credentials
        self._account: str | None = None
        self._known: dict[tuple[str, int], tuple[Weight, ...]] = {}

    def of(self, operation: Operation, texts: Mapping[str, str]) -> tuple[Weight, ...]:
        """Return what one call costs.

        Args:
            operation: The operation to call.
            texts: Its parameters by wire name.
        """
        cost = weight_of(operation, texts)
        weights = self._known.get((operation.id, cost))
        if weights is None:
            weights = self._known[operation.id, cost] = self._weights(operation, cost)
        return weights

    def _weights(self, operation: Operation, cost: int) -> tuple[Weight, ...]:
        weight = self._weight(operation, operation.weight.budget, cost)
        if not (operation.signed and operation.mutates) or operation.weight.budget == _ORDERS:
            return (weight,)
        # It is undocumented whether such calls count as orders. Nothing is reserved for them, but a header that comes
        # is taken into account.
        return weight, self._weight(operation, _ORDERS, 0)

    def _weight(self, operation: Operation, name: str, cost: int) -> Weight:
        limit = LIMITS[name]
        key = ""
        if limit.per_endpoint:
            key = operation.path
        if limit.per == "account":
            key = f"{self._account_name()}{key}"
        return Weight(Limit(limit.id, limit.limit, limit.interval_ms), cost, key)

    def _account_name(self) -> str:
        if self._account is None:
            from hashlib import sha256

            key = b"" if self._credentials is None else self._credentials.api_key.encode("ascii")
            self._account = sha256(key).hexdigest()[:16]
        return self._account


def weight_of(operation: Operation, texts: Mapping[str, str]) -> int:
    """Return the weight of one call: the first case that fits its parameters, else the usual one.

    Args:
        operation: The operation to call.
        texts: Its parameters by wire name.
    """
    weight = operation.weight
    for case in weight.when:
        if (case.parameter in texts) is case.present:
            return case.value
    return weight.value


def used(weights: Iterable[Weight], headers: Mapping[str, str]) -> dict[str, int]:
    """Return the used weight that an answer's headers show, by limit id.

    Args:
        weights: The weights of the call; headers of other limits are ignored.
        headers: Those of the answer, lower-case names.
    """
    wanted = {weight.limit.id for weight in weights}
    found: dict[str, int] = {}
    for header, name in _HEADERS.items():
        if name in wanted and (count := _count(headers.get(header))) is not None:
            found[name] = count
    return found


def used_weight(operation: Operation, headers: Mapping[str, str]) -> int | None:
    """Return the used weight that an answer shows for the limit of the operation.

    Args:
        operation: The operation that was called.
        headers: Those of the answer, lower-case names.
    """
    return _count(headers.get(LIMITS[operation.weight.budget].header.lower()))


def order_count(headers: Mapping[str, str]) -> int | None:
    """Return the number of orders that an answer shows as used."""
    return _count(headers.get(LIMITS[_ORDERS].header.lower()))


def _count(text: str | None) -> int | None:
    # `isdigit()` alone also accepts "²".
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 10 else None

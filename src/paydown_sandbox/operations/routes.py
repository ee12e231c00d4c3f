"""One route per call of the document: what answers it, what it costs, and what checks its parameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from paydown_sandbox.bundled_document import Document, OperationFacts
from paydown_sandbox.checks.parameter_checks import Validator
from paydown_sandbox.checks.rate_limits import IpGate, LimitSettings, Window
from paydown_sandbox.json_text import encode
from paydown_sandbox.operations.registry import ENCODERS, HANDLERS
from paydown_sandbox.state.world import World

if TYPE_CHECKING:
    from paydown_sandbox.call_record import Call
    from paydown_sandbox.exchange import Exchange

__all__ = ["Handler", "Route", "build_routes"]

_LISTEN_KEY = frozenset({"listenKey"})


class Handler(Protocol):
    """Executes one call: refuses before changing anything, or changes the world and answers."""

    def __call__(self, exchange: Exchange, call: Call, /) -> object: ...


class Route:
    """What a request for one call meets. `header` names the header that tells the used weight."""

    __slots__ = (
        "cases", "encode", "facts", "gate", "handler", "header", "rate_windows", "validator", "weight",
    )  # fmt: skip

    def __init__(
        self, facts: OperationFacts, handler: Handler, validator: Validator, gate: IpGate, header: bytes
    ) -> None:
        self.facts = facts
        self.handler = handler
        self.validator = validator
        self.gate = gate
        self.header = header
        self.weight = facts.weight
        self.cases = tuple(
            (case.parameter.encode() + b"=", case.present, case.value) for case in facts.weight_cases
        )
        self.encode: Callable[..., str] = ENCODERS.get(facts.id, encode)
        self.rate_windows: dict[str, Window] = {}

    def cost(self, query: bytes) -> int:
        """The weight of one request; where it depends on a parameter, that stands in the query."""
        weight = self.weight
        for name, present, value in self.cases:
            if (query.startswith(name) or b"&" + name in query) == present:
                weight = value
        return weight


def build_routes(document: Document, world: World, gate: IpGate) -> dict[str, dict[str, Route]]:
    """The routes of every call that has a handler, by path and method.

    Args:
        document: The calls.
        world: Its options decide what the document leaves open.
        gate: The pool that calls share; SAPI calls get one of their own per path.
    """
    options = world.options
    lenient = options.is_set("malformed-payment-assets", "tolerate")
    unknown_code = options.code("unknown-parameter")
    ignore_unknown = options.is_set("unknown-parameter", "ignore")
    # Read as Order it costs the address nothing, or 1 beside the one order that it counts as.
    repay_weight = {"order": 0, "orders": 1}.get(options.text("repay-weight-scope"))
    routes: dict[str, dict[str, Route]] = {}
    for facts in document.operations:
        handler = HANDLERS.get(facts.id)
        if handler is None:
            continue
        budget = document.limits[facts.weight_budget]
        pool = gate
        if facts.weight_budget != "ip-weight":
            pool = IpGate(
                LimitSettings(
                    weight_per_minute=int(budget["limit"]),
                    fixed_window=world.limits.fixed_window,
                    ban_after_429=world.limits.ban_after_429,
                ),
                facts.path,
            )
        validator = Validator(
            facts,
            lenient_lists=lenient,
            unknown_code=None if ignore_unknown else unknown_code,
            # Older clients name the key they extend or close; the page lists no parameter.
            also_known=_LISTEN_KEY if facts.security_type == "USER_STREAM" else frozenset(),
        )
        route = Route(facts, handler, validator, pool, str(budget["header"]).lower().encode())
        if facts.id == "repayDebt" and repay_weight is not None:
            route.weight = repay_weight
        routes.setdefault(facts.path, {})[facts.method] = route
    return routes

"""One route per operation of the document: its handler, its weight, and the checks of its parameters."""

from __future__ import annotations

from collections.abc import Mapping

from paydown_sandbox.bundled_document import Document, OperationFacts
from paydown_sandbox.checks.parameter_checks import Validator
from paydown_sandbox.checks.rate_limits import IpGate, LimitSettings, Window
from paydown_sandbox.json_text import encode
from paydown_sandbox.operations.registry import Encoder, Handler
from paydown_sandbox.state.world import World

__all__ = ["SHARED_BUDGET", "Route", "Routes", "build_routes", "header_name"]

# The weight budget of the document that most operations share.
SHARED_BUDGET = "ip-weight"

_LISTEN_KEY = frozenset({"listenKey"})


class Route:
    """The way of a request for one operation.

    Args:
        facts: The operation.
        handler: Executes it.
        encoder: Turns its answer into JSON.
        validator: Checks its parameters.
        gate: The weight budget that it is charged to.
        header: The name of the header that shows the used weight, lower case.

    Attributes:
        weight: The weight of a request, unless one of `cases` applies.
        cases: Parameters on whose presence in the query the weight depends.
        rate_windows: The calls that count towards the hard caps of the page, by account and cap.
    """

    __slots__ = (
        "cases", "encode", "facts", "gate", "handler", "header", "rate_windows", "validator", "weight",
    )  # fmt: skip

    def __init__(
        self,
        facts: OperationFacts,
        handler: Handler,
        encoder: Encoder,
        validator: Validator,
        gate: IpGate,
        header: bytes,
    ) -> None:
        self.facts = facts
        self.handler = handler
        self.encode = encoder
        self.validator = validator
        self.gate = gate
        self.header = header
        self.weight = facts.weight
        self.cases = tuple(
            (case.parameter.encode() + b"=", case.present, case.value) for case in facts.weight_cases
        )
        self.rate_windows: dict[str, Window] = {}

    def cost(self, query: bytes) -> int:
        """Return the weight of one request; a parameter on which it depends is always in the query."""
        weight = self.weight
        for name, present, value in self.cases:
            if (query.startswith(name) or b"&" + name in query) == present:
                weight = value
        return weight


# The routes by path and method.
Routes = dict[str, dict[str, Route]]


def header_name(document: Document, budget: str) -> bytes:
    """Return the name of the header that shows how much of a budget is used, in lower case.

    Args:
        document: Its `x-limits` name the headers.
        budget: The name of the budget, such as "orders".
    """
    return str(document.limits[budget]["header"]).lower().encode()


def build_routes(
    document: Document,
    world: World,
    gate: IpGate,
    handlers: Mapping[str, Handler],
    encoders: Mapping[str, Encoder],
) -> Routes:
    """Return the routes of every operation that has a handler, by path and method.

    Args:
        document: The operations.
        world: Its options decide what the document leaves open.
        gate: The weight budget that operations share; those of SAPI get one of their own per path.
        handlers: The handlers, by `operationId`.
        encoders: How answers become JSON where the plain way does not do, by `operationId`.
    """
    options = world.options
    lenient = options.is_set("malformed-payment-assets", "tolerate")
    unknown_code = options.code("unknown-parameter")
    ignore_unknown = options.is_set("unknown-parameter", "ignore")
    # If the unit of the weight is orders, a repayment costs the address nothing, or 1 in addition to the order that it
    # counts as.
    repay_weight = {"order": 0, "orders": 1}.get(options.text("repay-weight-scope"))
    routes: Routes = {}
    for facts in document.operations:
        handler = handlers.get(facts.id)
        if handler is None:
            continue
        budget = document.limits[facts.weight_budget]
        pool = gate
        if facts.weight_budget != SHARED_BUDGET:
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
            # Older clients name the key that they extend or close, though the page lists no parameter.
            also_known=_LISTEN_KEY if facts.security_type == "USER_STREAM" else frozenset(),
        )
        header = header_name(document, facts.weight_budget)
        route = Route(facts, handler, encoders.get(facts.id, encode), validator, pool, header)
        if facts.id == "repayDebt" and repay_weight is not None:
            route.weight = repay_weight
        routes.setdefault(facts.path, {})[facts.method] = route
    return routes

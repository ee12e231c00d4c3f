"""Write pages that mkdocstrings fills from docstrings: one directive for each public object."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module

from tools.docs_site.markdown import code, page, prose
from tools.docs_site.page_facts import Facts

# Names that a reader looks for first; the other names of a package follow in alphabetical order.
_CLIENT_FIRST = ("Client", "AsyncClient", "Credentials", "SigningAuth", "utc", "Attempt", "AttemptObserver")
_REPAY_FIRST = (
    "SafeRepay",
    "AsyncSafeRepay",
    "Plan",
    "Piece",
    "Report",
    "Options",
    "Reconciliation",
    "Verdict",
)
_ELSEWHERE = ("paydown_wire.models", "paydown_wire.enums", "paydown.errors")  # on pages of their own
_TRAFFIC = (
    *(f"paydown.budget.protocol.{name}" for name in ("Budget", "Priority", "Rules", "Weight", "Limit")),
    *(f"paydown.budget.protocol.{name}" for name in ("Reservation", "Wait", "BudgetUse", "WindowUse")),
    "paydown.transport.pins",
    "paydown.telemetry.Spans",
)
_SANDBOX = (
    "paydown_sandbox.pytest_plugin",
    "paydown_sandbox.sandbox.Sandbox",
    "paydown_sandbox.sandbox.SocketSandbox",
    "paydown_sandbox.helpers.tested_account.TestedAccount",
    "paydown_sandbox.helpers.world_settings.WorldSettings",
    "paydown_sandbox.helpers.time_control.TimeControl",
    "paydown_sandbox.helpers.fault_control.FaultControl",
    "paydown_sandbox.helpers.sandbox_logs.SandboxLogs",
    "paydown_sandbox.state.state_builder.StateBuilder",
    "paydown_sandbox.state.state_builder.clean_state",
    "paydown_sandbox.serving.httpx_transport.ExchangeTransport",
    "paydown_sandbox.serving.application.create_app",
    "paydown_sandbox.exchange.Exchange",
    "paydown_sandbox.sandbox_clock.Clock",
)


@dataclass(frozen=True, slots=True)
class PythonPage:
    """Describe one page of the Python reference.

    Attributes:
        path: Path of the page.
        title: Heading of the page.
        about: A sentence about its content.
        objects: Dotted names, in reading order.
    """

    path: str
    title: str
    about: str
    objects: tuple[str, ...]


def python_pages(facts: Facts) -> list[PythonPage]:
    """Return the pages of the Python reference."""
    return [
        PythonPage(
            "python/client.md",
            "Client",
            "Open a client, give it your credentials, make a call.",
            public_names("paydown", first=_CLIENT_FIRST, elsewhere=_ELSEWHERE),
        ),
        PythonPage(
            "python/resources.md",
            "Calls",
            "Each call is a method of a resource: `client.margin.repay_debt(...)`. `AsyncClient` has the same"
            " methods, awaited.",
            tuple(f"paydown_wire.resources.{one.module}.{one.class_name}" for one in facts.client.resources),
        ),
        PythonPage(
            "python/models.md",
            "Answers",
            "What calls return and events carry. Fields that the document does not name are in `additional`."
            " Each class has `from_json(data)` and `to_json()`; a shape that does not fit raises `DecodeError`.",
            tuple(sorted(f"paydown_wire.models.{one.class_name}" for one in facts.client.models)),
        ),
        PythonPage(
            "python/enums.md",
            "Open enums",
            "Values that the exchange is known to send. A value added tomorrow is kept, and `is_known` is false.",
            ("paydown_wire.enums",),
        ),
        PythonPage(
            "python/errors.md",
            "Errors",
            "The class of an exception shows what is known about the debt. The numbers are exit codes of the command"
            " line.",
            ("paydown.errors",),
        ),
        PythonPage(
            "python/traffic.md",
            "Budget, pins, spans",
            "What a ledger of your own has to do, which keys a server may have, and a hook for OpenTelemetry.",
            _TRAFFIC,
        ),
        PythonPage(
            "python/repay.md",
            "Repaying safely",
            "Plan, journal, send once, reconcile: the part that never pays twice.",
            public_names("paydown.repay", first=_REPAY_FIRST),
        ),
        PythonPage(
            "python/sandbox.md",
            "Sandbox in Python",
            "The exchange inside your test process: fixtures, helpers, a transport for httpx, an ASGI application.",
            _SANDBOX,
        ),
    ]


def public_names(package: str, *, first: Sequence[str], elsewhere: Sequence[str] = ()) -> tuple[str, ...]:
    """Return everything that a package exports, under the module where each thing is defined.

    Args:
        package: Dotted name.
        first: Names that stand first, in this order.
        elsewhere: Modules whose names are left out; those below them, too.
    """
    module = import_module(package)
    exported = sorted(name for name in module.__all__ if not name.startswith("__"))
    found: list[str] = []
    for name in [*first, *(name for name in exported if name not in first)]:
        home = getattr(getattr(module, name), "__module__", "")
        if home and not any(home == other or home.startswith(f"{other}.") for other in elsewhere):
            found.append(f"{home}.{name}")
    return tuple(found)


def python_page(shown: PythonPage) -> str:
    """Return one page: its heading and a directive for each object."""
    return page(f"# {shown.title}", prose(shown.about), *map(_directive, shown.objects))


def _directive(name: str) -> str:
    """Return the directive for one object. Members from a private base class are shown as its own."""
    home, _, last = name.rpartition(".")
    if home == "paydown_wire.models":  # the page describes the two methods that each model has once, above
        return f'::: {name}\n    options:\n      filters: ["!^_", "!^(from|to)_json$"]'
    shown: object = getattr(import_module(home), last, None)  # None: a submodule that was not imported yet
    if isinstance(shown, type) and any(base.__name__.startswith("_") for base in shown.__bases__):
        return f"::: {name}\n    options:\n      inherited_members: true\n      show_bases: false"
    return f"::: {name}"


def python_index(facts: Facts) -> str:
    """Return the start page of the Python reference."""
    rows = [
        f"- [{shown.title}]({shown.path.rpartition('/')[2]}): {prose(shown.about)}"
        for shown in python_pages(facts)
    ]
    return page(
        "# Python reference",
        f"Made from the docstrings. Import from {code('paydown')}: the generated package"
        f" {code('paydown_wire')} is private to it.",
        "\n".join(rows),
    )

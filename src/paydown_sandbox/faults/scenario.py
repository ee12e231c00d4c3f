"""Scenarios: a name, a seed and a list of faults that play out on the sandbox's clock.

    {"name": "a bad Tuesday", "description": "...", "seed": 2,
     "faults": [{"fault": "executed_then_503", "probability": 0.02, "times": null},
                {"fault": "service_unavailable_503", "times": null, "after_ms": 60000, "for_ms": 90000}]}

A fault of a scenario is a fault of the control API with two more members: `after_ms` is when it begins and `for_ms` how
long it lasts, both counted from the start of the scenario. The same seed and the same requests meet the same faults
again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files

from paydown_sandbox.faults.faults import Fault, FaultBook
from paydown_sandbox.state.strict_json import Reader, StateError

__all__ = ["Scenario", "bundled_scenarios", "find_scenario", "read_scenario", "start_scenario"]

_LONGEST_MS = 366 * 86_400_000


@dataclass(frozen=True, slots=True)
class Scenario:
    """A scenario as it was read; nothing in it refers to a file."""

    name: str
    description: str
    seed: int | None
    faults: tuple[dict[str, object], ...]


def read_scenario(document: object) -> Scenario:
    """Read a scenario from its JSON form.

    Raises:
        StateError: It is wrong; the text names the place.
    """
    reader = Reader(document)
    members = reader.members("name", "description", "seed", "faults")
    for required in ("name", "faults"):
        if required not in members:
            raise reader.fail(f"{required} is missing")
    faults: list[dict[str, object]] = []
    for node in members["faults"].items():
        fault = dict(node.entries())
        for name in ("after_ms", "for_ms"):
            if name in fault:
                fault[name].integer(0, _LONGEST_MS)
        FaultBook().arm(
            {name: child.value for name, child in fault.items() if name not in ("after_ms", "for_ms")}
        )
        faults.append({name: child.value for name, child in fault.items()})
    return Scenario(
        members["name"].text(100),
        members["description"].text(2000) if "description" in members else "",
        members["seed"].integer() if "seed" in members else None,
        tuple(faults),
    )


def start_scenario(book: FaultBook, scenario: Scenario, now_ms: int) -> list[Fault]:
    """Arm the faults of a scenario.

    Args:
        book: Where they are armed.
        scenario: The scenario.
        now_ms: The moment at which it begins, milliseconds UTC.
    """
    if scenario.seed is not None:
        book.reseed(scenario.seed)
    armed: list[Fault] = []
    for fault in scenario.faults:
        node = {name: value for name, value in fault.items() if name not in ("after_ms", "for_ms")}
        after, lasting = fault.get("after_ms"), fault.get("for_ms")
        begins = now_ms + after if isinstance(after, int) else now_ms
        if after is not None or lasting is not None:
            node["from_ms"] = begins
        if isinstance(lasting, int):
            node["until_ms"] = begins + lasting
        armed.append(book.arm(node, scenario.name))
    return armed


def bundled_scenarios() -> dict[str, Scenario]:
    """Return the scenarios that come with the package, by the name of their file."""
    found: dict[str, Scenario] = {}
    for entry in sorted(
        files("paydown_sandbox.faults").joinpath("scenarios").iterdir(), key=lambda each: each.name
    ):
        if entry.name.endswith(".json"):
            found[entry.name.removesuffix(".json")] = read_scenario(json.loads(entry.read_text("utf-8")))
    return found


def find_scenario(name: str) -> Scenario:
    """Return a bundled scenario by its name. A name is never taken as a path.

    Raises:
        StateError: There is none of that name.
    """
    known = bundled_scenarios()
    if name not in known:
        raise StateError("name", f"no bundled scenario {name!r:.60}; there are {', '.join(known)}")
    return known[name]

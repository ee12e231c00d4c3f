"""
The checks that the parts of client and exchange have of their own, under this suite's roof: whoever changes a
clock, a budget, a page or a stream hears of it from `make contract` as well. Each keeps its name, behind that
of its module, and counts here like any other.
"""

import importlib
from collections.abc import Iterator
from typing import Any

from _pytest.fixtures import FixtureFunctionDefinition

# What a wrong idea can hide in. Left out: what starts processes, what only looks at names, and what the matrix
# of this suite does at greater length.
PARTS = (
    "tests.unit.test_attempts",
    "tests.unit.test_auth",
    "tests.unit.test_both_clients",
    "tests.unit.test_budget_choice",
    "tests.unit.test_budget_guarantee",
    "tests.unit.test_budget_queue",
    "tests.unit.test_channel",
    "tests.unit.test_client",
    "tests.unit.test_clock",
    "tests.unit.test_credentials",
    "tests.unit.test_errors",
    "tests.unit.test_moment",
    "tests.unit.test_outcome",
    "tests.unit.test_pagination",
    "tests.unit.test_parameters",
    "tests.unit.test_paths",
    "tests.unit.test_signing",
    "tests.unit.test_transport",
    "tests.sandbox.conftest",
    "tests.sandbox.test_control",
    "tests.sandbox.test_faults",
    "tests.sandbox.test_futures_debt",
    "tests.sandbox.test_lending",
    "tests.sandbox.test_limits",
    "tests.sandbox.test_properties",
    "tests.sandbox.test_protocol",
    "tests.sandbox.test_repay_debt",
    "tests.sandbox.test_signatures",
    "tests.sandbox.test_socket",
    "tests.sandbox.test_stream",
)

# Runs pytest itself, with the plugin as it is installed.
NOT_HERE = {"test_the_plugin_gives_both_fixtures"}


def checks(module_name: str) -> Iterator[tuple[str, Any]]:
    """The tests of a module under names that no two modules share, and its fixtures under their own."""
    module = importlib.import_module(module_name)
    part = module_name.removeprefix("tests.").replace(".test_", "_")
    for name, value in vars(module).items():
        if name in NOT_HERE:
            continue
        if name.startswith("test_"):
            yield f"test_{part}_{name.removeprefix('test_')}", value
        elif name.startswith("Test"):
            yield f"{name}_{part}", value
        elif isinstance(value, FixtureFunctionDefinition):
            yield name, value


for _module in PARTS:
    for _name, _check in checks(_module):
        assert globals().setdefault(_name, _check) is _check, f"{_name} stands in two modules"

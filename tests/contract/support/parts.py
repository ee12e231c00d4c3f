"""
The checks that the parts of client and exchange have of their own, under this suite's roof: whoever changes a
clock, a budget, a page or a stream hears of it from `make contract` as well.
"""

import importlib
from collections.abc import Iterator, Sequence
from typing import Any

from _pytest.fixtures import FixtureFunctionDefinition
from hypothesis import HealthCheck, settings

from tests.contract.support.profile import profile

# Runs pytest itself, with the plugin as it is installed.
NOT_HERE = {"test_the_plugin_gives_both_fixtures", "test_the_plugin_says_what_to_install"}


# A slow machine is no finding: drawn examples have no deadline here, and are the same in every fast run.
settings.register_profile(
    "contract",
    deadline=None,
    derandomize=profile().name == "fast",
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
)


def gathered(modules: Sequence[str]) -> dict[str, Any]:
    """The tests of modules under names that no two of them share, and their fixtures under their own."""
    found: dict[str, Any] = {}
    before = settings.get_current_profile_name()
    settings.load_profile("contract")  # decorators take it over when their module is imported
    try:
        for module in modules:
            for name, check in _checks(module):
                assert found.setdefault(name, check) is check, f"{name} stands in two modules"
    finally:
        settings.load_profile(before)
    return found


def _checks(module_name: str) -> Iterator[tuple[str, Any]]:
    module = importlib.import_module(module_name)
    part = module_name.rpartition(".")[2].removeprefix("test_")
    for name, value in vars(module).items():
        if name in NOT_HERE:
            continue
        if name.startswith("test_"):
            yield f"test_{part}_{name.removeprefix('test_')}", value
        elif name.startswith("Test"):
            yield f"{name}_{part}", value
        elif isinstance(value, FixtureFunctionDefinition):
            yield name, value

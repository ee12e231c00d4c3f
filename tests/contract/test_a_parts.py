"""
What the parts of the client promise, checked as they check it themselves: clock, budget, retries, pages,
attempts, connections, credentials. Each check keeps its name, behind that of its part.
"""

import pytest

from tests.contract.support.parts import gathered

# `make test` runs these checks where they stand; `make contract` and the mutants need them here.
pytestmark = pytest.mark.again

# Left out: what starts processes, and what only looks at names.
PARTS = (
    "tests.unit.test_clock",
    "tests.unit.test_pagination",
    "tests.unit.test_client",
    "tests.unit.test_attempts",
    "tests.unit.test_outcome",
    "tests.unit.test_parameters",
    "tests.unit.test_transport",
    "tests.unit.test_budget_queue",
    "tests.unit.test_budget_guarantee",
    "tests.unit.test_budget_choice",
    "tests.unit.test_both_clients",
    "tests.unit.test_channel",
    "tests.unit.test_auth",
    "tests.unit.test_credentials",
    "tests.unit.test_errors",
    "tests.unit.test_moment",
    "tests.unit.test_paths",
    "tests.unit.test_signing",
)

globals().update(gathered(PARTS))

"""
What the parts of the local exchange promise, checked as they check it themselves: its control API, faults,
limits, lending, books, protocol, sockets and streams. Each check keeps its name, behind that of its part.
"""

import pytest

from tests.contract.support.parts import gathered

# `make test` runs these checks where they stand; `make contract` and the mutants need them here.
pytestmark = pytest.mark.again

# Left out: what starts processes, and what the matrix of this suite does at greater length.
PARTS = (
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
    "tests.sandbox.test_stream",
    "tests.sandbox.test_socket",
)

globals().update(gathered(PARTS))

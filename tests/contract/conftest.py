"""What every contract test stands on: the document, read without the generator's help."""

from functools import cache

import pytest

from paydown_contract import document
from paydown_contract.document import Document
from tests.contract.support.places import OPENAPI


@cache
def _contract() -> Document:
    return document.read(OPENAPI)


@pytest.fixture(scope="session")
def contract() -> Document:
    """The document in `openapi/`."""
    return _contract()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for `operation` runs once for each operation that the document has."""
    if "operation" in metafunc.fixturenames:
        operations = _contract().operations
        metafunc.parametrize("operation", operations, ids=[operation.id for operation in operations])

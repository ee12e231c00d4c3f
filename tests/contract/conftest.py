"""What every contract test stands on: the document, read without the generator's help."""

import pytest

from paydown_contract import document
from paydown_contract.document import Document
from tests.contract.support.places import OPENAPI


@pytest.fixture(scope="session")
def contract() -> Document:
    """The document in `openapi/`."""
    return document.read(OPENAPI)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for `operation` runs once for each operation that the document has."""
    if "operation" in metafunc.fixturenames:
        operations = document.read(OPENAPI).operations
        metafunc.parametrize("operation", operations, ids=[operation.id for operation in operations])

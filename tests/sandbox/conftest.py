"""One sandbox per test, on a clock that stands still."""

from __future__ import annotations

import pytest

from paydown_sandbox.bundled_document import Document, load_document
from paydown_sandbox.exchange import Exchange
from paydown_sandbox.sandbox_clock import Clock
from tests.sandbox.signer import NOW_MS, Caller, state_with


@pytest.fixture(scope="session")
def document() -> Document:
    """The bundled document, compiled once."""
    return load_document()


@pytest.fixture
def exchange(document: Document) -> Exchange:
    """A sandbox with the account of `state_with`, its clock standing still."""
    return Exchange(state_with(), document=document, clock=Clock(NOW_MS))


@pytest.fixture
def caller(exchange: Exchange) -> Caller:
    """Signs calls of that account by itself, without any code of the client."""
    return Caller(exchange)

"""The reference shows the arguments of both clients as programs see them."""

from __future__ import annotations

import inspect
from pathlib import Path

import griffe
import pytest

import paydown

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("name", ["Client", "AsyncClient"])
def test_the_reference_shows_every_argument_of_a_client(name):
    """What griffe reads from the source has the names that the constructor has at run time."""
    extensions = griffe.load_extensions(str(ROOT / "tools/docs_site/client_signature.py"))
    package = griffe.load("paydown", search_paths=[str(ROOT / "src")], extensions=extensions)

    shown = [parameter.name for parameter in package[f"client.{name}"].parameters]

    assert shown == ["self", *inspect.signature(getattr(paydown, name)).parameters]

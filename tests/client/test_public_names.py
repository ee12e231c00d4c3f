"""The front door: which names it has, and what opening it costs."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import paydown
from paydown import errors
from paydown.errors import PaydownError

SOURCE = Path(paydown.__file__)


def fresh(code: str) -> str:
    """What a new interpreter prints."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


HEAVY = ("httpx", "httpcore", "attrs", "attr", "rich", "asyncio", "sqlite3", "cryptography", "anyio", "ssl", "typing",
         "dataclasses", "decimal", "logging", "json", "re", "urllib", "paydown_wire", "paydown.client")  # fmt: skip


def test_importing_the_package_loads_nothing_else():
    """Neither httpx nor attrs, nor anything else of weight: each name is loaded when it is first used."""
    loaded = fresh(
        "import sys; before = set(sys.modules); import paydown; print(*sorted(set(sys.modules) - before))"
    ).split()

    assert set(loaded) == {"paydown", "__future__"}
    assert not set(loaded) & set(HEAVY)


def test_a_client_is_built_without_a_network_library():
    """httpx and httpcore are loaded with the first request, cryptography with the first PEM, attrs with a model."""
    loaded = fresh(
        "import sys; from paydown import AsyncClient, Client, Credentials;"
        "key = Credentials.hmac('key', 'secret'); Client(key); AsyncClient(key); print(*sys.modules)"
    ).split()

    assert not set(loaded) & {
        "httpx",
        "httpcore",
        "attrs",
        "attr",
        "cryptography",
        "rich",
        "asyncio",
        "ssl",
    }


def test_the_first_call_loads_no_httpx_either():
    """Our own connections need its parser only; SigningAuth, proxies and foreign transports load the rest."""
    loaded = fresh(
        "import sys; from paydown import Client, PaydownError\n"
        "try: Client(base_url='http://127.0.0.1:1').market.ping()\n"
        "except PaydownError: print(*sys.modules)"
    ).split()

    assert "h11" in loaded
    assert not set(loaded) & {"httpx", "httpcore", "anyio"}


@pytest.mark.parametrize("name", paydown.__all__)
def test_every_public_name_can_be_had(name):
    """By attribute, and again from the module's own namespace."""
    assert getattr(paydown, name) is not None
    assert vars(paydown)[name] is getattr(paydown, name)


def test_the_three_lists_of_names_agree():
    """What type checkers see, what is loaded, and what `import *` gives."""
    tree = ast.parse(SOURCE.read_text(encoding="utf-8"))
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.asname: node.module
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }

    assert seen == paydown._HOMES
    assert set(seen) == set(paydown.__all__)


def test_every_error_is_public():
    """Whatever may be raised can be caught by a name of the package."""
    tree = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, PaydownError)
    }

    assert tree <= set(paydown.__all__)


def test_an_unknown_name_is_an_attribute_error():
    """With the package's own name in it; `hasattr` works."""
    with pytest.raises(AttributeError, match=r"module 'paydown' has no attribute 'RepayDept'"):
        _ = paydown.RepayDept

    assert not hasattr(paydown, "anything")


def test_dir_lists_names_that_are_not_loaded_yet():
    """A shell completes them."""
    assert "SigningAuth" in fresh("import paydown; print(*dir(paydown))").split()


def test_star_import_works():
    """Rarely wise, never broken."""
    assert fresh("from paydown import *; print(Client.__name__, utc(0).year)") == "Client 1970"


def test_the_package_is_typed():
    """A marker file tells type checkers so."""
    assert (SOURCE.parent / "py.typed").exists()

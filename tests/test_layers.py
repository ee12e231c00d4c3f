"""Imports point one way: paydown_wire <- paydown <- paydown.repay <- paydown.cli; the sandbox stands opposite."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable

from tests.source_tree import ROOT, cycles, imported, imports, modules

STDLIB = frozenset(sys.stdlib_module_names)

# The one door between the two sides: `paydown sandbox` starts the double as a program.
SANDBOX_DOOR = ROOT / "src/paydown/cli/sandbox_command.py"


def offenders(folder: str, allowed: set[str], *, forbidden: Iterable[str] = ()) -> list[str]:
    """Imports of `folder` that are neither standard library nor `allowed`, or that are `forbidden`."""
    found: list[str] = []
    files = sorted((ROOT / folder).rglob("*.py"))
    assert files, f"no Python files in {folder}"
    for path in files:
        for name, line in imports(path):
            top = name.partition(".")[0]
            banned = any(name == bad or name.startswith(bad + ".") for bad in forbidden)
            if banned or (top not in STDLIB and top not in allowed):
                found.append(f"{path.relative_to(ROOT)}:{line} imports {name}")
    return found


def test_generated_code_is_a_leaf():
    """Generated code imports the standard library, attrs and itself, and nothing that people wrote."""
    assert offenders("generated_client/paydown_wire", {"attrs", "attr", "paydown_wire"}) == []


def test_the_client_imports_neither_the_engine_nor_the_sandbox():
    """What sends requests knows nothing of plans, of the command line or of the double."""
    # httpcore, h11 and certifi come with httpx: its engine, its parser and its certificates.
    engine = {"httpcore", "h11", "certifi"}
    allowed = {"httpx", *engine, "cryptography", "paydown", "paydown_wire", "opentelemetry"}
    found = offenders(
        "src/paydown", allowed | {"rich", "paydown_sandbox"}, forbidden={"paydown.repay", "paydown.cli"}
    )
    # The front door may name the engine: it loads each name when it is first used.
    elsewhere = ("src/paydown/cli/", "src/paydown/repay/", "src/paydown/__init__.py:")
    outside = [line for line in found if not line.startswith(elsewhere)]
    assert outside == []
    # rich and the sandbox belong to the command line alone
    narrow = offenders("src/paydown", allowed)
    assert [line for line in narrow if not line.startswith("src/paydown/cli/")] == []


def test_the_engine_does_not_import_the_command_line():
    """A program that repays safely needs no terminal."""
    allowed = {"paydown", "paydown_wire"}
    assert offenders("src/paydown/repay", allowed, forbidden={"paydown.cli"}) == []


def test_the_sandbox_shares_no_code_with_the_client():
    """A mistake in our Python must not be able to agree with itself."""
    allowed = {"starlette", "uvicorn", "httptools", "uvloop", "websockets", "cryptography", "pytest", "httpx"}
    assert offenders("src/paydown_sandbox", allowed | {"paydown_sandbox"}) == []


def test_only_one_file_of_the_client_opens_the_door_to_the_sandbox():
    """`paydown sandbox` is the single place that names the double."""
    found = [
        path
        for path in sorted((ROOT / "src/paydown").rglob("*.py"))
        if any(name.partition(".")[0] == "paydown_sandbox" for name, _ in imports(path))
    ]
    assert found == [SANDBOX_DOOR]


def test_only_one_file_of_the_generator_imports_openapi_python_client():
    """Its programmatic interface is not public: one adapter meets each of its changes."""
    found = [
        path.name
        for path in sorted((ROOT / "generator").rglob("*.py"))
        if any(name.partition(".")[0] == "openapi_python_client" for name, _ in imports(path))
    ]
    assert found == ["parser_adapter.py"]


def test_the_judge_knows_neither_side():
    """What judges client and sandbox is derived from the document, and imports neither of them."""
    allowed = {"yaml", "jsonschema_rs", "cryptography", "paydown_contract"}
    assert offenders("src/paydown_contract", allowed) == []


def test_the_command_that_judges_servers_needs_two_libraries():
    """`pip install 'paydown[contract]'` is enough: schemathesis is for this project's own suite."""
    code = (
        "import sys, paydown_contract.cli; print({'schemathesis', 'requests', 'paydown'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "set()"), done.stderr


def test_importing_the_client_loads_no_judge():
    """The judge travels in the same wheel, and costs an importer nothing."""
    code = "import sys, paydown; paydown.Client; print([name for name in sys.modules if 'contract' in name])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


def test_no_module_imports_itself_by_a_way_round():
    """No cycle of imports, those for types alone included: every module can be read after what it stands on."""
    assert cycles({name: imported(name) for name in modules()}) == []


def test_a_cycle_would_be_seen():
    """The search that finds none finds one where there is one."""
    graph = {"a": frozenset("b"), "b": frozenset("c"), "c": frozenset("a"), "d": frozenset("a")}
    assert cycles(graph) == [["a", "b", "c"]]

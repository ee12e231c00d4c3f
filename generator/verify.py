"""Check what was written before it is put in place: complete, owned, and free of leaks from the tools."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping

from .model import Client
from .problem import GeneratorFault
from .render import PACKAGE
from .schema import operations, text
from .source import Json
from .tree import MANIFEST

_OWNED = "Written by `make generate` from openapi/"
_LEAKS = re.compile(r"UntrustedString|PythonCode\(|object at 0x|jinja2|/(?:home|root|tmp|work)/")
_ALLOWED_IMPORTS = frozenset(
    {
        PACKAGE,
        "attrs",
        "__future__",
        "collections",
        "dataclasses",
        "decimal",
        "enum",
        "importlib",
        "re",
        "types",
        "typing",
    }
)


def verify(files: Mapping[str, bytes], client: Client, document: Mapping[str, Json]) -> None:
    """Check a finished tree.

    Raises:
        GeneratorFault: With everything that is wrong. The tree must not be put in place.
    """
    trees = {name: ast.parse(content) for name, content in files.items() if name.endswith(".py")}
    faults = [*_headers(files), *_leaks(files), *_imports(trees), *_operations(trees, client, document)]
    if faults:
        raise GeneratorFault(
            "what was generated is not what the document says:\n"
            + "\n".join(f"  {fault}" for fault in faults)
        )


def _headers(files: Mapping[str, bytes]) -> list[str]:
    return [
        f"{name}: does not say who wrote it"
        for name, content in files.items()
        if _OWNED not in content.decode()[:400]
    ]


def _leaks(files: Mapping[str, bytes]) -> list[str]:
    found = (
        (name, _LEAKS.search(content.decode())) for name, content in files.items() if name.endswith(".py")
    )
    return [f"{name}: holds {match.group()!r}" for name, match in found if match]


def _imports(trees: Mapping[str, ast.Module]) -> list[str]:
    faults: list[str] = []
    for name, tree in trees.items():
        for node in ast.walk(tree):
            roots: list[str] = []
            if isinstance(node, ast.Import):
                roots = [alias.name.partition(".")[0] for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                roots = [(node.module or "").partition(".")[0]]
            faults += [f"{name}: imports {root}" for root in roots if root not in _ALLOWED_IMPORTS]
    return faults


def _operations(trees: Mapping[str, ast.Module], client: Client, document: Mapping[str, Json]) -> list[str]:
    """Compare the operationIds of the document with the constants and with the methods that use them."""
    wanted = _operation_ids(document)
    constants = {operation.constant: operation.id for operation in client.operations}
    table = trees.get(f"{PACKAGE}/operations.py")
    listed = {
        key.value
        for node in ast.walk(table or ast.Module([], []))
        if isinstance(node, ast.Dict)
        for key in node.keys
        if isinstance(key, ast.Constant) and isinstance(key.value, str)
    }
    used: dict[str, int] = {}
    for name, tree in trees.items():
        if f"{PACKAGE}/resources/" in name:
            for function in ast.walk(tree):
                if isinstance(function, (ast.FunctionDef, ast.AsyncFunctionDef)):
                    for constant in {_constant(node) for node in ast.walk(function)} - {""}:
                        operation_id = constants.get(constant, constant)
                        used[operation_id] = used.get(operation_id, 0) + 1
    faults = [f"operation {name} of the document is not in operations.py" for name in sorted(wanted - listed)]
    faults += [
        f"operation {name} of operations.py is not in the document" for name in sorted(listed - wanted)
    ]
    expected = {operation.id: 4 if operation.pagination else 2 for operation in client.operations}
    faults += [
        f"operation {name} has {used.get(name, 0)} methods, not {expected.get(name, 2)} (both colours)"
        for name in sorted(wanted | set(used))
        if used.get(name, 0) != expected.get(name, 2)
    ]
    return faults


def _constant(node: ast.AST) -> str:
    """Return X of `operations.X`, or ""."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "operations":
        return node.attr
    return ""


def _operation_ids(document: Mapping[str, Json]) -> set[str]:
    return {text(operation, "operationId") for _, operation in operations(document)}


def check_manifest(files: Mapping[str, bytes]) -> None:
    """Check that the manifest names every file, and no other."""
    named = set(json.loads(files[MANIFEST])["files"])
    if named != set(files) - {MANIFEST}:
        raise GeneratorFault(f"{MANIFEST} and the tree differ: {sorted(named ^ (set(files) - {MANIFEST}))}")

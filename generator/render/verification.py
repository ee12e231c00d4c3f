"""Check what was written before it is put in place: complete, owned, free of leaks, and nothing but data.

`quoting` ensures that a text of the document cannot become code. This second wall trusts neither `quoting` nor the
templates: every module is compiled, may hold only the statements and calls that the templates make, and is imported
by an interpreter of its own. A tree that fails stays aside, and the old one stays in use.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

from generator.client.client_model import Client
from generator.document.json_pointer import Json
from generator.document.schema_queries import operations, text
from generator.file_tree import MANIFEST
from generator.problems import GeneratorFault
from generator.quoting import visible
from generator.render.renderer import PACKAGE

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
        "functools",
        "importlib",
        "re",
        "types",
        "typing",
    }
)
# Modules without a word of the document in them; everything else is held to the calls below.
_FIXED = (f"{PACKAGE}/operation.py", f"{PACKAGE}/codec.py")
_CALLS = re.compile(
    r"codec\.\w+|read\.(required|optional|rest)|self\._sender\.(send|iterate)|(item|self\.\w+)\.to_json|_CASES\[tag\]"
    r"|cls|field|frozen|dataclass|frozenset|globals|import_module|getattr|sorted|AttributeError|isinstance|abs|list"
    r"|type|str\.__new__|MappingProxyType|Unknown\w+|\w+Resource|ErrorCode|StatusOutcome|Limit|Signing|SigningAlgorithm|Ban|Stream"
    r"|Operation|Parameter|Weight|WeightCase|SuccessRule|Cap|UnresolvedScope|Pagination|PageWindow|Archive"
)
_STATEMENTS = (
    ast.Expr,
    ast.Import,
    ast.ImportFrom,
    ast.Assign,
    ast.AnnAssign,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Return,
    ast.Raise,
    ast.If,
    ast.For,
)
_FOREIGN = (ast.Lambda, ast.Await, ast.NamedExpr, ast.Yield, ast.YieldFrom, ast.JoinedStr)
_IMPORT_ALL = """
import importlib, pathlib, sys, warnings
warnings.simplefilter("error")
root = pathlib.Path(sys.argv[1])
sys.path.insert(0, str(root))
for path in sorted(root.rglob("*.py")):
    importlib.import_module(".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"))
"""


def check_import(folder: Path) -> None:
    """Import every module of a finished, verified tree in an interpreter of its own.

    Raises:
        GeneratorFault: One of them cannot be imported: two parts of the document want one name, for example.
    """
    command = [sys.executable, "-I", "-B", "-c", _IMPORT_ALL, str(folder)]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603  (no shell, our own program)
    if done.returncode:
        lines = done.stderr.decode(errors="backslashreplace").strip().splitlines()
        raise GeneratorFault(
            f"the generated client cannot be imported: {visible(lines[-1] if lines else '')}"
        )


def verify(files: Mapping[str, bytes], client: Client, document: Mapping[str, Json]) -> None:
    """Check a finished tree.

    Args:
        files: Content of each file, keyed by path below `generated_client/`.
        client: The facts that it was rendered from.
        document: The bundled document.

    Raises:
        GeneratorFault: Holds everything that is wrong. The tree must not be put in place.
    """
    trees = compiled(files)
    faults = [
        *_headers(files),
        *_leaks(files),
        *_imports(trees),
        *_code(trees),
        *_operations(trees, client, document),
    ]
    if faults:
        raise GeneratorFault(
            "the generated files do not match the document:\n" + "\n".join(f"  {fault}" for fault in faults)
        )


def compiled(files: Mapping[str, bytes]) -> dict[str, ast.Module]:
    """Compile every module and return its syntax tree. A warning of the compiler counts as an error."""
    trees: dict[str, ast.Module] = {}
    for name, content in files.items():
        if name.endswith(".py"):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("error")
                    compile(content, name, "exec", dont_inherit=True)
                    trees[name] = ast.parse(content)
            except (SyntaxError, ValueError, RecursionError, MemoryError, UnicodeError) as error:
                what = visible(str(error)) or type(error).__name__
                raise GeneratorFault(
                    f"what was generated does not compile: {visible(name)}: {what}"
                ) from error
    return trees


def _code(trees: Mapping[str, ast.Module]) -> Iterator[str]:
    """Yield every construct of a module that is neither data nor what the templates write."""
    for name, tree in trees.items():
        if name in _FIXED:
            continue
        for node in ast.walk(tree):
            line = getattr(node, "lineno", 0)
            if isinstance(node, ast.stmt) and not isinstance(node, _STATEMENTS):
                yield f"{name}:{line}: a statement that no template writes: {type(node).__name__}"
            elif isinstance(node, ast.Expr) and not _is_inert(node.value):
                yield f"{name}:{line}: an expression that stands alone and is no docstring"
            elif isinstance(node, ast.Call) and not _CALLS.fullmatch(ast.unparse(node.func)):
                yield f"{name}:{line}: a call that no template writes: {visible(ast.unparse(node.func))[:80]}"
            elif isinstance(node, _FOREIGN) and not _is_ours(node, name):
                yield f"{name}:{line}: an expression that no template writes: {type(node).__name__}"


def _is_inert(value: ast.expr) -> bool:
    """Return whether a lone expression is a docstring, `...`, or a call without a result."""
    if isinstance(value, ast.Await):
        value = value.value
    if isinstance(value, ast.Call):
        return ast.unparse(value.func) == "self._sender.send"
    return isinstance(value, ast.Constant) and (isinstance(value.value, str) or value.value is Ellipsis)


def _is_ours(node: ast.AST, name: str) -> bool:
    """Return whether the templates write an expression: an awaited call, or an f-string of `__getattr__`."""
    if isinstance(node, ast.Await):
        return isinstance(node.value, ast.Call)
    return isinstance(node, ast.JoinedStr) and name.endswith("__init__.py")


def _headers(files: Mapping[str, bytes]) -> list[str]:
    return [
        f"{name}: has no header that names its generator"
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

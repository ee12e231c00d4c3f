"""Read the hand-written modules of the tree as syntax, for the tests that hold its shape."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Where each top-level package lies below the root; generated code is the generator's business.
HOMES = {"paydown": "src", "paydown_sandbox": "src", "paydown_contract": "src", "generator": "", "tools": ""}

Function = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def modules() -> Mapping[str, Path]:
    """Return every hand-written module that ships or builds, by its dotted name."""
    found: dict[str, Path] = {}
    for package, home in HOMES.items():
        base = ROOT / home
        for path in sorted((base / package).rglob("*.py")):
            parts = path.relative_to(base).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def syntax(path: Path) -> ast.Module:
    """Return the parsed module at `path`."""
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Yield every module that a file imports, wherever in the file and for types alone, too, with its line.

    A member that is itself a module of this tree is yielded as that module.
    """
    known = modules()
    base = next(root for root in (ROOT / "generated_client", ROOT / "src", ROOT) if path.is_relative_to(root))
    package = path.parent.relative_to(base).parts
    for node in ast.walk(syntax(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{module}.{alias.name}"
                yield (inner if inner in known else module), node.lineno


@cache
def imported(name: str) -> frozenset[str]:
    """Return every hand-written module that the module `name` imports."""
    found = {module for module, _ in imports(modules()[name])}
    return frozenset(found & modules().keys()) - {name}


def cycles(graph: Mapping[str, frozenset[str]]) -> list[list[str]]:
    """Return the groups of two or more modules that reach each other, each sorted by name."""
    reach: dict[str, set[str]] = {}
    for start in graph:
        seen: set[str] = set()
        todo = list(graph[start])
        while todo:
            one = todo.pop()
            if one not in seen:
                seen.add(one)
                todo += graph[one]
        reach[start] = seen
    groups = {
        tuple(sorted({other for other in reach[start] if start in reach[other]}))
        for start in graph
        if start in reach[start]
    }
    return [list(group) for group in sorted(groups)]


def functions(tree: ast.AST) -> Iterator[Function]:
    """Yield every function and method of a module, nested ones included."""
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def length(function: Function) -> int:
    """Return how many lines a function has, its docstring aside."""
    text = ast.get_docstring(function, clean=False)
    prose = text.count("\n") + 1 if text else 0
    return (function.end_lineno or function.lineno) - function.lineno + 1 - prose


def is_overload(function: Function) -> bool:
    """Return whether a function only describes one way of calling the next one."""
    return any("overload" in ast.unparse(one) for one in function.decorator_list)


def public_functions(tree: ast.Module) -> Iterator[tuple[str, Function]]:
    """Yield the functions and methods that are public by every name on the way to them, overloads aside."""

    def below(body: list[ast.stmt], prefix: str) -> Iterator[tuple[str, Function]]:
        for node in body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield from below(node.body, f"{prefix}{node.name}.")
            elif isinstance(node, Function) and not node.name.startswith("_") and not is_overload(node):
                yield f"{prefix}{node.name}", node

    yield from below(tree.body, "")


def parameters(function: Function) -> list[str]:
    """Return the names of a function's parameters, `self` and `cls` aside."""
    given = function.args
    named = [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
    return [
        *(name for name in named if name not in ("self", "cls")),
        *([given.vararg.arg] if given.vararg else []),
    ]

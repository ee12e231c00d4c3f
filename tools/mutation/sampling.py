"""Draw a sample of the mutations that cosmic-ray knows for some files, always the same for the same seed and files.

This program runs in an environment that has cosmic-ray and nothing of the project, so it imports nothing of it: the
request comes as JSON on standard input, the mutations go as JSON to standard output.

Places are drawn, not mutations: cosmic-ray knows eleven for each `+` and one for each `not`, and a sample of all of
them would ask the same question about arithmetic again and again.
"""

import ast
import difflib
import json
import random
import re
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any

# By name, since the environment that checks the types of this file does not have it.
_TREES = import_module("cosmic_ray.ast")
_MUTATING = import_module("cosmic_ray.mutating")
_PLUGINS = import_module("cosmic_ray.plugins")

_Span = tuple[tuple[int, int], tuple[int, int]]


def main() -> None:
    """Answer one request: `{root, seed, leave_out, areas: [{name, paths, size}]}`."""
    request: dict[str, Any] = json.load(sys.stdin)
    left_out: list[str] = request["leave_out"]
    operators = {
        name: _PLUGINS.get_operator(name)()
        for name in sorted(_PLUGINS.operator_names())
        if not _PLUGINS.get_operator(name).arguments() and not any(re.search(each, name) for each in left_out)
    }
    root = Path(request["root"])
    drawn = [
        mutation | {"area": area["name"]}
        for area in request["areas"]
        for mutation in _draw(root, area, operators, random.Random(f"{request['seed']} {area['name']}"))
    ]
    json.dump({"tool": f"cosmic-ray {version('cosmic-ray')}", "mutations": drawn}, sys.stdout)


def _draw(
    root: Path, area: dict[str, Any], operators: dict[str, Any], chance: random.Random
) -> list[dict[str, Any]]:
    places: dict[tuple[str, Any], list[tuple[str, int]]] = {}
    sources = {path: (root / path).read_text("utf-8") for path in sorted(area["paths"])}
    for path, source in sources.items():
        for position, operator, occurrence in _mutations(source, operators):
            places.setdefault((path, position), []).append((operator, occurrence))
    found: list[dict[str, Any]] = []
    for path, position in chance.sample(sorted(places), len(places)):
        if len(found) == area["size"]:
            break
        operator, occurrence = chance.choice(places[path, position])
        mutated = _MUTATING.mutate_code(sources[path], operators[operator], occurrence)
        if mutated is not None and _changes_something(sources[path], mutated):
            name, first, last = _definition(ast.parse(sources[path]), position[0][0])
            earlier = [
                start
                for (of, (start, _)), known in places.items()
                if of == path
                and start < position[0]
                and first <= start[0] <= last
                and (operator in dict(known))
            ]
            found.append(
                {
                    "path": path,
                    "name": name,
                    "operator": operator.removeprefix("core/"),
                    "nth": len(earlier) + 1,
                    "change": _change(sources[path], mutated),
                    "source": mutated,
                }
            )
    return found


def _mutations(source: str, operators: dict[str, Any]) -> Iterator[tuple[_Span, str, int]]:
    """Yield each mutation that changes what the program does: none in annotations, which nothing evaluates."""
    silent = list(_annotations(ast.parse(source)))
    nodes = list(_TREES.ast_nodes(_TREES.get_ast(source)))
    for name, operator in operators.items():
        positions = (span for node in nodes for span in operator.mutation_positions(node))
        for occurrence, (start, end) in enumerate(positions):
            if not any(first <= start and end <= last for first, last in silent):
                yield (tuple(start), tuple(end)), name, occurrence


def _annotations(tree: ast.Module) -> Iterator[_Span]:
    for node in ast.walk(tree):
        held: list[ast.expr | None] = []
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            held = [node.returns]
        elif isinstance(node, ast.arg | ast.AnnAssign):
            held = [node.annotation]
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("cast", "TypeVar")
        ):
            held = list(node.args)
        elif isinstance(node, ast.Assign) and node in tree.body and _is_type(node.value):
            held = [node.value]
        elif isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            held = [node.test]
        for each in held:
            if each is not None:
                yield (
                    (each.lineno, each.col_offset),
                    (each.end_lineno or each.lineno, each.end_col_offset or each.col_offset),
                )


def _is_type(node: ast.expr) -> bool:
    """Return whether a value at module level is a type alias: alternatives, or a subscript such as `Callable[…]`."""
    return isinstance(node, ast.Subscript) or (isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr))


def _changes_something(source: str, mutated: str) -> bool:
    try:
        return ast.dump(ast.parse(source)) != ast.dump(ast.parse(mutated))
    except SyntaxError:  # cosmic-ray writes some replacements without the parentheses that they need
        return False


def _definition(tree: ast.Module, line: int) -> tuple[str, int, int]:
    """Return the qualified name of the innermost definition around a line, with its first and its last line."""
    names: list[str] = []
    node: ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef = tree
    first, last = 1, sys.maxsize
    while True:
        inner = [
            each
            for each in ast.walk(node)
            if each is not node
            and isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            and each.lineno <= line <= (each.end_lineno or each.lineno)
        ]
        if not inner:
            return ".".join(names), first, last
        node = min(inner, key=lambda each: each.lineno)
        first, last = node.lineno, node.end_lineno or node.lineno
        names.append(node.name)


def _change(source: str, mutated: str) -> str:
    """Return the lines that differ, before and after."""
    old, new = source.splitlines(), mutated.splitlines()
    for kind, first, last, begin, end in difflib.SequenceMatcher(
        None, old, new, autojunk=False
    ).get_opcodes():
        if kind != "equal":
            before = " ".join(line.strip() for line in old[first:last])
            after = " ".join(line.strip() for line in new[begin:end])
            return f"{before} → {after or '(nothing)'}"
    return ""


if __name__ == "__main__":
    main()

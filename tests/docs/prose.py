"""Collect every sentence that speaks about the exchange, each with the part of the document that it is about.

openapi/, control.openapi.json ──> descriptions, rules, notes    about the object that they stand in
generated_client/              ──> docstrings, entry by entry    about the operation, parameter or field
src/, generator/, examples/ …  ──> docstrings                    about what their words name
*.md, docs/*.md                ──> paragraphs, rows, items       about what their words name
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from paydown_contract import read_document
from paydown_contract.json_types import is_list, is_object

ROOT = Path(__file__).resolve().parents[2]
# Where programs with docstrings lie, without what the generator writes: that is read by its structure.
PROGRAMS = ("src", "generator", "docs", "examples", "benchmarks")
PAGES = ("*.md", "docs/*.md")
_PROSE = frozenset({"description", "summary", "text", "meaning", "note", "question", "reading"}) | {
    "x-note",
    "x-repeatable",
    "x-absent",
}
_DESCRIBED_VALUES = ("x-open-enum-descriptions", "x-value-descriptions", "x-evidence-marks")
_SECTIONS = frozenset({"Args:", "Attributes:", "Raises:", "Returns:", "Yields:", "Rules:"})


@dataclass(frozen=True)
class Passage:
    """One text.

    Attributes:
        place: Where it stands, for messages and for lists of places.
        text: Its words, with single spaces between them.
        node: The object of the document that it describes, empty if it only names what it is about.
        operation: The operation that it describes, empty if none.
    """

    place: str
    text: str
    node: Mapping[str, Any] = field(default_factory=dict[str, Any], hash=False)
    operation: Mapping[str, Any] = field(default_factory=dict[str, Any], hash=False)


@cache
def contract() -> Mapping[str, Any]:
    """Return the document with every reference resolved, read without the generator's help."""
    return read_document(ROOT / "openapi" / "openapi.yaml").content


@cache
def operations() -> dict[str, Mapping[str, Any]]:
    """Return every operation by its id, with its method and path added."""
    return {
        call["operationId"]: {**call, "method": method.upper(), "path": path}
        for path, item in contract()["paths"].items()
        for method, call in item.items()
        if isinstance(call, dict) and "operationId" in call
    }


@cache
def of_the_document() -> list[Passage]:
    """Return the prose of `openapi/`, a shared part once for every operation that uses it."""
    return _unique(_described(contract(), "openapi:", {}))


@cache
def of_the_control_api() -> list[Passage]:
    """Return the prose of the sandbox's control API."""
    path = ROOT / "src" / "paydown_sandbox" / "serving" / "control.openapi.json"
    return _unique(_described(json.loads(path.read_text("utf-8")), "control:", {}))


@cache
def of_the_generated_client() -> list[Passage]:
    """Return the docstrings of methods and models, cut into what describes a call, a parameter or a field."""
    package = ROOT / "generated_client" / "paydown_wire"
    found: list[Passage] = []
    for path in sorted((package / "resources").glob("[a-z]*.py")):
        for name, text in _docstrings(path):
            operation = _operation_of(path.stem, name.rpartition(".")[2])
            found += _entries(f"{path.name}:{name}", text, operation, _parameters(operation), operation)
    titled = {
        node["title"]: node for _, node in _objects(contract(), "") if isinstance(node.get("title"), str)
    }
    for path in sorted((package / "models").glob("[a-z]*.py")):
        for name, text in _docstrings(path):
            model = titled.get(name, {})
            members = {
                member.get("x-python-name", _snake(wire)): member
                for wire, member in model.get("properties", {}).items()
            }
            found += _entries(f"{path.name}:{name}", text, model, members, {})
    for path in sorted(package.glob("[a-z]*.py")):
        found += [Passage(f"{path.name}:{name}", _flat(text)) for name, text in _docstrings(path)]
    return found


@cache
def written_by_hand() -> list[Passage]:
    """Return the docstrings of the programs and the paragraphs of the pages."""
    found: list[Passage] = []
    for folder in PROGRAMS:
        for path in sorted((ROOT / folder).rglob("*.py")):
            place = path.relative_to(ROOT).as_posix()
            found += [Passage(f"{place}:{name}", _flat(text)) for name, text in _docstrings(path)]
    for pattern in PAGES:
        for path in sorted(ROOT.glob(pattern)):
            text = re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
            parts = re.split(r"\n\s*\n|\n(?=\s*(?:[-*|#]|\d+\.) ?)", text)
            place = path.relative_to(ROOT).as_posix()
            found += [Passage(place, _flat(part)) for part in parts if part.strip()]
    return found


def method_docstrings() -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield place, text and operation of every generated method that makes a call."""
    for path in sorted((ROOT / "generated_client" / "paydown_wire" / "resources").glob("[a-z]*.py")):
        for name, text in _docstrings(path):
            operation = _operation_of(path.stem, name.rpartition(".")[2])
            if operation:
                yield f"{path.name}:{name}", text, operation


def _operation_of(resource: str, method: str) -> Mapping[str, Any]:
    for operation in operations().values():
        if operation["tags"] == [resource] and operation["x-method-name"] == method.removeprefix("iter_"):
            return operation
    return {}


def _parameters(operation: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    found = {parameter["name"]: parameter for parameter in operation.get("parameters", [])}
    for content in operation.get("requestBody", {}).get("content", {}).values():
        found |= content["schema"].get("properties", {})
    return {_snake(name): parameter for name, parameter in found.items()}


def _entries(
    place: str,
    text: str,
    node: Mapping[str, Any],
    members: Mapping[str, Mapping[str, Any]],
    operation: Mapping[str, Any],
) -> Iterator[Passage]:
    section, parts = "", [("", "")]
    for line in text.splitlines():
        entry = re.match(r"    (\w+): ", line)
        if not line.strip():
            parts.append(("", ""))
        elif line in _SECTIONS:
            section = line
            parts.append(("", ""))
        elif section in ("Args:", "Attributes:") and entry:
            parts.append((entry[1], line))
        else:
            if line[0] != " " and section:
                section = ""
                parts.append(("", ""))
            elif section == "Rules:" and line.lstrip().startswith("- "):
                parts.append(("", ""))
            name, so_far = parts[-1]
            parts[-1] = (name, f"{so_far}\n{line}")
    for name, words in parts:
        if words.strip():
            subject = members.get(name, {}) if name else node
            yield Passage(f"{place}.{name}" if name else place, _flat(words), subject, operation)


def _described(node: Any, place: str, operation: Mapping[str, Any]) -> Iterator[Passage]:
    for at, inner in _objects(node, ""):
        if "operationId" in inner and "responses" in inner:
            operation = inner
        inside: Mapping[str, Any] = (
            operation if f"/{operation.get('operationId')}" in f"/{_operation_at(node, at)}" else {}
        )
        for key, value in inner.items():
            if isinstance(value, str) and (key in _PROSE or at.endswith(_DESCRIBED_VALUES)):
                yield Passage(f"{place}{at}/{key}", _flat(value), inner, inside)


def _operation_at(root: Any, at: str) -> str:
    parts = at.split("/")
    if len(parts) > 3 and parts[1] == "paths":
        item: Any = root["paths"][parts[2].replace("~1", "/")].get(parts[3], {})
        return str(item.get("operationId", "")) if is_object(item) else ""
    return ""


def _objects(node: Any, at: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if is_object(node):
        yield at, node
        for key, value in node.items():
            if key != "examples" or "schema" not in at:
                yield from _objects(value, f"{at}/{str(key).replace('/', '~1')}")
    elif is_list(node):
        for number, value in enumerate(node):
            yield from _objects(value, f"{at}/{number}")


def _unique(passages: Iterator[Passage]) -> list[Passage]:
    kept: dict[tuple[str, str, str], Passage] = {}
    for one in passages:
        kept.setdefault((one.text, repr(one.node), one.operation.get("operationId", "")), one)
    return list(kept.values())


def _docstrings(path: Path) -> Iterator[tuple[str, str]]:
    def inside(node: ast.AST, name: str) -> Iterator[tuple[str, str]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                inner = f"{name}.{child.name}".lstrip(".")
                text = ast.get_docstring(child)
                if text:
                    yield inner, text
                yield from inside(child, inner)

    tree = ast.parse(path.read_text("utf-8"))
    if text := ast.get_docstring(tree):
        yield "", text
    yield from inside(tree, "")


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z]+)", r"_\1", name).lower()


def _flat(text: str) -> str:
    return " ".join(text.split())

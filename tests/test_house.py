"""The shape of the tree: short modules, small rooms, functions that fit a screen, explained parameters, plain words."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from pathlib import Path

import pytest

from tests.source_tree import (
    ROOT,
    functions,
    length,
    modules,
    parameters,
    public_functions,
    syntax,
)

LINES_OF_A_MODULE = 450
LINES_OF_A_FUNCTION = 60
METHODS_OF_A_CLASS = 15
FILES_OF_A_FOLDER = 14

# What may pass a limit, and why.
LARGE_CLASSES: dict[str, str] = {}
LONG_FUNCTIONS: dict[str, str] = {}

# Names that an editor's tab may show twice, because each is the one way to say what the file is.
TWINS_ALLOWED = {"__init__.py", "__main__.py", "cli.py", "errors.py"}

# Words for which a standard term exists; see the glossary of ARCHITECTURE.md.
DIALECT = re.compile(
    r"\b(nobody|somebody|whoever|whatever|tells?|told|telling|says|said|hears?|heard"
    r"|strangers?|story|stories|beside)\b",
    re.IGNORECASE,
)


def shown(path: Path) -> str:
    """Return a path as the messages of this file show it."""
    return str(path.relative_to(ROOT))


def test_modules_are_short():
    """A module has at most 450 lines."""
    lines = {shown(path): path.read_text("utf-8").count("\n") for path in modules().values()}
    assert {name: number for name, number in lines.items() if number > LINES_OF_A_MODULE} == {}


def test_functions_fit_a_screen():
    """A function has at most 60 lines, its docstring aside."""
    found = {
        f"{shown(path)} {function.name}": length(function)
        for path in modules().values()
        for function in functions(syntax(path))
        if length(function) > LINES_OF_A_FUNCTION
    }
    assert found.keys() - LONG_FUNCTIONS.keys() == set()
    assert LONG_FUNCTIONS.keys() - found.keys() == set(), "an exception that nothing needs any more"


def test_classes_do_one_thing():
    """A class has at most 15 methods, written in its own body."""
    found = {
        f"{shown(path)} {node.name}"
        for path in modules().values()
        for node in ast.walk(syntax(path))
        if isinstance(node, ast.ClassDef)
        and sum(isinstance(one, ast.FunctionDef | ast.AsyncFunctionDef) for one in node.body)
        > METHODS_OF_A_CLASS
    }
    assert found - LARGE_CLASSES.keys() == set()
    assert LARGE_CLASSES.keys() - found == set(), "an exception that nothing needs any more"


def test_folders_can_be_read_at_a_glance():
    """A folder holds at most 14 modules."""
    files = Counter(shown(path.parent) for path in modules().values() if path.stem != "__init__")
    assert {folder: number for folder, number in files.items() if number > FILES_OF_A_FOLDER} == {}


def test_no_two_files_have_one_name():
    """A file's name alone leads to it."""
    homes: defaultdict[str, list[str]] = defaultdict(list)
    for path in modules().values():
        homes[path.name].append(shown(path))
    assert {name: at for name, at in homes.items() if len(at) > 1 and name not in TWINS_ALLOWED} == {}


def test_prose_uses_standard_terms():
    """Docstrings and comments name their subject, where a loose word would send the reader to its neighbours."""
    found: list[str] = []
    for path in modules().values():
        text = path.read_text("utf-8")
        kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
        prose = [ast.get_docstring(node) or "" for node in ast.walk(syntax(path)) if isinstance(node, kinds)]
        prose += re.findall(r"#\s*(.+)", text)
        found += [f"{shown(path)}: {hit}" for one in prose for hit in DIALECT.findall(one)]
    assert found == []


@pytest.mark.parametrize("package", ["paydown", "paydown_sandbox", "paydown_contract", "generator", "tools"])
def test_parameters_are_explained(package: str):
    """A public function with two parameters or more says in `Args` what each of them is."""
    found: list[str] = []
    for name, path in modules().items():
        if name.partition(".")[0] != package:
            continue
        for qualified, function in public_functions(syntax(path)):
            names = parameters(function)
            text = ast.get_docstring(function) or ""
            absent = [one for one in names if not re.search(rf"^    \*{{0,2}}{one}( \(.+\))?:", text, re.M)]
            if len(names) >= 2 and ("Args:" not in text or absent):
                found.append(f"{shown(path)} {qualified}: {', '.join(absent)}")
    assert found == []

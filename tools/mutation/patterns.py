"""Find and replace a place of Python code by its qualified name and a pattern of its syntax tree.

A pattern is Python with variables: `$A > $B.limit` matches each comparison by `>` whose right side is an attribute
`limit`.

    $A      in place of an expression, a name, an attribute's name or a keyword matches any one of them; the same
            variable twice asks for the same thing twice
    $A      as the only statement of a body matches the whole body; among others it matches one statement
    ...     as an argument of a call matches all arguments from there on

Layout, comments and line numbers do not count, so moving, formatting or surrounding the code leaves a pattern valid.
The replacement may use what the variables of the pattern matched.
"""

import ast
import copy
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeGuard, cast

_VARIABLE: Final = re.compile(r"\$([A-Z][A-Z0-9_]*)")
_MARK: Final = "META_"
_REST: Final = "..."

_Bindings = dict[str, Any]
_DEFINITIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def is_list(value: Any) -> TypeGuard[list[Any]]:
    """Return whether a value is a list, in words that every type checker understands."""
    return isinstance(value, list)


class NoSuchPlace(ValueError):
    """Report a qualified name or a pattern that does not name exactly one place of the code."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """Hold one parsed pattern: an expression, or statements that follow each other."""

    text: str
    expression: ast.expr | None
    statements: tuple[ast.stmt, ...]


@dataclass(slots=True)
class Match:
    """Hold one place that a pattern matched, and what its variables stand for.

    Attributes:
        parent: The node that holds the place.
        name: The field of the parent that holds it.
        start: The index in that field if the field is a list, else -1.
        length: How many elements of the list the place spans.
        bindings: What each variable matched.
    """

    parent: ast.AST
    name: str
    start: int
    length: int
    bindings: _Bindings = field(default_factory=dict[str, Any])


def parse(text: str, *, statements: bool = False) -> Pattern:
    """Parse a pattern.

    Args:
        text: The pattern.
        statements: Whether an expression is meant as a statement.

    Raises:
        SyntaxError: The text is no Python even with its variables filled in.
    """
    filled = _VARIABLE.sub(lambda found: _MARK + found[1], text)
    if not statements:
        try:
            return Pattern(text, ast.parse(filled, mode="eval").body, ())
        except SyntaxError:
            pass
    return Pattern(text, None, tuple(ast.parse(filled).body))


def scopes(tree: ast.Module, qualified: str) -> list[ast.AST]:
    """Return the definitions or assignments with this qualified name; the whole module for the empty name.

    Args:
        tree: The module.
        qualified: Names with dots, from the module's level inward: `Window.fits`, `_LIMIT`, `make.inner`.
    """
    found: list[ast.AST] = [tree]
    for name in qualified.split(".") if qualified else ():
        found = [each for scope in found for each in _named(scope, name)]
    return found


def _named(scope: ast.AST, name: str) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(scope):
        if isinstance(node, _DEFINITIONS):
            if node.name == name:
                yield node
        elif isinstance(node, ast.Assign | ast.AnnAssign) and name in _targets(node):
            yield node
        elif not isinstance(node, ast.expr):
            yield from _named(node, name)


def _targets(node: ast.Assign | ast.AnnAssign) -> set[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return {each.id for each in targets if isinstance(each, ast.Name)}


def find(scope: ast.AST, pattern: Pattern) -> list[Match]:
    """Return each place inside the scope that the pattern matches, in the order of the source.

    Args:
        scope: Where to search.
        pattern: What to search for.
    """
    return list(_find(scope, pattern))


def _find(node: ast.AST, pattern: Pattern) -> Iterator[Match]:
    for name, value in ast.iter_fields(node):
        if isinstance(value, ast.AST):
            if pattern.expression is not None:
                bindings: _Bindings = {}
                if _same(pattern.expression, value, bindings):
                    yield Match(node, name, -1, 1, bindings)
            yield from _find(value, pattern)
        elif is_list(value):
            yield from _find_in_list(node, name, value, pattern)


def _find_in_list(node: ast.AST, name: str, value: list[Any], pattern: Pattern) -> Iterator[Match]:
    for start, element in enumerate(value):
        bindings: _Bindings = {}
        if pattern.expression is not None:
            if isinstance(element, ast.expr) and _same(pattern.expression, element, bindings):
                yield Match(node, name, start, 1, bindings)
        elif isinstance(element, ast.stmt):
            length = len(pattern.statements)
            there = value[start : start + length]
            if len(there) == length and all(
                _same(wanted, found, bindings)
                for wanted, found in zip(pattern.statements, there, strict=True)
            ):
                yield Match(node, name, start, length, bindings)
        if isinstance(element, ast.AST):
            yield from _find(element, pattern)


def _same(wanted: Any, found: Any, bindings: _Bindings) -> bool:
    variable = _variable(wanted)
    if variable is not None:
        return _bind(variable, found, bindings)
    if is_list(wanted):
        return is_list(found) and _same_lists(wanted, found, bindings)
    if isinstance(wanted, ast.Call) and isinstance(found, ast.Call) and _is_rest(wanted.args):
        return _same_calls(wanted, found, bindings)
    if isinstance(wanted, ast.AST):
        return type(wanted) is type(found) and all(
            _same(value, getattr(found, name, None), bindings)
            for name, value in ast.iter_fields(wanted)
            if name not in ("ctx", "type_comment", "kind")
        )
    # `1`, `1.0` and `True` are equal in Python, and `==` alone would mix them up.
    return type(wanted) is type(found) and bool(wanted == found)


def _variable(node: Any) -> str | None:
    if isinstance(node, ast.Expr):
        node = node.value
    if isinstance(node, ast.Name):
        node = node.id
    return node.removeprefix(_MARK) if isinstance(node, str) and node.startswith(_MARK) else None


def _bind(variable: str, found: Any, bindings: _Bindings) -> bool:
    if found is None:
        return False
    before = bindings.setdefault(variable, found)
    return before is found or _text(before) == _text(found)


def _text(value: Any) -> str:
    if is_list(value):
        return "\n".join(map(_text, value))
    return ast.dump(value) if isinstance(value, ast.AST) else repr(value)


def _same_lists(wanted: Sequence[Any], found: Sequence[Any], bindings: _Bindings) -> bool:
    if len(wanted) == 1 and isinstance(wanted[0], ast.Expr) and (name := _variable(wanted[0])) and found:
        return _bind(name, found, bindings)
    return len(wanted) == len(found) and all(
        _same(one, other, bindings) for one, other in zip(wanted, found, strict=True)
    )


def _is_rest(arguments: Sequence[ast.expr]) -> bool:
    last = arguments[-1] if arguments else None
    return isinstance(last, ast.Constant) and last.value is ...


def _same_calls(wanted: ast.Call, found: ast.Call, bindings: _Bindings) -> bool:
    fixed = wanted.args[:-1]
    if not _same(wanted.func, found.func, bindings) or len(found.args) < len(fixed):
        return False
    bindings[_REST] = (found.args[len(fixed) :], found.keywords)
    return _same_lists(list(fixed), list(found.args[: len(fixed)]), bindings)


class _Fill(ast.NodeTransformer):
    """Put what the variables matched into a replacement."""

    def __init__(self, bindings: _Bindings) -> None:
        self._bindings = bindings

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """Replace a variable that stands for an expression or for a name."""
        variable = _variable(node)
        if variable is None:
            return node
        bound = self._bindings[variable]
        return ast.Name(bound, node.ctx) if isinstance(bound, str) else copy.deepcopy(bound)

    def visit_Expr(self, node: ast.Expr) -> Any:
        """Replace a variable that stands for a statement or for a body."""
        variable = _variable(node)
        bound = self._bindings.get(variable) if variable is not None else None
        if isinstance(bound, list | ast.stmt):
            return copy.deepcopy(cast("list[ast.stmt] | ast.stmt", bound))
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Give a call the arguments that `...` matched."""
        rest = _is_rest(node.args)
        self.generic_visit(node)
        if rest and _REST in self._bindings:
            arguments, keywords = copy.deepcopy(self._bindings[_REST])
            node.args[-1:] = arguments
            node.keywords += keywords
        return node

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """Replace variables that stand for the names of attributes, keywords and parameters."""
        for name, value in ast.iter_fields(node):
            if isinstance(value, str) and not isinstance(node, ast.Name):
                variable = _variable(value)
                if variable is not None:
                    setattr(node, name, self._bindings[variable])
        return super().generic_visit(node)


def replaced(source: str, qualified: str, pattern: str, becomes: str, nth: int = 0) -> str:
    """Return the source with the one place that the pattern matches replaced.

    Args:
        source: The module's text.
        qualified: The qualified name of the definition that holds the place; empty for the module.
        pattern: What to replace; it must match exactly once, unless `nth` chooses.
        becomes: The replacement; empty removes statements.
        nth: Which of several matches is meant, counted from 1; 0 if there is one.

    Raises:
        NoSuchPlace: The name or the pattern does not name exactly one place.
        SyntaxError: The source, the pattern or the replacement is no Python.
    """
    tree = ast.parse(source)
    within = scopes(tree, qualified)
    if not within:
        raise NoSuchPlace(f"there is no {qualified}")
    new = parse(becomes) if becomes else Pattern("", None, ())
    wanted = parse(pattern, statements=new.expression is None)
    matches = [match for scope in within for match in find(scope, wanted)]
    if wanted.expression is None:  # An assignment that is named is a place itself, but no child of itself.
        matches += [match for match in _themselves(tree, within, wanted) if match not in matches]
    if len(matches) != 1 and not 0 < nth <= len(matches):
        raise NoSuchPlace(f"`{pattern}` matches {len(matches)} times in {qualified or 'the module'}")
    match = matches[nth - 1 if nth else 0]
    _put(match, new)
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n"


def _themselves(tree: ast.Module, within: Sequence[ast.AST], wanted: Pattern) -> Iterator[Match]:
    for match in find(tree, wanted):
        place = getattr(match.parent, match.name)
        if match.start >= 0 and any(place[match.start] is scope for scope in within):
            yield match


def _put(match: Match, new: Pattern) -> None:
    place = getattr(match.parent, match.name)
    if new.expression is not None:
        value = _Fill(match.bindings).visit(copy.deepcopy(new.expression))
        if match.start < 0:
            setattr(match.parent, match.name, value)
        else:
            place[match.start] = value
        return
    filled = ast.Module([copy.deepcopy(each) for each in new.statements], [])
    place[match.start : match.start + match.length] = _Fill(match.bindings).visit(filled).body
    if not place:
        place.append(ast.Pass())

"""Read the OpenAPI document without the generator's code, so that the two check each other.

Every `$ref` is replaced by its target, and its sibling keys win over the target's own, as OpenAPI 3.1 wants. No
operation of this project is named here: operations are found by walking `paths`.
"""

import importlib.util
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from paydown_contract.bounded_reader import DEEPEST, LARGEST_TREE, Unreadable, parse_file
from paydown_contract.json_types import is_list, is_object

METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
FORM: Final = "application/x-www-form-urlencoded"
_MOST_FILES: Final = 500


class BrokenDocument(ValueError):
    """The document cannot be used: a reference leads nowhere or in a circle, or a needed member is missing."""


def resolve(root: Path) -> dict[str, Any]:
    """Read the document at `root` (YAML or JSON, one file or many) and replace every reference by its content.

    Raises:
        BrokenDocument: A file cannot be read, or a reference leads nowhere, out of the folder or in a circle.
    """
    try:
        root = root.resolve()
        resolved = _Resolver(root).expand(None, "", root, (), 0)
    except (OSError, RuntimeError, ValueError) as error:  # ValueError: a path that no system takes
        if isinstance(error, BrokenDocument):
            raise
        raise BrokenDocument(f"{root.name}: {error}") from error
    if not is_object(resolved) or not is_object(resolved.get("paths")):
        raise BrokenDocument(f"{root.name}: not an OpenAPI document")
    return resolved


class _Resolver:
    """Reads each file once, and counts the values that references unfold to: a few lines can stand for billions."""

    def __init__(self, root: Path) -> None:
        self._folder = root.parent
        self._files: dict[Path, Any] = {}
        self._count = 0

    def _read(self, path: Path) -> Any:
        if path not in self._files:
            if len(self._files) >= _MOST_FILES:
                raise BrokenDocument(f"more than {_MOST_FILES} files")
            try:
                self._files[path] = parse_file(path)
            except Unreadable as error:
                raise BrokenDocument(f"{path.name}: {error}") from error
        return self._files[path]

    def _follow(self, reference: str, here: Path, trail: tuple[tuple[Path, str], ...], level: int) -> Any:
        name, _, pointer = reference.partition("#")
        path = (here.parent / name).resolve() if name else here
        if name and not path.is_relative_to(self._folder):
            raise BrokenDocument(
                f"{here.name}: {reference} leaves the folder of the document; copy that file into it"
            )
        if (path, pointer) in trail:
            raise BrokenDocument(f"{here.name}: {reference} leads in a circle")
        node = self._read(path)
        for part in pointer.split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            try:
                node = node[int(key)] if is_list(node) else node[key]
            except (KeyError, IndexError, ValueError, TypeError) as error:
                raise BrokenDocument(f"{here.name}: {reference} points to nothing") from error
        return self.expand(node, reference, path, (*trail, (path, pointer)), level)

    def expand(
        self, node: Any, reference: str, here: Path, trail: tuple[tuple[Path, str], ...], level: int
    ) -> Any:
        """Replace the references in a value.

        Args:
            node: The value; at the start, when `trail` is empty, the whole file `here` takes its place.
            reference: The reference that led here, for messages.
            here: The file that holds the value.
            trail: Files and pointers of the references on the way, to find circles.
            level: How deep the value stands once references are replaced.
        """
        if not trail:
            node, trail = self._read(here), ((here, ""),)
        self._count += 1
        if self._count > LARGEST_TREE or level > DEEPEST:
            raise BrokenDocument(
                f"{here.name}: {reference or 'the document'} unfolds to more than {LARGEST_TREE} values "
                f"or {DEEPEST} levels"
            )
        if is_list(node):
            return [self.expand(item, reference, here, trail, level + 1) for item in node]
        if not is_object(node):
            return node
        siblings = {
            str(key): self.expand(value, reference, here, trail, level + 1)
            for key, value in node.items()
            if key != "$ref"
        }
        found = node.get("$ref")
        if not isinstance(found, str):
            return (
                siblings
                if "$ref" not in node
                else {**siblings, "$ref": self.expand(found, "", here, trail, level + 1)}
            )
        target = self._follow(found, here, trail, level + 1)
        if not siblings:
            return target
        if not is_object(target):
            raise BrokenDocument(f"{here.name}: keys beside {found}, which is not an object")
        return {**target, **siblings}


@dataclass(frozen=True, slots=True)
class Field:
    """One parameter of an operation: of the query, or a member of the form body."""

    name: str
    place: str  # "query" or "body"
    required: bool
    schema: Mapping[str, Any]

    @property
    def is_list(self) -> bool:
        """Whether several values are sent in one text, separated by commas."""
        return self.schema.get("type") == "array"


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the document: its path, its parameters, its responses."""

    id: str
    method: str  # upper case
    path: str
    fields: tuple[Field, ...]  # in document order
    responses: Mapping[str, Mapping[str, Any]]
    facts: Mapping[str, Any] = field(repr=False)  # the operation object of the document
    api_key: bool = False
    signed: bool = False
    signature_tolerated: bool = False

    @property
    def takes_form(self) -> bool:
        """Whether the method may carry a form body."""
        return self.method in ("POST", "PUT", "DELETE")

    def field(self, name: str) -> Field | None:
        """Return the parameter of that name; None if the operation has none."""
        return next((item for item in self.fields if item.name == name), None)

    def success_schema(self) -> dict[str, Any]:
        """Return the schema of the JSON body of an answer 200."""
        schema: dict[str, Any] = self.responses["200"]["content"]["application/json"]["schema"]
        return schema


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One row of the error table `x-error-codes`."""

    code: int
    name: str
    absolute: bool
    statuses: tuple[int, ...]
    executed: str
    retry: str
    category: str
    server: str
    facts: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Document:
    """A document without references, with its operations and its error table."""

    content: Mapping[str, Any] = field(repr=False)
    operations: tuple[Operation, ...]
    errors: tuple[ErrorRow, ...]

    @property
    def signing(self) -> Mapping[str, Any]:
        """The `x-signing` object of the auth scheme."""
        signing: Mapping[str, Any] = self.scheme["x-signing"]
        return signing

    @property
    def scheme(self) -> Mapping[str, Any]:
        """The security scheme that holds `x-signing`."""
        schemes: Mapping[str, Mapping[str, Any]] = self.content["components"]["securitySchemes"]
        found = next((scheme for scheme in schemes.values() if "x-signing" in scheme), None)
        if found is None:
            raise BrokenDocument("no security scheme has x-signing, so no request can be signed")
        return found

    @property
    def key_header(self) -> str:
        """The name of the header that carries the API key."""
        return str(self.scheme["name"])

    def operation(self, method: str, path: str) -> Operation | None:
        """Return the operation at a method and path; None if the document has none.

        Args:
            method: In upper case.
            path: Without host and query.
        """
        return next((op for op in self.operations if op.method == method and op.path == path), None)

    def by_id(self, operation_id: str) -> Operation:
        """Return the operation of that id."""
        return next(op for op in self.operations if op.id == operation_id)

    def error(self, code: int, server: str = "papi") -> ErrorRow | None:
        """Return the row of the error table that explains a code; None if there is none.

        Args:
            code: The code of an answer. Rows marked as absolute match it with either sign.
            server: The server that answered; its own row wins over that of another server.
        """
        rows = [
            row for row in self.errors if row.code == code or (row.absolute and abs(code) == abs(row.code))
        ]
        rows.sort(key=lambda row: row.server != server)
        return rows[0] if rows else None

    def codes_named(self, *names: str) -> frozenset[int]:
        """Return the codes of the rows with these names."""
        return frozenset(row.code for row in self.errors if row.name in names)


def read_document(root: Path) -> Document:
    """Read and resolve the document at `root`.

    Raises:
        BrokenDocument: It cannot be read, or lacks a member that this tool needs.
    """
    content = resolve(root)
    try:
        return Document(
            content=content, operations=tuple(_operations(content)), errors=tuple(_errors(content))
        )
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise BrokenDocument(
            f"{root.name}: not of the form that this tool reads: {in_words(error)}"
        ) from error


def bundled_document() -> Path:
    """Return the path of the document that is installed with the client, found without importing the client.

    Raises:
        BrokenDocument: It is not installed.
    """
    found = importlib.util.find_spec("paydown_wire")
    path = Path(found.origin).with_name("openapi.json") if found is not None and found.origin else None
    if path is None or not path.is_file():
        raise BrokenDocument("no document is installed with this tool: name one with --spec FILE")
    return path


def in_words(error: Exception) -> str:
    """Describe an error of reading a document: which member is missing, or what has another form."""
    if isinstance(error, KeyError):
        return f"the member {error.args[0]!r} is missing" if error.args else "a member is missing"
    return " ".join(str(error).split())[:200] or type(error).__name__


def _operations(content: Mapping[str, Any]) -> Iterator[Operation]:
    types: Mapping[str, Mapping[str, Any]] = content.get("x-security-types", {})
    for path, item in content["paths"].items():
        for method in METHODS:
            facts = item.get(method)
            if facts is None:
                continue
            security = types.get(facts.get("x-security-type", "NONE"), {})
            yield Operation(
                id=facts["operationId"],
                method=method.upper(),
                path=path,
                fields=tuple(_fields(item, facts)),
                responses=facts["responses"],
                facts=facts,
                api_key=bool(security.get("api-key")),
                signed=bool(security.get("signed")),
                signature_tolerated=bool(security.get("signature-tolerated")),
            )


def _fields(item: Mapping[str, Any], facts: Mapping[str, Any]) -> Iterator[Field]:
    for parameter in [*item.get("parameters", []), *facts.get("parameters", [])]:
        if parameter["in"] == "query":
            yield Field(parameter["name"], "query", bool(parameter.get("required")), parameter["schema"])
    media = facts.get("requestBody", {}).get("content", {}).get(FORM)
    if media:
        required = media["schema"].get("required", [])
        for name, schema in media["schema"].get("properties", {}).items():
            yield Field(name, "body", name in required, schema)


def _errors(content: Mapping[str, Any]) -> Iterator[ErrorRow]:
    for row in content.get("x-error-codes", []):
        yield ErrorRow(
            code=row["code"],
            name=row["name"],
            absolute=row.get("match") == "absolute",
            statuses=tuple(int(status) for status in row.get("http", [])),
            executed=row["executed"],
            retry=row["retry"],
            category=row["category"],
            server=row.get("server", "papi"),
            facts=row,
        )

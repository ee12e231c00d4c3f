"""Render every file of the client from its facts and our own templates.

The templates import nothing of openapi-python-client: its macros change in patch releases. An unknown name in
a template is an error (`StrictUndefined`), never an empty text, and so is a text that no filter has quoted.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Undefined

from generator.checks.vocabulary import CATEGORIES, RETRIES
from generator.client.client_model import Client, Field, Model, Operation, Parameter, TaggedUnion
from generator.client.opc_adapter import module_name
from generator.client.python_types import Type
from generator.document.source import Json
from generator.problems import GeneratorFault
from generator.quoting import Source, cell, code_cell, comment, identifier, visible
from generator.quoting import docstring as quoted_docstring
from generator.render import docstrings as docstring
from generator.render.filled_json import json_text
from generator.render.literals import ban, constructed, literal, signing, stream

PACKAGE = "paydown_wire"
_TEMPLATES = Path(__file__).parents[1] / "templates"
_LINE = 110
# Modules whose public names are reachable from the package itself.
_REEXPORTED = ("client_resources", "operation", "operations", "error_codes", "enums")


def header(template: str, source: str, prefix: str = "# ", suffix: str = "") -> str:
    """Return the two lines that open a generated file and name what to edit instead."""
    source = comment(source, 0, 10_000).removeprefix("# ")  # the name of a file is foreign text, too
    return (
        f"{prefix}Written by `make generate` from {source} and generator/templates/{template}.{suffix}\n"
        f"{prefix}Edits here are lost: change one of those two and run it again.{suffix}\n"
    )


def render(client: Client, document: Mapping[str, Json]) -> dict[str, str]:
    """Return the text of every file but the manifest, keyed by path below `generated_client/`."""
    return _Renderer(client, document).run()


@dataclass(frozen=True, slots=True)
class _Colour:
    """How the blocking class and its awaited twin differ: by a prefix, two keywords and a word."""

    prefix: Source
    async_: Source
    await_: Source
    article: Source


_COLOURS = (
    _Colour(Source(""), Source(""), Source(""), Source("a blocking")),
    _Colour(Source("Async"), Source("async "), Source("await "), Source("an awaited")),
)


class _Renderer:
    def __init__(self, client: Client, document: Mapping[str, Json]) -> None:
        self._client = client
        self._document = document
        self._models = {model.class_name: model for model in client.models}
        self._unions = {union.class_name: union for union in client.unions}
        self._env = Environment(
            loader=FileSystemLoader(_TEMPLATES),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
            autoescape=False,  # noqa: S701  (Python source, not HTML; `finalize` is what escaping is there)
            finalize=_only_source,
        )
        filters: dict[str, Callable[..., object]] = {
            "answer": _answer,
            "arguments": _arguments,
            "ban": ban,
            "cell": cell,
            "code_cell": code_cell,
            "comment": _comment,
            "constructed": constructed,
            "decoder": _decoder,
            "encoded": _encoded,
            "encoded_present": _encoded_present,
            "enum_names": _enum_names,
            "field_annotation": _field_annotation,
            "field_decoder": _field_decoder,
            "field_default": _field_default,
            "fits": _fits,
            "identifier": identifier,
            "inside_docstring": _inside_docstring,
            "literal": literal,
            "method_doc": self._method_doc,
            "model_doc": self._model_doc,
            "module": _module,
            "module_path": _module_path,
            "neighbours": self._neighbours,
            "optional_fields": _optional_fields,
            "polymorphic_argument": _polymorphic_argument,
            "prose": docstring.plain,
            "resource_doc": docstring.resource_docstring,
            "rows_doc": self._rows_doc,
            "signing": signing,
            "stream": stream,
            "union_cases": _union_cases,
            "wire_arguments": _wire_arguments,
        }
        self._env.filters.update(filters)

    def run(self) -> dict[str, str]:
        client = self._client
        files = {
            "README.md": self._text("README.md.jinja", "openapi/", "<!-- ", " -->", client=client),
            f"{PACKAGE}/openapi.json": json_text(
                {
                    "openapi": self._document["openapi"],
                    "x-written-by": written_by("generator/document/bundle.py"),
                    **self._document,
                }
            ),
            f"{PACKAGE}/py.typed": header("", "openapi/").replace(
                "generator/templates/", "generator/render/render.py"
            ),
        }
        python = {
            "operation.py": self._text("operation.py.jinja", "openapi/"),
            "codec.py": self._text("codec.py.jinja", "openapi/"),
            "operations.py": self._text(
                "operations.py.jinja", "openapi/paths/", operations=client.operations
            ),
            "error_codes.py": self._text(
                "error_codes.py.jinja",
                "openapi/components/errors.yaml",
                client=client,
                categories=CATEGORIES,
                retries=RETRIES,
            ),
            "enums.py": self._text("enums.py.jinja", "openapi/components/", enums=client.enums),
        }
        for model in client.models:
            python[f"models/{model.module}.py"] = self._text(
                "model.py.jinja", f"openapi/{model.file}", model=model
            )
        for union in client.unions:
            python[f"models/{union.module}.py"] = self._text(
                "union.py.jinja", f"openapi/{union.file}", union=union
            )
        for resource in client.resources:
            python[f"resources/{resource.module}.py"] = self._text(
                "resource.py.jinja",
                f"openapi/{resource.operations[0].file}",
                resource=resource,
                colours=_COLOURS,
            )
        python["client_resources.py"] = self._text(
            "client_resources.py.jinja", "openapi/paths/", resources=client.resources, colours=_COLOURS
        )
        python |= self._packages(python)
        return files | {f"{PACKAGE}/{name}": text for name, text in python.items()}

    def _packages(self, modules: Mapping[str, str]) -> dict[str, str]:
        client = self._client
        models = [(model.module, model.class_name) for model in client.models]
        for union in client.unions:
            models += [
                (union.module, name)
                for name in (union.class_name, f"Unknown{union.class_name}", f"{union.module}_from_json")
            ]
        resources = [
            (resource.module, f"{colour}{resource.class_name}")
            for resource in client.resources
            for colour in ("Async", "")
        ]
        root = [(f"models.{module}", name) for module, name in models]
        root += [(f"resources.{module}", name) for module, name in resources]
        constants = {
            operation.constant for operation in client.operations
        }  # reached as `operations.REPAY_DEBT`
        for module in _REEXPORTED:
            root += [
                (module, name) for name in _public_names(modules[f"{module}.py"]) if name not in constants
            ]
        return {
            "__init__.py": self._package(
                "The typed client that `openapi/` describes. Private to paydown: import from `paydown`.\n\n"
                "Loads nothing by itself; a module is loaded when one of its names is first asked for.\n",
                root,
                ["enums", "error_codes", "models", "operation", "operations", "resources"],
            ),
            "models/__init__.py": self._package(
                "The objects that the exchange sends, one module each, loaded on first use.", models
            ),
            "resources/__init__.py": self._package(
                "The calls, grouped as a user thinks of them, loaded on first use.", resources
            ),
        }

    def _package(self, doc: str, exports: list[tuple[str, str]], submodules: list[str] | None = None) -> str:
        ordered = sorted(exports, key=lambda export: export[1])
        return self._text(
            "lazy_init.py.jinja",
            "openapi/",
            docstring=doc,
            exports=ordered,
            submodules=submodules or [],
            all_names=sorted([name for _, name in exports] + (submodules or [])),
        )

    def _text(
        self, template: str, source: str, prefix: str = "# ", suffix: str = "", **values: object
    ) -> str:
        body = self._env.get_template(template).render(**values).lstrip("\n")
        return f"{header(template, source, prefix, suffix)}\n{body}".rstrip("\n") + "\n"

    def _method_doc(self, operation: Operation, indent: int) -> Source:
        return docstring.operation_docstring(operation, self._client, indent)

    def _rows_doc(self, operation: Operation, indent: int) -> Source:
        return docstring.operation_docstring(operation, self._client, indent, rows=True)

    def _model_doc(self, model: Model, indent: int) -> Source:
        return docstring.model_docstring(model, self._client, indent)

    def _neighbours(self, model: Model) -> list[tuple[str, str]]:
        names = {name for field in model.fields for name in field.type.names("model")} - {model.class_name}
        return sorted((name, self._models[name].module) for name in names)


def written_by(module: str) -> str:
    """Return the same for a JSON file, written by a module."""
    edits = "Edits here are lost: change one of those two and run it again."
    return f"Written by `make generate` from openapi/ and {module}. {edits}"


def _public_names(source: str) -> list[str]:
    """Return the classes, functions and constants that a module defines for others."""
    names: list[str] = []
    for node in ast.parse(source).body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            names.append(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.append(node.target.id)
    return [name for name in names if not name.startswith("_")]


# ----------------------------------------------------------------------------------- methods


def _arguments(operation: Operation, form: str = "") -> Source:
    """Return the parameter list after `self`.

    Args:
        operation: The call.
        form: "with" and "without" for the overloads of a polymorphic call, "rows" for the walk over pages.
    """
    parts: list[str] = []
    for parameter in (*operation.parameters, *operation.exposed):
        if (
            form == "rows"
            and operation.pagination is not None
            and parameter.name in operation.pagination.walked
        ):
            continue
        polymorphic = parameter.name == operation.polymorphic_by
        name = identifier(parameter.python_name)
        if polymorphic and form == "without":
            parts.append(f"{name}: Unset = UNSET")
        elif parameter.required or (polymorphic and form == "with"):
            parts.append(f"{name}: {parameter.annotation}")
        else:
            parts.append(f"{name}: {parameter.annotation} | Unset = UNSET")
    return Source(f", *, {', '.join(parts)}" if parts else "")


def _wire_arguments(operation: Operation, rows: bool = False) -> Source:
    def sent(parameter: Parameter) -> bool:
        return not (
            rows and operation.pagination is not None and parameter.name in operation.pagination.walked
        )

    pairs = [
        f"{literal(parameter.name)}: {identifier(parameter.python_name)}"
        for parameter in (*operation.parameters, *operation.exposed)
        if sent(parameter)
    ]
    return Source("{" + ", ".join(pairs) + "}")


def _polymorphic_argument(operation: Operation) -> Source:
    return next(
        identifier(parameter.python_name)
        for parameter in operation.parameters
        if parameter.name == operation.polymorphic_by
    )


# ----------------------------------------------------------------------------------- models


def _field_annotation(field: Field) -> Source:
    text = field.type.annotation()
    return Source(text if field.required or text.endswith("| None") else f"{text} | None")


def _field_default(field: Field) -> Source:
    if field.secret:
        return Source(" = field(repr=False)" if field.required else " = field(default=None, repr=False)")
    return Source("" if field.required else " = None")


def _encoded(field: Field) -> Source:
    value = f"self.{identifier(field.python_name)}"
    text = field.type.encoder(value)
    return Source(f"None if {value} is None else {text}" if field.type.nullable and text != value else text)


def _encoded_present(field: Field) -> Source:
    """Return the source that writes a member which is not None: never an empty text."""
    kind = Type("decimal") if field.type.kind == "decimal_or_empty" else field.type
    return Source(kind.encoder(f"self.{identifier(field.python_name)}"))


def _answer(result: Type) -> Source:
    return Source(result.annotation(models="models.", sequence="list"))


def _decoder(result: Type) -> Source:
    return Source(result.decoder(models="models.", sequence="list"))


def _field_decoder(field: Field) -> Source:
    return Source(field.type.decoder())


def _enum_names(model: Model) -> Source:
    """Return what a model imports of the enums; `OpenEnum`, which ruff drops again, where it needs none."""
    names = sorted({identifier(name) for field in model.fields for name in field.type.names("enum")})
    return Source(", ".join(names) or "OpenEnum")


def _union_cases(union: TaggedUnion) -> Source:
    return Source(" | ".join(dict.fromkeys(identifier(case.class_name) for case in union.cases)))


def _comment(text: str, indent: int) -> Source:
    return comment(text, indent, docstring.WIDTH)


def _inside_docstring(text: str) -> Source:
    return quoted_docstring(text, 0)


def _module(class_name: str) -> Source:
    return identifier(module_name(class_name))


def _module_path(module: str) -> Source:
    return Source(".".join(map(identifier, module.split("."))))


def _only_source(value: object) -> Source:
    """Return what a template prints, which must have been quoted: a filter of `quoting` returns `Source`."""
    if isinstance(value, Source):
        return value
    if isinstance(value, Undefined):
        str(value)  # raises UndefinedError, which names what is missing
    raise GeneratorFault(f"a template prints {value!r}, which nothing has quoted: it needs a filter")


def _optional_fields(model: Model) -> list[Field]:
    return [field for field in model.fields if not field.required]


def _fits(text: str, names: str) -> bool:
    """Whether a comment fits beside an enum member: four blanks, ` = "" `, two blanks and a hash."""
    return len(visible(text)) + len(names) + 14 <= _LINE

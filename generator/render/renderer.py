"""Render every file of the client from its facts and the templates of this project.

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
from generator.client.client_model import Client, Model, Operation
from generator.document.json_pointer import Json
from generator.problems import GeneratorFault
from generator.quoting import Source, cell, code_cell, comment, identifier
from generator.render import docstrings as docstring
from generator.render import template_filters
from generator.render.constructor_calls import ban, constructed, signing, stream
from generator.render.filled_json import json_text
from generator.render.literals import literal

PACKAGE = "paydown_wire"
_TEMPLATES = Path(__file__).parents[1] / "templates"
# Modules whose public names are reachable from the package itself.
_REEXPORTED = ("client_resources", "operation", "operations", "error_codes", "enums")


def header(template: str, source: str, prefix: str = "# ", suffix: str = "") -> str:
    """Return the two lines that open a generated file and name what to edit instead.

    Args:
        template: File name of the template.
        source: Part of the document that the file is made from.
        prefix: Start of a comment in the file.
        suffix: End of a comment in the file.
    """
    source = comment(source, 0, 10_000).removeprefix("# ")  # the name of a file is foreign text, too
    return (
        f"{prefix}Written by `make generate` from {source} and generator/templates/{template}.{suffix}\n"
        f"{prefix}Edits here are lost: change one of those two and run it again.{suffix}\n"
    )


def render(client: Client, document: Mapping[str, Json]) -> dict[str, str]:
    """Return the text of every file but the manifest, keyed by path below `generated_client/`.

    Args:
        client: The facts.
        document: The bundled document, which becomes a file of the client.
    """
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
            "answer": template_filters.answer,
            "arguments": template_filters.arguments,
            "ban": ban,
            "cell": cell,
            "code_cell": code_cell,
            "comment": template_filters.comment,
            "constructed": constructed,
            "decoder": template_filters.decoder,
            "encoded": template_filters.encoded,
            "encoded_present": template_filters.encoded_present,
            "enum_names": template_filters.enum_names,
            "field_annotation": template_filters.field_annotation,
            "field_decoder": template_filters.field_decoder,
            "field_default": template_filters.field_default,
            "fits": template_filters.fits,
            "identifier": identifier,
            "inside_docstring": template_filters.inside_docstring,
            "literal": literal,
            "method_doc": self._method_doc,
            "model_doc": self._model_doc,
            "module": template_filters.module,
            "module_path": template_filters.module_path,
            "neighbours": self._neighbours,
            "optional_fields": template_filters.optional_fields,
            "polymorphic_argument": template_filters.polymorphic_argument,
            "prose": docstring.plain,
            "resource_doc": docstring.resource_docstring,
            "rows_doc": self._rows_doc,
            "signing": signing,
            "stream": stream,
            "union_cases": template_filters.union_cases,
            "wire_arguments": template_filters.wire_arguments,
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
    """Return the words of the header for a JSON file that a module writes, without a template."""
    edits = "Edits here are lost: change one of those two and run it again."
    return f"Written by `make generate` from openapi/ and {module}. {edits}"


def _public_names(source: str) -> list[str]:
    """Return the classes, functions and constants that a module defines without an underscore."""
    names: list[str] = []
    for node in ast.parse(source).body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            names.append(node.name)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names.append(node.target.id)
    return [name for name in names if not name.startswith("_")]


def _only_source(value: object) -> Source:
    """Return what a template prints; anything but quoted source is an error."""
    if isinstance(value, Source):
        return value
    if isinstance(value, Undefined):
        str(value)  # raises UndefinedError, which names what is missing
    raise GeneratorFault(f"a template prints {value!r}, which nothing has quoted: it needs a filter")

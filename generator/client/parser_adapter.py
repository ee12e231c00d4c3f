"""Let openapi-python-client parse schemas and spell names. The only file that imports it.

Its programmatic interface is not public and changes in patch releases, so the version is pinned and checked,
and everything that leaves this file is text and dataclasses of this project. What is relied on, each with a test:

    Config.from_sources, GeneratorData.from_dict      the way in
    properties._string_based_property                 replaced while parsing, to keep the decimal formats
    ModelProperty.required_properties, class_info     names of classes, modules and members
    Endpoint.name, query_parameters, responses        names of operations and arguments, types of answers
    ParseError in every collection                    any of them is fatal here, a warning to the parser
"""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, ClassVar

from generator.client.decimal_forms import DECIMAL_KINDS
from generator.client.python_types import Type
from generator.document.json_pointer import Json
from generator.document.schema_queries import items
from generator.problems import GeneratorFault

PINNED = "0.29.1"


def check_pin() -> None:
    """Stop unless the parser is exactly the version that this adapter was written against."""
    try:
        found = version("openapi-python-client")
    except PackageNotFoundError:
        found = "none"
    if found != PINNED:
        raise GeneratorFault(
            f"openapi-python-client {PINNED} is needed, found {found}: "
            f"its parser has no stable interface. Run: pip install openapi-python-client=={PINNED}"
        )


check_pin()

from attrs import define  # noqa: E402  (the pin is checked before anything of the parser is loaded)
from openapi_python_client import strings  # noqa: E402
from openapi_python_client.config import Config, ConfigFile, MetaType  # noqa: E402
from openapi_python_client.parser import properties as opc_properties  # noqa: E402
from openapi_python_client.parser.errors import GeneratorError  # noqa: E402
from openapi_python_client.parser.openapi import Endpoint, GeneratorData  # noqa: E402
from openapi_python_client.parser.properties import (  # noqa: E402
    EnumProperty,
    ModelProperty,
)
from openapi_python_client.parser.properties.boolean import BooleanProperty  # noqa: E402
from openapi_python_client.parser.properties.const import ConstProperty  # noqa: E402
from openapi_python_client.parser.properties.int import IntProperty  # noqa: E402
from openapi_python_client.parser.properties.list_property import ListProperty  # noqa: E402
from openapi_python_client.parser.properties.none import NoneProperty  # noqa: E402
from openapi_python_client.parser.properties.string import StringProperty  # noqa: E402
from openapi_python_client.parser.properties.union import UnionProperty  # noqa: E402

_WRAPPED = re.compile(r"<openapi_python_client\.[^>]*>")  # a wrapped name that the parser forgot to unwrap
_SIMPLE: tuple[tuple[type, str], ...] = (
    (StringProperty, "text"),
    (IntProperty, "integer"),
    (BooleanProperty, "boolean"),
)
_FIELD_PREFIX = "field_"  # stands before a name that Python would not accept
_STRING_BUILDER = "_string_based_property"


class ParserComplaint(Exception):
    """Report that the parser warned about something, which here means that it would leave it out.

    Attributes:
        complaints: (name of the schema or operation at fault, or "", message of the parser).
    """

    def __init__(self, complaints: list[tuple[str, str]]) -> None:
        self.complaints = complaints
        super().__init__("; ".join(f"{name}: {what}" if name else what for name, what in complaints))


@dataclass(frozen=True, slots=True)
class ParsedField:
    """Hold a member of a model: its name on the wire and in Python, and its type."""

    name: str
    python_name: str
    type: Type


@dataclass(frozen=True, slots=True)
class ParsedModel:
    """Hold a class for a JSON object, with its members keyed by wire name."""

    class_name: str
    module: str
    fields: Mapping[str, ParsedField]


@dataclass(frozen=True, slots=True)
class ParsedOperation:
    """Hold the Python names of an operation and its arguments (keyed by wire name), and the types of its answer."""

    python_name: str
    arguments: Mapping[str, str]
    results: tuple[Type, ...]


@dataclass(frozen=True, slots=True)
class Parsed:
    """Hold everything that the parser found, keyed by the names in the document."""

    models: Mapping[str, ParsedModel]
    enums: Mapping[str, tuple[str, ...]]  # class name -> member names, in the order of the values
    operations: Mapping[str, ParsedOperation]  # operationId -> call


def parse(document: Mapping[str, Json]) -> Parsed:
    """Parse a document that `parser_document.transform` made.

    Args:
        document: The document, as JSON data.

    Raises:
        ParserComplaint: The parser would have left something out.
    """
    config = Config.from_sources(
        ConfigFile(post_hooks=[], field_prefix=_FIELD_PREFIX),
        MetaType.NONE,
        document_source=Path("openapi.json"),
        file_encoding="utf-8",
        overwrite=True,
        output_path=None,
    )
    with _decimal_strings():
        try:
            data = GeneratorData.from_dict(dict(document), config=config)
        except (
            ValueError,
            TypeError,
            AttributeError,
            KeyError,
        ) as error:  # how it reports colliding enum values
            raise ParserComplaint([("", " ".join(str(error).split()))]) from error
    if isinstance(data, GeneratorError):
        raise ParserComplaint([_complaint(data)])
    errors: list[GeneratorError] = list(data.errors)
    for collection in data.endpoint_collections_by_tag.values():
        errors += collection.parse_errors
    if errors:
        raise ParserComplaint([_complaint(error) for error in errors])
    endpoints = [
        endpoint
        for collection in data.endpoint_collections_by_tag.values()
        for endpoint in collection.endpoints
    ]
    named = {snake_case(operation_id): operation_id for operation_id in _operation_ids(document)}
    return Parsed(
        models={str(model.class_info.name): _model(model) for model in data.models},
        enums={
            str(enum.class_info.name): _enum(enum, document)
            for enum in data.enums
            if isinstance(enum, EnumProperty)
        },
        operations={named[str(endpoint.name)]: _operation(endpoint) for endpoint in endpoints},
    )


def snake_case(name: str) -> str:
    """Return the parser's spelling of a member, an argument or a module."""
    return str(strings.PythonIdentifier(name, _FIELD_PREFIX))


def pascal_case(name: str) -> str:
    """Return the parser's spelling of a class."""
    return str(strings.ClassName(name, _FIELD_PREFIX))


def _operation_ids(document: Mapping[str, Json]) -> Iterator[str]:
    paths = document.get("paths")
    for item in paths.values() if isinstance(paths, dict) else ():
        for operation in item.values() if isinstance(item, dict) else ():
            if isinstance(operation, dict):
                yield str(operation["operationId"])


def _complaint(error: GeneratorError) -> tuple[str, str]:
    what = " ".join(f"{error.header.strip()} {error.detail or ''}".split())
    return "", _WRAPPED.sub("(a name)", what)


def _model(model: ModelProperty) -> ParsedModel:
    found = [*(model.required_properties or []), *(model.optional_properties or [])]
    fields = {
        _raw(prop.name): ParsedField(_raw(prop.name), str(prop.python_name), _type(prop)) for prop in found
    }
    return ParsedModel(str(model.class_info.name), str(model.class_info.module_name), fields)


def _enum(enum: EnumProperty, document: Mapping[str, Json]) -> tuple[str, ...]:
    """Return the member names of an enum. Of two values whose names collide the parser silently keeps the last."""
    wanted = items(dict(document), "components", "schemas", str(enum.class_info.name), "enum")
    lost = len(wanted) - len(enum.values)
    if lost:
        raise ParserComplaint([(str(enum.class_info.name), f"{lost} values would be lost")])
    return tuple(enum.values)


def _operation(endpoint: Endpoint) -> ParsedOperation:
    arguments = {_raw(parameter.name): str(parameter.python_name) for parameter in endpoint.query_parameters}
    results: list[Type] = []
    for response in endpoint.responses.patterns:
        prop = response.prop
        results += (
            [_type(inner) for inner in prop.inner_properties]
            if isinstance(prop, UnionProperty)
            else [_type(prop)]
        )
    return ParsedOperation(str(endpoint.name), arguments, tuple(results))


def _type(prop: Any) -> Type:
    """Return the generated type for a property of the parser, whose kinds share a protocol and no base class."""
    if isinstance(prop, _DecimalProperty):
        return Type(prop.decimal_kind)
    if isinstance(prop, ModelProperty):
        return Type("model", name=str(prop.class_info.name))
    if isinstance(prop, EnumProperty):
        return Type("enum", name=str(prop.class_info.name))
    if isinstance(prop, ListProperty):
        return Type("list", item=_type(prop.inner_property))
    if isinstance(prop, ConstProperty):
        return Type("constant", name=str(prop.value.raw_value))
    if isinstance(prop, UnionProperty):
        present = [inner for inner in prop.inner_properties if not isinstance(inner, NoneProperty)]
        if len(present) == 1 and len(prop.inner_properties) == 2:
            inner = _type(present[0])
            return Type(inner.kind, inner.name, inner.item, nullable=True)
    for known, kind in _SIMPLE:
        if type(prop) is known:
            return Type(kind)
    raise ParserComplaint([(_raw(prop.name), f"{type(prop).__name__} has no Python type here")])


def _raw(name: Any) -> str:
    """Return the text inside the parser's wrapper for names that it does not trust."""
    return str(name.get_untrusted_value()) if hasattr(name, "get_untrusted_value") else str(name)


@define
class _DecimalProperty(StringProperty):
    """Represent decimal text to the parser, in one of the forms of `decimal_forms`."""

    decimal_kind: str = "decimal"
    _type_string: ClassVar[str] = "Decimal"


@contextmanager
def _decimal_strings() -> Generator[None]:
    """Let the parser keep the decimal formats while the block runs; it takes them for plain strings otherwise."""
    original: Callable[..., Any] = getattr(opc_properties, _STRING_BUILDER)

    def build(name: Any, required: bool, data: Any, config: Config) -> Any:
        built = original(name=name, required=required, data=data, config=config)
        kind = DECIMAL_KINDS.get(data.schema_format or "")
        if kind is None or type(built) is not StringProperty:
            return built
        return _DecimalProperty(
            name=built.name,
            required=built.required,
            default=built.default,
            python_name=built.python_name,
            description=built.description,
            example=built.example,
            decimal_kind=kind,
        )

    setattr(opc_properties, _STRING_BUILDER, build)
    try:
        yield
    finally:
        setattr(opc_properties, _STRING_BUILDER, original)

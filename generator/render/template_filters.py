"""Turn the facts of a client into pieces of Python source, as filters that the templates use."""

from __future__ import annotations

from generator.client.client_model import Field, Model, Operation, Parameter, TaggedUnion
from generator.client.python_names import module_name
from generator.client.python_types import Type
from generator.quoting import Source, identifier, visible
from generator.quoting import comment as quoted_comment
from generator.quoting import docstring as quoted_docstring
from generator.render import docstrings
from generator.render.literals import literal
from generator.render.python_formatting import LINE_LENGTH


def arguments(operation: Operation, form: str = "") -> Source:
    """Return the parameter list of a method, after `self`.

    Args:
        operation: The operation that the method sends.
        form: "with" and "without" for the overloads of a polymorphic operation, "rows" for the iteration over pages.
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


def wire_arguments(operation: Operation, rows: bool = False) -> Source:
    """Return the mapping from wire names to arguments that a method passes on.

    Args:
        operation: The operation that the method sends.
        rows: Whether the method iterates over pages, and leaves the page parameters to the client.
    """

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


def polymorphic_argument(operation: Operation) -> Source:
    """Return the argument whose presence decides between the two shapes of the answer."""
    return next(
        identifier(parameter.python_name)
        for parameter in operation.parameters
        if parameter.name == operation.polymorphic_by
    )


def field_annotation(field: Field) -> Source:
    """Return the annotation of a member of a model; an optional member may be None."""
    text = field.type.annotation()
    return Source(text if field.required or text.endswith("| None") else f"{text} | None")


def field_default(field: Field) -> Source:
    """Return the default of a member of a model; a secret is left out of `repr`."""
    if field.secret:
        return Source(" = field(repr=False)" if field.required else " = field(default=None, repr=False)")
    return Source("" if field.required else " = None")


def encoded(field: Field) -> Source:
    """Return the source that writes a required member as JSON data."""
    value = f"self.{identifier(field.python_name)}"
    text = field.type.encoder(value)
    return Source(f"None if {value} is None else {text}" if field.type.nullable and text != value else text)


def encoded_present(field: Field) -> Source:
    """Return the source that writes a member which is not None: never an empty text."""
    kind = Type("decimal") if field.type.kind == "decimal_or_empty" else field.type
    return Source(kind.encoder(f"self.{identifier(field.python_name)}"))


def answer(result: Type) -> Source:
    """Return the annotation of an answer."""
    return Source(result.annotation(models="models.", sequence="list"))


def decoder(result: Type) -> Source:
    """Return the source of the decoder of an answer."""
    return Source(result.decoder(models="models.", sequence="list"))


def field_decoder(field: Field) -> Source:
    """Return the source of the decoder of a member of a model."""
    return Source(field.type.decoder())


def enum_names(model: Model) -> Source:
    """Return what a model imports of the enums; `OpenEnum`, which ruff drops again, if it needs none."""
    names = sorted({identifier(name) for field in model.fields for name in field.type.names("enum")})
    return Source(", ".join(names) or "OpenEnum")


def union_cases(union: TaggedUnion) -> Source:
    """Return the type that joins the models of a union."""
    return Source(" | ".join(dict.fromkeys(identifier(case.class_name) for case in union.cases)))


def comment(text: str, indent: int) -> Source:
    """Return a text as comment lines.

    Args:
        text: The words.
        indent: Column of the comment.
    """
    return quoted_comment(text, indent, docstrings.WIDTH)


def inside_docstring(text: str) -> Source:
    """Return a text that is printed within a docstring of a template."""
    return quoted_docstring(text, 0)


def module(class_name: str) -> Source:
    """Return the name of the module that holds a class."""
    return identifier(module_name(class_name))


def module_path(module: str) -> Source:
    """Return the dotted path of a module."""
    return Source(".".join(map(identifier, module.split("."))))


def optional_fields(model: Model) -> list[Field]:
    """Return the members of a model that may be missing."""
    return [field for field in model.fields if not field.required]


def fits(text: str, names: str) -> bool:
    """Return whether a comment fits on the line of an enum member: four blanks, ` = "" `, two blanks and a hash.

    Args:
        text: The comment.
        names: Name and value of the member, joined.
    """
    return len(visible(text)) + len(names) + 14 <= LINE_LENGTH

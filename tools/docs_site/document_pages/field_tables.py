"""Write tables of fields: the arguments of an operation, the members of an answer or an event."""

from __future__ import annotations

from collections.abc import Iterator

from generator.client.client_model import Field, Model, Operation, Parameter
from generator.client.python_types import Type
from generator.document.json_pointer import Json
from generator.document.schema_queries import Schema, items, members, target, text, texts
from tools.docs_site.markdown import Links, code, codes, prose, symbol, table
from tools.docs_site.page_facts import Facts

from .provenance import findings, joined

_LARGEST_SHOWN = 1_000_000  # above it a bound only means "any id" or "any time of 13 digits"


def arguments_table(facts: Facts, links: Links, operation: Operation) -> str:
    """Return the table of the arguments of a method, `recv_window` included.

    Args:
        facts: Everything that the pages are made from.
        links: Makes links of the page that shows the table.
        operation: The operation that the method sends.
    """
    nodes = dict(_parameter_nodes(facts, facts.node(operation)))
    rows = [
        (
            _names(parameter.name, parameter.python_name, parameter.required),
            code(parameter.annotation),
            " ".join(
                [
                    prose(_sentence(parameter.description)),
                    *_limits(parameter),
                    *_extras(nodes[parameter.name]),
                ]
            ),
            _provenance(links, parameter.provenance, nodes[parameter.name]),
        )
        for parameter in (*operation.parameters, *operation.exposed)
    ]
    return table(("Argument", "Type", "Meaning and limits", "Known from"), rows)


def model_table(facts: Facts, links: Links, model: Model) -> str:
    """Return the table of the fields of an object that the exchange sends.

    Args:
        facts: Everything that the pages are made from.
        links: Makes links of the page that shows the table.
        model: The class of the object.
    """
    schema = schema_of(facts, model.class_name)
    properties = members(schema, "properties")
    rows: list[tuple[str, str, str, str]] = []
    for field in model.fields:
        node = facts.resolve(properties[field.name])
        rows.append(
            (
                _names(field.name, field.python_name, field.required),
                _type(field),
                " ".join([prose(_sentence(field.description)), *_values(node)]),
                _provenance(links, field.provenance, node),
            )
        )
    return table(("Field", "Type", "Meaning", "Known from"), rows)


def schema_of(facts: Facts, class_name: str) -> Schema:
    """Return the component schema that a model was made from.

    Args:
        facts: Everything that the pages are made from.
        class_name: Class of the model.
    """
    return members(facts.document, "components", "schemas", class_name)


def models_in(facts: Facts, *types: Type | None) -> list[Model]:
    """Return the models that types hold, and those inside them, each once, outermost first.

    Args:
        facts: Everything that the pages are made from.
        types: Types of answers; None is skipped.
    """
    found: list[Model] = []
    waiting = [found_type for found_type in types if found_type is not None]
    while waiting:
        for name in waiting.pop(0).names("model"):
            model = facts.model(name)
            if model not in found:
                found.append(model)
                waiting += [field.type for field in model.fields]
    return found


def annotation(kind: Type) -> str:
    """Return the Python type of an answer."""
    return kind.annotation(sequence="list")


def _parameter_nodes(facts: Facts, node: Schema) -> Iterator[tuple[str, Schema]]:
    for entry in items(node, "parameters"):
        parameter = facts.resolve(entry)
        yield text(parameter, "name"), {**facts.resolve(parameter.get("schema")), **parameter}
    body = members(facts.resolve(node.get("requestBody")), "content")
    for content in body.values():
        schema = target(facts.document, members(content).get("schema"))
        for name, child in members(schema, "properties").items():
            yield name, facts.resolve(child)


def _names(wire: str, python: str, required: bool) -> str:
    own = code(python) if wire == python else f'{code(python)} <br><span class="wire">{code(wire)}</span>'
    return own if required else f"{own} <br>*optional*"


def _limits(parameter: Parameter) -> list[str]:
    found: list[str] = []
    if parameter.exclusive_minimum is not None:
        found.append(f"More than {parameter.exclusive_minimum}.")
    if parameter.max_integer_digits is not None:
        found.append(f"At most {parameter.max_integer_digits} digits before the point.")
    if parameter.max_fraction_digits is not None:
        found.append(f"At most {parameter.max_fraction_digits} digits after it.")
    if parameter.minimum is not None and parameter.maximum is not None:
        if parameter.maximum < _LARGEST_SHOWN:
            found.append(f"From {parameter.minimum} to {parameter.maximum}.")
        elif parameter.unit == "ms":
            found.append(f"{len(str(parameter.minimum))} digits.")
        else:
            found.append(f"From {parameter.minimum}.")
    if parameter.kind == "string_list":
        found.append(
            f"{parameter.min_items} to {parameter.max_items} entries"
            f"{', each once' if parameter.unique_items else ''}."
        )
    if parameter.min_length is not None and parameter.max_length is not None and parameter.kind != "decimal":
        found.append(
            f"{parameter.min_length} to {parameter.max_length} characters"
            f"{' each' if parameter.kind == 'string_list' else ''}."
        )
    if parameter.choices:
        found.append(f"One of {codes(parameter.choices)}.")
    return found


def _extras(node: Schema) -> list[str]:
    found: list[str] = []
    described_as = text(node, "description").lower()
    if text(node, "x-absent") and "absent" not in described_as:
        found.append(f"Left out: {prose(text(node, 'x-absent'))}.")
    if texts(node, "x-excludes"):
        found.append(f"Not for {codes(texts(node, 'x-excludes'))}.")
    if "default" in node and "default" not in described_as:
        found.append(f"Default {code(str(node['default']))}.")
    described = members(node, "x-value-descriptions")
    found += [f" <br>{code(name)}: {prose(str(meaning))}" for name, meaning in described.items()]
    return found


def _values(node: Schema) -> list[str]:
    known = texts(node, "x-open-enum") or texts(node, "items", "x-open-enum")
    described = members(node, "x-open-enum-descriptions")
    if not described:
        return [f"Known values: {codes(known)}."] if known else []
    return [f" <br>{code(name)}: {prose(text(described, name) or 'not described')}" for name in known]


def _type(field: Field) -> str:
    inner = field.type.annotation()
    names = field.type.names("model")
    shown = symbol(f"paydown_wire.models.{names[0]}", inner) if names else code(inner)
    if field.type.kind == "decimal_or_empty":
        return f"{shown} <br>*may be an empty text*"
    if field.type.kind == "decimal_text_or_number":
        return f"{shown} <br>*text or number*"
    return shown


def _provenance(links: Links, marks: tuple[str, ...], node: Json) -> str:
    return joined((links.marks(marks), links.findings(findings(node))), between=" <br>")


def _sentence(flat: str) -> str:
    flat = " ".join(flat.split())
    return flat if not flat or flat[-1] in ".!?" else f"{flat}."

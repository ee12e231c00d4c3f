"""Whatever is edited in the real document, wherever, is named by the diff, and nothing else is called breaking.

An edit is made in the bundled document and described from the document alone, so that what the diff must say is
known without asking the generator.
"""

from __future__ import annotations

import copy
import random
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest

from generator.client.client_model import Client
from generator.diff.change import Effect
from generator.diff.document_comparison import compare
from generator.document.bundle import Bundle
from generator.document.json_pointer import Json, at
from generator.document.schema_queries import (
    Schema,
    items,
    member,
    members,
    operations,
    schema_name,
    target,
    text,
    texts,
)
from generator.pipeline import describe, load

OPENAPI = Path(__file__).parents[2] / "openapi"
FORM = ("requestBody", "content", "application/x-www-form-urlencoded", "schema")
SCHEME = ("timestamp", "recvWindow", "signature")
ROUNDS = 20


@dataclass(frozen=True)
class Edit:
    """An edited document, and what the diff must say about it.

    Attributes:
        document: The whole document after the edit.
        effect: What the change does to users.
        words: Texts that one change must hold, all of them.
    """

    document: dict[str, Json]
    effect: Effect
    words: tuple[str, ...]


@cache
def original() -> Bundle:
    """Return the real document."""
    return load(OPENAPI)


@cache
def unedited() -> Client:
    """Return its client."""
    return describe(original())


def described(document: dict[str, Json]) -> Client:
    """Return the client of an edited document."""
    return describe(replace(original(), document=document))


def change_weight(document: dict[str, Json], rng: random.Random) -> Edit:
    """Charge another weight for a call."""
    operation = rng.choice([operation for _, operation in operations(document)])
    weight = members(operation, "x-weight")
    old, new = weight["value"], rng.randrange(4001, 5000)
    weight["value"] = new
    return Edit(document, Effect.CHANGE, (method(operation), f"costs weight {new}, was {old}"))


def rename_method(document: dict[str, Json], rng: random.Random) -> Edit:
    """Call a method by another name."""
    operation = rng.choice([operation for _, operation in operations(document)])
    old = method(operation)
    operation["x-method-name"] = f"renamed_{rng.randrange(1000)}"
    return Edit(document, Effect.BREAKING, (f"`{old}` is now `{method(operation)}`",))


def remove_call(document: dict[str, Json], rng: random.Random) -> Edit:
    """Remove a call."""
    pointer, operation = rng.choice(list(operations(document)))
    path, _, verb = pointer.rpartition("/")
    item = at(document, path)
    assert isinstance(item, dict)
    del item[verb]
    return Edit(document, Effect.BREAKING, (f"Removed `{verb.upper()} ", method(operation)))


def remove_argument(document: dict[str, Json], rng: random.Random) -> Edit:
    """Remove an argument from a call."""
    operation, form, name = rng.choice(
        arguments(document, lambda operation, name: name not in named(operation))
    )
    drop(operation, form, name)
    return Edit(document, Effect.BREAKING, (method(operation), f"has no argument `{spelled(name)}` any more"))


def require_argument(document: dict[str, Json], rng: random.Random) -> Edit:
    """Make an optional argument required."""
    optional = arguments(document, lambda operation, name: not is_required(document, operation, name))
    operation, form, name = rng.choice(optional)
    if form is not None:
        items(form, "required").append(name)
    else:
        for index, parameter in enumerate(items(operation, "parameters")):
            resolved = target(document, parameter)
            if resolved.get("name") == name:
                items(operation, "parameters")[index] = {**resolved, "required": True}
    return Edit(document, Effect.BREAKING, (method(operation), f"argument `{spelled(name)}` is now required"))


def rename_field(document: dict[str, Json], rng: random.Random) -> Edit:
    """Rename a member of an answer."""
    owner, schema, name = rng.choice(fields(document))
    old = attribute(document, schema, name)
    child = members(schema, "properties").pop(name)
    if isinstance(child, dict):
        child.pop("x-python-name", None)
    members(schema, "properties")["brandNew"] = child
    if name in items(schema, "required"):
        items(schema, "required").remove(name)
    return Edit(document, Effect.BREAKING, (f"`{owner}.{old}` is gone",))


def retype_field(document: dict[str, Json], rng: random.Random) -> Edit:
    """Give a member of an answer another type."""
    wanted = [
        (owner, schema, name)
        for owner, schema, name in fields(document)
        if kind(document, schema, name) != "boolean"
    ]
    owner, schema, name = rng.choice(wanted)
    old = attribute(document, schema, name)
    replaced: Schema = {"type": "boolean", "description": "Another type."}
    resolved = target(document, members(schema, "properties")[name])
    for kept in ("x-python-name", "x-unit"):
        if kept in resolved:
            replaced[kept] = resolved[kept]
    members(schema, "properties")[name] = replaced
    return Edit(document, Effect.BREAKING, (f"`{owner}.{old}` is now `bool", "`, was `"))


def make_field_uncertain(document: dict[str, Json], rng: random.Random) -> Edit:
    """Let a member of an answer be missing."""
    certain = [
        (owner, schema, name)
        for owner, schema, name in fields(document)
        if name in texts(schema, "required")
        and "x-empty" not in target(document, members(schema, "properties")[name])
    ]
    owner, schema, name = rng.choice(certain)
    items(schema, "required").remove(name)
    return Edit(
        document, Effect.BREAKING, (f"`{owner}.{attribute(document, schema, name)}` may be missing now",)
    )


def drop_value(document: dict[str, Json], rng: random.Random) -> Edit:
    """Drop a value of an open enum."""
    schema = rng.choice([schema for schema in all_schemas(document) if len(items(schema, "x-open-enum")) > 1])
    values = items(schema, "x-open-enum")
    value = values.pop(rng.randrange(len(values)))
    return Edit(document, Effect.BREAKING, (f"`{text(schema, 'x-enum-name')}.{value}` is gone",))


def change_verdict(document: dict[str, Json], rng: random.Random) -> Edit:
    """Turn the verdict on an error code around."""
    row = rng.choice(items(document, "x-error-codes"))
    assert isinstance(row, dict)
    old = row["executed"]
    row["executed"] = "unknown" if old == "no" else "no"
    return Edit(
        document, Effect.BREAKING, (f"Error {row['code']} ", f"executed is {row['executed']}, was {old}")
    )


EDITS = [
    change_weight,
    rename_method,
    remove_call,
    remove_argument,
    require_argument,
    rename_field,
    retype_field,
    make_field_uncertain,
    drop_value,
    change_verdict,
]


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_random_edits_of_the_real_document_are_named(seed: int) -> None:
    """
    Each kind of edit, at a random place, is named with its effect, and no text about it is missing.
    """
    rng = random.Random(seed)
    edit = EDITS[seed % len(EDITS)](copy.deepcopy(original().document), rng)

    changes = compare(unedited(), described(edit.document))

    told = [(change.effect.name, change.text) for change in changes]
    assert any(
        change.effect is edit.effect and all(word in change.text for word in edit.words) for change in changes
    ), (edit.words, told)
    if edit.effect is not Effect.BREAKING:
        assert not any(change.breaking for change in changes), told


# ----------------------------------------------------------------------------------- where edits can be made


def method(operation: Schema) -> str:
    """Return `client.<resource>.<method>()`."""
    return f"client.{texts(operation, 'tags')[0]}.{text(operation, 'x-method-name')}()"


def named(operation: Schema) -> set[str]:
    """Return the arguments that other facts of the call refer to."""
    found = {
        text(operation, "x-polymorphic-by"),
        text(operation, "x-unresolved-scope", "argument"),
        *texts(operation, "x-requires-any"),
    }
    found |= {text(rule, "equals-argument") for rule in items(operation, "x-success")}
    found |= {text(case, "parameter") for case in items(operation, "x-weight", "when")}
    pages = members(operation, "x-pagination")
    found |= {text(pages, key) for key in ("page", "size", "from-id")}
    return found | {
        text(pages, "window", "start"),
        text(pages, "window", "end"),
        text(pages, "archive", "parameter"),
    }


def arguments(document: dict[str, Json], wanted: object) -> list[tuple[Schema, Schema | None, str]]:
    """Return (call, form schema or None, wire name) of the arguments that a predicate accepts."""
    assert callable(wanted)
    found: list[tuple[Schema, Schema | None, str]] = []
    shared = forms_used_twice(document)
    for _, operation in operations(document):
        form = at(document, f"/components/schemas/{schema_name(member(operation, *FORM))}")
        names = [text(target(document, parameter), "name") for parameter in items(operation, "parameters")]
        found += [(operation, None, name) for name in names if name not in SCHEME and wanted(operation, name)]
        if isinstance(form, dict) and schema_name(member(operation, *FORM)) not in shared:
            names = list(members(form, "properties"))
            found += [
                (operation, form, name) for name in names if name not in SCHEME and wanted(operation, name)
            ]
    return found


def forms_used_twice(document: dict[str, Json]) -> set[str]:
    """Return the forms that several calls share: an edit of one would edit both."""
    names = [schema_name(member(operation, *FORM)) for _, operation in operations(document)]
    return {name for name in names if names.count(name) > 1}


def is_required(document: dict[str, Json], operation: Schema, name: str) -> bool:
    """Return whether an argument must be given."""
    form = target(document, member(operation, *FORM))
    parameters = (target(document, parameter) for parameter in items(operation, "parameters"))
    return name in texts(form, "required") or any(
        parameter.get("name") == name and parameter.get("required") is True for parameter in parameters
    )


def drop(operation: Schema, form: Schema | None, name: str) -> None:
    """Take an argument out of a call."""
    if form is not None:
        del members(form, "properties")[name]
        if name in items(form, "required"):
            items(form, "required").remove(name)
    else:
        kept = [
            parameter
            for parameter in items(operation, "parameters")
            if text(target(original().document, parameter), "name") != name
        ]
        operation["parameters"] = kept


def fields(document: dict[str, Json]) -> list[tuple[str, Schema, str]]:
    """Return (class, schema, member) of every member that no other fact refers to."""
    tied = {"rows", "e"} | {
        text(rule, "field") for _, operation in operations(document) for rule in items(operation, "x-success")
    }
    tied |= {
        text(operation, "x-pagination", key)
        for _, operation in operations(document)
        for key in ("rows", "total", "id", "time")
    }
    models = {model.class_name for model in unedited().models}
    found: list[tuple[str, Schema, str]] = []
    for name, schema in members(document, "components", "schemas").items():
        if name in models and isinstance(schema, dict):
            found += [(name, schema, key) for key in members(schema, "properties") if key not in tied]
    return found


def all_schemas(document: dict[str, Json]) -> list[Schema]:
    """Return the named schemas, and the members of each."""
    found: list[Schema] = []
    for schema in members(document, "components", "schemas").values():
        found += [
            child for child in (schema, *members(schema, "properties").values()) if isinstance(child, dict)
        ]
    return found


def kind(document: dict[str, Json], schema: Schema, name: str) -> Json:
    """Return the JSON type of a member."""
    return target(document, members(schema, "properties")[name]).get("type")


def attribute(document: dict[str, Json], schema: Schema, name: str) -> str:
    """Return how Python spells a member."""
    return text(target(document, members(schema, "properties")[name]), "x-python-name") or spelled(name)


def spelled(name: str) -> str:
    """Return a wire name in snake_case, as a reader would: `uniMMR` -> `uni_mmr`, `type` -> `type_`."""
    snake = "".join(
        f"_{c.lower()}" if c.isupper() and index and not name[index - 1].isupper() else c.lower()
        for index, c in enumerate(name)
    )
    return f"{snake}_" if snake == "type" else snake

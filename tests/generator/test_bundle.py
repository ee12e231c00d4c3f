"""Several files become one document, and every part of it remembers where it was written."""

from __future__ import annotations

import pytest

from generator.document.bundle import bundle
from generator.document.json_pointer import at, walk
from generator.document.schema_queries import member, members
from generator.document.source_files import parse_files
from generator.problems import DocumentRefused
from tests.generator.small_document import edited, joined, small


def test_only_references_to_components_are_left() -> None:
    """
    In the bundled document every `$ref` points to a named component, and every one of them exists.
    """
    document = joined(small()).document

    refs = [
        value["$ref"]
        for _, value in walk(document)
        if isinstance(value, dict) and isinstance(value.get("$ref"), str)
    ]

    assert refs
    assert all(str(ref).startswith("#/components/") for ref in refs)
    assert all(at(document, str(ref)[1:]) is not None for ref in refs)


def test_a_part_is_located_in_the_file_that_a_person_edits() -> None:
    """
    A pointer into the bundled document leads back to the file, the pointer and the line it came from.
    """
    document = joined(small())

    problem = document.problem("/paths/~1papi~1v1~1ping/get/x-weight", "reason", "remedy")

    assert (problem.file, problem.pointer) == ("paths/market.yaml", "/ping/get/x-weight")
    assert (
        small()[problem.file].decode().splitlines()[problem.line - 1].strip()
        == "x-weight: {value: 1, scope: ip}"
    )


def test_members_beside_a_reference_win_and_keep_their_own_place() -> None:
    """
    A description next to a `$ref` stays there, located where it was written.
    """
    document = joined(small())
    pointer = "/components/schemas/Balance/properties/crossMarginBorrowed"

    assert at(document.document, pointer) == {
        "$ref": "#/components/schemas/DecimalText",
        "description": "Principal owed.",
        "x-unit": "asset",
        "x-evidence": ["docs"],
    }
    assert document.place(f"{pointer}/description") == (
        "components/schemas.yaml",
        "/Balance/properties/crossMarginBorrowed/description",
    )


def test_samples_and_tables_are_put_in_place() -> None:
    """
    A `$ref` below an example's value or an `x-` key is replaced by what it leads to.
    """
    document = joined(small()).document
    examples = members(
        document,
        "paths",
        "/papi/v1/balance",
        "get",
        "responses",
        "200",
        "content",
        "application/json",
        "examples",
    )

    assert member(examples, "one", "value", "asset") == "BNB"
    assert at(document, "/x-error-codes/0/name") == "UNKNOWN"


def test_order_does_not_depend_on_who_refers_first() -> None:
    """
    Components come in the order of their file, whichever call is written first.
    """
    ping = "  /papi/v1/ping: {$ref: paths/market.yaml#/ping}\n"
    balance = "  /papi/v1/balance: {$ref: paths/margin.yaml#/balance}\n"
    swapped = edited(
        (
            "openapi.yaml",
            f"{ping}{balance}",
            f"{balance}{ping}",
        )
    )

    components = [members(joined(files).document, "components", "schemas") for files in (swapped, small())]

    assert list(components[0]) == list(components[1])


def test_unused_parts_are_refused_unless_an_old_revision_is_read() -> None:
    """
    A schema that nothing refers to is refused today, and accepted in a revision that obeyed other rules.
    """
    files = parse_files(small() | {"components/headers.yaml": b"Spare: {schema: {type: string}}\n"})

    with pytest.raises(DocumentRefused, match="nothing refers to this file"):
        bundle(files)

    assert bundle(files, lenient=True).document["paths"]


def test_discriminator_mappings_become_references() -> None:
    """
    The values of a discriminator's mapping are paths like any `$ref`, and are bundled like one.
    """
    files = edited(
        (
            "components/events.yaml",
            "LiabilityEvent:\n",
            "Event:\n"
            "  description: Any event.\n"
            "  oneOf: [{$ref: '#/LiabilityEvent'}]\n"
            "  discriminator: {propertyName: e, mapping: {liability: '#/LiabilityEvent'}}\n"
            "LiabilityEvent:\n",
        ),
        (
            "openapi.yaml",
            "    LiabilityEvent: {",
            "    Event: {$ref: components/events.yaml#/Event}\n    LiabilityEvent: {",
        ),
    )

    mapping = members(joined(files).document, "components", "schemas", "Event", "discriminator", "mapping")

    assert mapping == {"liability": "#/components/schemas/LiabilityEvent"}

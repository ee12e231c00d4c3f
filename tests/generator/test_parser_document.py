"""The document is put in a form that the parser cannot mistake, and nothing else happens to it."""

from __future__ import annotations

import copy

from generator.client.parser_document import transform
from generator.document.json_pointer import at
from generator.document.schema_queries import members
from tests.generator.small_document import edited, joined, small


def test_the_document_itself_is_left_alone() -> None:
    """
    The transformation is pure: what it was given is what it was.
    """
    document = joined(small()).document
    before = copy.deepcopy(document)

    transform(document)

    assert document == before


def test_the_same_document_gives_the_same_result() -> None:
    """
    Two runs agree in content and in order.
    """
    document = joined(small()).document

    assert str(transform(document)) == str(transform(document))


def test_form_members_become_parameters_without_those_of_the_scheme() -> None:
    """
    A form body is one parameter per member, in wire order, without timestamp, recvWindow and signature.
    """
    parameters = at(transform(joined(small()).document).document, "/paths/~1papi~1v1~1repay/post/parameters")

    assert isinstance(parameters, list)
    assert [parameter["name"] for parameter in parameters if isinstance(parameter, dict)] == [
        "asset",
        "amount",
        "specifyRepayAssets",
        "side",
    ]


def test_decimals_keep_their_kind_as_a_format() -> None:
    """
    Decimal text, decimal or empty, and text or number are three formats.
    """
    properties = members(
        transform(joined(small()).document).document, "components", "schemas", "Balance", "properties"
    )

    assert properties["crossMarginBorrowed"] == {"type": "string", "format": "decimal"}
    assert properties["cmUnrealizedPNL"] == {"type": "string", "format": "decimal-or-empty"}
    assert properties["threshold"] == {"type": "string", "format": "decimal-text-or-number"}
    assert properties["note"] == {"oneOf": [{"type": "string"}, {"type": "null"}]}


def test_an_open_enum_becomes_a_named_schema_wherever_it_stands() -> None:
    """
    An enum written inside a member is lifted out under its own name.
    """
    transformed = transform(joined(small()).document)
    schemas = members(transformed.document, "components", "schemas")

    assert schemas["BalanceStatus"] == {"type": "string", "enum": ["NORMAL", "FROZEN"]}
    assert members(schemas, "Balance", "properties")["status"] == {
        "$ref": "#/components/schemas/BalanceStatus"
    }


def test_an_enum_without_a_name_is_called_after_its_member() -> None:
    """
    Without x-enum-name the name is that of the object and the member.
    """
    files = edited(("components/schemas.yaml", "      x-enum-name: BalanceStatus\n", ""))

    assert list(transform(joined(files).document).enums) == ["BalanceStatus"]


def test_requests_and_errors_do_not_become_models() -> None:
    """
    Only what the exchange answers with success, or sends by itself, becomes a class.
    """
    models = transform(joined(small()).document).models

    assert sorted(models) == ["Balance", "LiabilityEvent", "Record", "RecordPage", "RepayResult"]

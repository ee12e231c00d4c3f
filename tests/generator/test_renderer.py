"""Templates choose layout, docstrings say what a caller must know, and both are held to their own rules."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from generator.render import docstrings as docstring
from generator.render import renderer as render
from generator.render.literals import call, literal, prose
from tests.generator.small_document import client, edited, joined, small

TEMPLATES = sorted(Path(render.__file__).parents[1].joinpath("templates").glob("*.jinja"))


@pytest.mark.parametrize("template", TEMPLATES, ids=[path.name for path in TEMPLATES])
def test_a_template_opens_with_its_contract(template: Path) -> None:
    """
    Every template says what goes in, what comes out and which rule it keeps.
    """
    contract = template.read_text(encoding="utf-8").split("#}")[0]

    assert re.match(r"\{# In:   .+\n   Out:  .+", contract)
    assert "\n   Rule: " in contract


def test_an_unknown_name_in_a_template_is_an_error() -> None:
    """
    A name that was not given never becomes an empty text.
    """
    renderer = render._Renderer(client(small()), joined(small()).document)  # pyright: ignore[reportPrivateUsage]

    with pytest.raises(UndefinedError):
        renderer._env.from_string("{{ nobody }}").render()  # pyright: ignore[reportPrivateUsage]


def test_every_file_names_its_source_and_its_template() -> None:
    """
    A reader of any file learns which file of openapi/ to edit, and which template.
    """
    files = render.render(client(small()), joined(small()).document)

    assert (
        "from openapi/components/schemas.yaml and generator/templates/model.py.jinja"
        in files["paydown_wire/models/record.py"]
    )
    assert "from openapi/components/events.yaml" in files["paydown_wire/models/liability_event.py"]
    assert "from openapi/paths/margin.yaml" in files["paydown_wire/resources/margin.py"]


def test_docstring_of_a_write_states_what_may_be_concluded() -> None:
    """
    Facts, units, limits, rules and the three ways to end stand in the docstring, in Python's words.
    """
    made = client(small())
    repay = next(operation for operation in made.operations if operation.id == "repayDebt")

    text = docstring.operation_docstring(repay, made, 0)

    assert text == (
        "Repay a debt.\n"
        "\n"
        "Send `specify_repay_assets` to choose.\n"
        "\n"
        "Args:\n"
        "    asset: The asset that is owed.\n"
        "    amount: How much to repay. In units of the asset. At most 8 digits after the point.\n"
        "    specify_repay_assets: Assets to pay with. At most 20, no duplicates.\n"
        "    side: Which way.\n"
        "    recv_window: How long the request stays valid, ms. From 1 to 60000.\n"
        "\n"
        "Returns:\n"
        "    What was repaid.\n"
        "\n"
        "Raises:\n"
        "    RequestNotSent: Nothing left this machine. Nothing was executed; calling again is safe.\n"
        "    RequestRejected: The exchange refused. Nothing was executed.\n"
        "    OutcomeUnknown: It may have happened. Find out before calling again: a repeat may be executed a\n"
        "        second time.\n"
        "\n"
        "POST /papi/v1/repay, security TRADE: API key and signature.\n"
        "Weight 3000 of 6000 per minute, counted per IP. Its scope is unsettled: the docs page prints order, the\n"
        "vendor's SDK prints ip.\n"
        "Limit: At most 50,000 USD.\n"
        "Rules:\n"
        "    - Without `amount` the whole debt is repaid.\n"
        "Provenance: docs.\n"
        "Source: https://small.example/repay"
    )


def test_docstring_of_a_read_never_mentions_an_unknown_outcome() -> None:
    """
    A read ends in ReadFailed at worst, from which nothing may be concluded.
    """
    made = client(small())
    balance = next(operation for operation in made.operations if operation.id == "accountBalance")

    text = docstring.operation_docstring(balance, made, 8)

    assert "OutcomeUnknown" not in text
    assert "ReadFailed: No usable answer" in text
    assert "Weight 20 of 6000 per minute, counted per IP; 1 with `asset`." in text
    assert "A list of `Balance` without `asset`, one `Balance` with it. What is owed in one asset." in text


def test_a_description_cannot_break_out_of_its_docstring() -> None:
    """
    Quotes and backslashes of the document stay words in the generated code.
    """
    hostile = edited(
        (
            "paths/market.yaml",
            "summary: Test whether the exchange can be reached.",
            'summary: \'Ends here""" + evil() \\N{x}\'',
        )
    )
    files = render.render(client(hostile), joined(hostile).document)

    compile(files["paydown_wire/resources/market.py"], "market.py", "exec")
    assert 'Ends here\\"\\"\\" + evil() \\\\N{x}' in files["paydown_wire/resources/market.py"]


@pytest.mark.parametrize(
    ("value", "source"),
    [
        ("plain", '"plain"'),
        ('say "so"', '"say \\"so\\""'),
        (r"^[0-9]+(\.[0-9]+)?$", r'r"^[0-9]+(\.[0-9]+)?$"'),
        ("ends with \\", '"ends with \\\\"'),
        ("币安人生", '"币安人生"'),
        ("\u202e", '"\\u202e"'),
        (("one",), '("one",)'),
        ({"a": (1, True, None)}, '{"a": (1, True, None)}'),
    ],
    ids=["text", "quotes", "pattern", "trailing backslash", "letters", "invisible", "tuple", "mapping"],
)
def test_a_literal_reads_back_as_the_value(value: object, source: str) -> None:
    """
    The source of a constant is what a person would write, and means the value.
    """
    assert literal(value) == source
    assert eval(source) == value


def test_long_prose_is_cut_at_blanks() -> None:
    """
    A long text becomes several literals that join to the same text.
    """
    text = "word " * 60 + "end"

    assert eval(prose(text)) == text
    assert max(map(len, prose(text).splitlines())) <= 90


def test_defaults_are_left_out_of_a_call() -> None:
    """
    Arguments that are None or empty are not written; False and 0 are.
    """
    assert call("Row", 1, a=None, b="", c=(), d=False, e=0, f="x") == 'Row(1, d=False, e=0, f="x")'


UNION = """Event:
  description: Any event.
  oneOf: [{$ref: '#/LiabilityEvent'}]
  discriminator: {propertyName: e, mapping: {liability: '#/LiabilityEvent'}}
LiabilityEvent:
"""


def test_a_union_is_distinguished_by_its_discriminator() -> None:
    """
    Objects with a discriminator become one type, and a function that picks the class by the tag.
    """
    files = edited(
        ("components/events.yaml", "LiabilityEvent:\n", UNION),
        (
            "openapi.yaml",
            "    LiabilityEvent: {",
            "    Event: {$ref: components/events.yaml#/Event}\n    LiabilityEvent: {",
        ),
    )

    text = render.render(client(files), joined(files).document)["paydown_wire/models/event.py"]

    compile(text, "event.py", "exec")
    assert '"liability": LiabilityEvent.from_json,' in text
    assert "def event_from_json(data: object) -> Event:" in text
    assert 'tag = read.required("e", codec.text)' in text

"""The committed client: a leaf, lazy, exact in both directions."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import paydown_wire
from generator.document.json_pointer import Json
from generator.document.schema_queries import items, member, members, operations, schema_name, target
from generator.pipeline import load
from paydown_wire import ALL_OPERATIONS, DecodeError, codec, enums, models

ROOT = Path(__file__).parents[2]
WIRE = ROOT / "generated_client" / "paydown_wire"


def loaded_after(statement: str) -> set[str]:
    """Return the modules that an interpreter has loaded after a statement."""
    program = f"import sys, json\n{statement}\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout))


# ----------------------------------------------------------------------------------- imports


def test_the_package_is_a_leaf() -> None:
    """
    Every import in it is the standard library, attrs, or the package itself.
    """
    found: set[str] = set()
    for path in WIRE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                found.add((node.module or "").partition(".")[0])

    assert found <= {*sys.stdlib_module_names, "attrs", "paydown_wire"}


def test_importing_the_package_loads_nothing_else() -> None:
    """
    The package itself brings in no module of its own and none of attrs.
    """
    added = loaded_after("import paydown_wire") - loaded_after("")

    assert added == {"paydown_wire"}


def test_facts_and_resources_are_read_without_attrs() -> None:
    """
    Operations, error codes and resources load neither attrs nor a model; a model does.
    """
    facts = loaded_after(
        "from paydown_wire import ALL_OPERATIONS, ERROR_CODES, MarginResource\n"
        "class Sender: pass\n"
        "MarginResource(Sender())"
    )
    model = loaded_after("from paydown_wire import RepayDebtResult")

    assert not {"attr", "attrs", "httpx"} & facts
    assert not [name for name in facts if name.startswith("paydown_wire.models.")]
    assert "attrs" in model
    assert [name for name in model if name.startswith("paydown_wire.models.")] == [
        "paydown_wire.models.repay_debt_result"
    ]


def test_every_public_name_can_be_reached() -> None:
    """
    Each name in __all__ resolves, is found by dir(), and an unknown one is an AttributeError.
    """
    for package in (paydown_wire, paydown_wire.models, paydown_wire.resources):
        assert all(getattr(package, name) is not None for name in package.__all__)
        assert set(package.__all__) <= set(dir(package))
        with pytest.raises(AttributeError, match="has no attribute 'nobody'"):
            package.nobody  # noqa: B018  (the look-up is the point)


def test_private_and_public_names_of_modules_match_the_package() -> None:
    """
    Every model, enum and resource module is reachable from the package.
    """
    modules = {path.stem for path in (WIRE / "models").glob("*.py")} - {"__init__"}
    reached = {
        getattr(paydown_wire, name).__module__.rpartition(".")[2]
        for name in paydown_wire.models.__all__
        if isinstance(getattr(models, name), type)
    }

    assert modules == reached


# ----------------------------------------------------------------------------------- the document's samples


def samples() -> Iterator[tuple[str, str, Json]]:
    """Yield (call, model, object) of every sample of a successful answer, lists taken apart."""
    document = load(ROOT / "openapi").document
    for _, operation in operations(document):
        response = target(document, member(operation, "responses", "200"))
        media = members(response, "content", "application/json")
        schema = media.get("schema")
        branches = items(target(document, schema), "oneOf") or [schema]
        named = {target(document, branch).get("type"): branch for branch in branches}
        for example in members(media, "examples").values():
            value = member(example, "value")
            listed = isinstance(value, list)
            branch = named.get("array" if listed else "object")
            found = target(document, branch).get("items") if listed else branch
            for sample in value if isinstance(value, list) else [value]:
                if members(target(document, found), "properties"):
                    yield str(operation["operationId"]), schema_name(found), sample


SAMPLES = list(samples())


@pytest.mark.parametrize(
    ("call", "model", "sample"),
    SAMPLES,
    ids=[f"{call}-{index}" for index, (call, _, _) in enumerate(SAMPLES)],
)
def test_documented_samples_survive_decoding_and_encoding(call: str, model: str, sample: Json) -> None:
    """
    A sample is decoded exactly, and written back with the same members and the same digits.
    """
    exact = json.loads(json.dumps(sample), parse_float=Decimal)

    written = getattr(models, model).from_json(exact).to_json()

    assert normal(written) == normal(exact)


def normal(value: Any) -> Any:
    """Return JSON data in which a number equals its text, and members that carry nothing are left out."""
    if isinstance(value, dict):
        return {name: normal(child) for name, child in value.items() if child != ""}
    if isinstance(value, list):
        return [normal(child) for child in value]
    if isinstance(value, Decimal):
        return format(value, "f")
    return str(value) if type(value) is int else value


def test_the_samples_cover_most_calls() -> None:
    """
    Nearly every call that answers with content has a sample, so the test above means something.
    """
    assert len({call for call, _, _ in SAMPLES}) >= 20


def test_operations_match_the_document() -> None:
    """
    Method, path and weight of every call are those of the document.
    """
    document = load(ROOT / "openapi").document
    wanted = {
        str(operation["operationId"]): (
            pointer.split("/")[2].replace("~1", "/"),
            pointer.split("/")[3].upper(),
            member(operation, "x-weight", "value"),
        )
        for pointer, operation in operations(document)
    }

    assert {name: (op.path, op.method, op.weight.value) for name, op in ALL_OPERATIONS.items()} == wanted


# ----------------------------------------------------------------------------------- the codec


@given(st.from_regex(r"-?[0-9]{1,28}(\.[0-9]{1,32})?", fullmatch=True, alphabet=st.characters(codec="ascii")))
def test_decimal_text_keeps_every_digit(text: str) -> None:
    """
    Plain decimal text is read and written back unchanged, whatever its scale; zeros before it say nothing.
    """
    sign, digits = text[: text.startswith("-")], text.removeprefix("-")
    text = sign + (digits.lstrip("0") if digits.lstrip("0")[:1].isdigit() else "0" + digits.lstrip("0"))
    assert codec.decimal_text(codec.decimal(text)) == text


@pytest.mark.parametrize(
    "value",
    [
        "",
        " 1",
        "1 ",
        "+1",
        ".5",
        "5.",
        "1e",
        "1E+",
        "E5",
        "1e5.0",
        "1e 5",
        "1E-33",
        "1E+28",
        "9999999999999999999999999999E+1",
        "0.00000000000000000000000000000001E-1",
        "0E+99",
        "1e400",
        "1e50000000",
        "1e999999999999999999",
        "1" * 29,
        "1" * 1_000_000,
        "0." + "0" * 33,
        "NaN",
        "Infinity",
        "-Infinity",
        "1_000",
        "1,5",
        "١",
        "１",
        "1\n",
        "0x1",
        1,
        1.5,
        True,
        None,
        [],
        {},
    ],
    ids=lambda value: repr(value)[:40],
)
def test_what_is_no_decimal_text_is_refused(value: object) -> None:
    """
    NaN, other alphabets' digits, underscores, blanks, numbers, and numbers beyond all bounds are no decimal text.
    """
    with pytest.raises(DecodeError, match="expected decimal text"):
        codec.decimal(value)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("0E-8", "0.00000000"),
        ("0e0", "0"),
        ("1E-8", "0.00000001"),
        ("-1.50e-7", "-0.000000150"),
        ("1.25E+3", "1250"),
        ("1E-32", "0.00000000000000000000000000000001"),
        ("1e+27", "1000000000000000000000000000"),
    ],
)
def test_a_number_with_an_exponent_is_a_number(text: str, plain: str) -> None:
    """
    Zero with eight digits behind the point is "0E-8" where a library writes it so: no reason to lose a whole answer.
    """
    assert codec.decimal(text) == Decimal(plain)
    assert codec.decimal_text(codec.decimal(text)) == plain


def test_a_decimal_may_come_as_text_or_number_but_never_as_a_float() -> None:
    """
    Where the exchange sends numbers, they are read with the digits that were sent.
    """
    assert codec.decimal_text_or_number("1.50") == Decimal("1.50")
    assert codec.decimal_text_or_number(Decimal("1.69248805")) == Decimal("1.69248805")
    assert codec.decimal_text_or_number(60) == Decimal(60)
    with pytest.raises(DecodeError, match="parse_float=Decimal"):
        codec.decimal_text_or_number(1.5)
    for wrong in (
        True,
        None,
        "1e99",
        Decimal("NaN"),
        Decimal("1e400"),
        Decimal("1e-400"),
        10**28,
        -(10**5000),
    ):
        with pytest.raises(DecodeError):
            codec.decimal_text_or_number(wrong)


@pytest.mark.parametrize(
    "value", [True, False, 1.0, Decimal(1), "1", None, 2**63, -(2**63) - 1, [], {}], ids=repr
)
def test_what_is_not_a_64_bit_integer_is_refused(value: object) -> None:
    """
    Booleans, floats, text and integers out of range are no integer.
    """
    with pytest.raises(DecodeError, match="expected an integer of 64 bits"):
        codec.integer(value)


@given(st.integers(-(2**63), 2**63 - 1))
def test_every_64_bit_integer_is_read_exactly(value: int) -> None:
    """
    Ids above 2^53 keep every digit.
    """
    assert codec.integer(value) == value


@pytest.mark.parametrize("value", [0, 1, "true", None, [], Decimal(1)], ids=repr)
def test_what_is_not_a_boolean_is_refused(value: object) -> None:
    """
    1 and "true" are neither true nor false.
    """
    with pytest.raises(DecodeError, match="expected true or false"):
        codec.boolean(value)


def test_an_error_names_the_place() -> None:
    """
    The path of a wrong value leads through lists and members.
    """
    page = {"rows": [{"txId": 1, "asset": "BNB", "amount": "x"}], "total": 1}

    with pytest.raises(DecodeError) as caught:
        models.RepayRecordPage.from_json(page)

    assert caught.value.path == "rows[0].txId" or caught.value.path.startswith("rows[0].")
    assert str(caught.value).startswith(f"{caught.value.path}: ")


def test_an_open_enum_keeps_what_it_does_not_know() -> None:
    """
    An unknown value is kept, compares and hashes like its text, and says that it is unknown.
    """
    status = codec.enum_of(enums.AccountStatus)("BRAND_NEW")

    assert status == "BRAND_NEW"
    assert hash(status) == hash("BRAND_NEW")
    assert not status.is_known
    assert enums.AccountStatus("NORMAL") is enums.AccountStatus.NORMAL
    assert enums.AccountStatus.NORMAL.is_known
    with pytest.raises(DecodeError, match="expected text"):
        codec.enum_of(enums.AccountStatus)(5)


JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text()
    | st.decimals(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    model=st.sampled_from(
        sorted(name for name in models.__all__ if hasattr(getattr(models, name), "from_json"))
    ),
    data=st.data(),
)
def test_any_json_is_decoded_or_refused_with_a_decode_error(model: str, data: st.DataObject) -> None:
    """
    Whatever arrives, a model is the result or a DecodeError is; nothing else is ever raised.
    """
    cls = getattr(models, model)
    valid = next((sample for _, name, sample in SAMPLES if name == model), {})
    changed = data.draw(
        st.dictionaries(
            st.sampled_from(sorted(valid) if isinstance(valid, dict) and valid else ["x"]),
            JSON_VALUES,
            max_size=3,
        )
    )
    value = data.draw(
        st.sampled_from([{**valid, **changed} if isinstance(valid, dict) else changed, changed]) | JSON_VALUES
    )

    try:
        decoded = cls.from_json(value)
    except DecodeError:
        return

    json.dumps(decoded.to_json())

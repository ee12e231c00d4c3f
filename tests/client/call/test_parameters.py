"""Arguments: what is written on the wire, and what is refused before anything leaves."""

from __future__ import annotations

import decimal
import enum
import re
import tracemalloc
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paydown import InvalidRequest, InvalidRequestType, RequestNotSent
from paydown.call.parameters import checked_recv_window, wire_texts
from paydown_wire.operation import UNSET, Parameter
from paydown_wire.operations import ALL_OPERATIONS, REPAY_DEBT, REPAY_RECORDS

DIGITS_BEFORE, DIGITS_AFTER = 20, 8  # of an amount: openapi/components/schemas.yaml, Amount


def amount_text(value: object) -> str:
    """An amount as it goes on the wire."""
    return wire_texts(REPAY_DEBT, {"asset": "BNB", "amount": value})["amount"]


# ------------------------------------------------------------------------------------------------ amounts


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        (Decimal("0.1"), "0.1"),
        (Decimal("0.10000000"), "0.10000000"),
        (Decimal("0.00000001"), "0.00000001"),
        (Decimal("1E-8"), "0.00000001"),
        (Decimal("1E+3"), "1000"),
        (Decimal("5"), "5"),
        (Decimal("12345678901234567890.12345678"), "12345678901234567890.12345678"),
        ("0.1", "0.1"),
        ("5", "5"),
        ("5.00000000", "5.00000000"),
    ],
)
def test_amounts_go_out_as_plain_decimal_text_digit_for_digit(value, wire):
    """Never 1E-8, never rounded, never with digits added or dropped."""
    assert amount_text(value) == wire


@settings(deadline=None, max_examples=300)
@given(
    st.integers(min_value=1, max_value=10 ** (DIGITS_BEFORE + DIGITS_AFTER) - 1), st.integers(0, DIGITS_AFTER)
)
def test_every_amount_that_the_document_allows_arrives_exactly(digits, scale):
    """Decimal in, text out, the same number and scale; the same from text."""
    value = Decimal(digits).scaleb(-scale, decimal.Context(prec=60))
    if value >= 10**DIGITS_BEFORE:
        value = (
            value.scaleb(-DIGITS_AFTER, decimal.Context(prec=60)) if not scale else value % 10**DIGITS_BEFORE
        )
    if not value or -int(value.as_tuple().exponent) > DIGITS_AFTER:
        return

    text = amount_text(value)

    assert re.fullmatch(r"[0-9]+(\.[0-9]+)?", text)
    assert Decimal(text) == value
    assert Decimal(text).as_tuple() == value.as_tuple() or value.as_tuple().exponent > 0
    assert amount_text(text) == text


REFUSED_AMOUNTS = [
    "", " ", "0", "0.0", "0.00000000", "-1", "-0.1", "+1", "1e-8", "1E-8", "1e3", "0x10", "1_000", "1,5", "1.", ".5",
    "1.2.3", " 1", "1 ", "1\n", "\n1", "1\x00", "１", "١", "1٫5", "²", "½", "NaN", "nan", "Infinity", "inf", "-inf",
    "sNaN",
    "0.000000001", "0.123456789", "1.000000000", "00.1", "007", "1" * 21, "1" * 100, "all", "None", "0.1USD",
    Decimal("0"), Decimal("-0"), Decimal("-1"), Decimal("NaN"), Decimal("sNaN"), Decimal("-NaN"), Decimal("Infinity"),
    Decimal("-Infinity"), Decimal("1E-9"), Decimal("0.123456789"), Decimal("1.000000000"), Decimal("1E+20"),
    Decimal("1E+400000"), Decimal("1E-400000"), Decimal("1E+999999999999999999"), Decimal("9" * 40),
    Decimal("0E-400000"), Decimal("0E+400000"),
]  # fmt: skip


@pytest.mark.parametrize(
    "value", REFUSED_AMOUNTS, ids=lambda value: f"{type(value).__name__} {str(value)[:20]!r}"
)
def test_amounts_that_could_be_misread_are_refused(value):
    """Whatever the exchange would make of them is undocumented, so none is sent."""
    with pytest.raises(InvalidRequest, match=r"margin\.repay_debt: amount") as caught:
        amount_text(value)

    assert caught.value.parameter == "amount"
    assert caught.value.operation == "margin.repay_debt"
    assert not isinstance(caught.value, TypeError)


@pytest.mark.parametrize(
    "value",
    [
        0.1,
        1.0,
        float("nan"),
        float("inf"),
        1,
        True,
        b"0.1",
        None,
        Fraction(1, 10),
        [Decimal(1)],
        1j,
        object(),
    ],
)
def test_an_amount_of_another_type_is_a_type_error(value):
    """A float has lost digits before we see it; None would silently mean the whole debt."""
    with pytest.raises(TypeError, match="amount") as caught:
        amount_text(value)

    assert isinstance(caught.value, InvalidRequestType)
    assert isinstance(caught.value, RequestNotSent)
    assert isinstance(caught.value, ValueError)


def test_a_float_is_told_what_to_write_instead():
    """The message is the remedy."""
    with pytest.raises(InvalidRequestType, match=r"Decimal\('0\.1'\), quotes included"):
        amount_text(0.1)


def test_none_is_told_how_to_ask_for_the_whole_debt():
    """`amount=None` repays everything in other clients; here it must be said by leaving it out."""
    with pytest.raises(InvalidRequestType, match=r"Call without amount .* (whole debt|all of it)"):
        amount_text(None)


def test_absent_and_unset_amounts_mean_the_same():
    """The generated method passes UNSET for what the caller left out."""
    assert wire_texts(REPAY_DEBT, {"asset": "BNB"}) == {"asset": "BNB"}
    assert wire_texts(REPAY_DEBT, {"asset": "BNB", "amount": UNSET, "specifyRepayAssets": UNSET}) == {
        "asset": "BNB"
    }


def test_a_decimal_that_formats_itself_is_not_believed():
    """A subclass may print whatever it likes; its number is what counts."""

    class Liar(Decimal):
        def __format__(self, spec: str, context: object = None, /) -> str:
            return "1000000"

        def __str__(self) -> str:
            return "1000000"

    assert amount_text(Liar("0.1")) == "0.1"


def test_a_huge_exponent_costs_no_memory():
    """`Decimal("1E+400000000")` would be written with 400 million digits before any rule could refuse it."""
    tracemalloc.start()
    try:
        for text in ("1E+400000000", "1E-400000000"):
            with pytest.raises(InvalidRequest, match="1E"):
                amount_text(Decimal(text))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 1_000_000


def test_the_decimal_context_of_the_caller_changes_nothing():
    """A context with four digits rounds arithmetic; it must not round money on its way out."""
    with decimal.localcontext(prec=4):
        assert amount_text(Decimal("1234.56789")) == "1234.56789"
        assert amount_text("1234.56789") == "1234.56789"


# ------------------------------------------------------------------------------------------------- assets


@pytest.mark.parametrize("value", ["BNB", "1INCH", "币安人生", "BTC2"])
def test_assets_are_sent_as_they_are(value):
    """Upper-case codes and names in other scripts; 币安人生 is a real one."""
    assert wire_texts(REPAY_DEBT, {"asset": value}) == {"asset": value}


@pytest.mark.parametrize(
    "value",
    [
        "",
        " ",
        "bnb",
        "BNB ",
        "BNB\n",
        "BN B",
        "BNB,USDT",
        "BNB&amount=5",
        "BNB=",
        "B\x00",
        "A" * 33,
        "\ud800",
    ],
)
def test_assets_that_would_be_another_name_or_break_the_form_are_refused(value):
    """Lower case included: nobody says whether bnb and BNB are one debt."""
    with pytest.raises(InvalidRequest, match="asset"):
        wire_texts(REPAY_DEBT, {"asset": value})


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("asset", "bnb", "Write 'BNB'"),
        ("asset", " BNB\n", "Write 'BNB'"),
        ("specifyRepayAssets", ["usdt"], "Write 'USDT'"),
        ("amount", "007", "Write '7'"),
        ("amount", "00.50", "Write '0.50'"),
    ],
)
def test_a_value_in_the_wrong_form_is_told_the_right_one(name, value, said):
    """The refusal of a lower-case name or of leading zeros says what to write."""
    with pytest.raises(InvalidRequest, match=said):
        wire_texts(REPAY_DEBT, {"asset": "BNB", name: value})


def test_a_value_that_no_correction_saves_is_told_none():
    """A hint that would be refused as well is no hint."""
    with pytest.raises(InvalidRequest) as caught:
        wire_texts(REPAY_DEBT, {"asset": "b/n"})

    assert "Write" not in str(caught.value)


@pytest.mark.parametrize("value", [None, 5, b"BNB", ["BNB"], True])
def test_an_asset_is_a_str(value):
    """Nothing is turned into text silently."""
    with pytest.raises(InvalidRequestType, match="asset"):
        wire_texts(REPAY_DEBT, {"asset": value})


def test_a_missing_asset_is_refused():
    """The generated method demands it; a hand-made call must not get around that."""
    with pytest.raises(InvalidRequest, match="asset is required"):
        wire_texts(REPAY_DEBT, {"amount": "1"})


def test_a_str_subclass_is_sent_as_its_characters():
    """An enum member prints as its name in some Python versions."""

    class Coin(str, enum.Enum):  # noqa: UP042  # the older spelling is the one that prints differently
        BNB = "BNB"

    assert wire_texts(REPAY_DEBT, {"asset": Coin.BNB}) == {"asset": "BNB"}
    assert type(wire_texts(REPAY_DEBT, {"asset": Coin.BNB})["asset"]) is str
    texts = wire_texts(REPAY_DEBT, {"asset": "ETH", "specifyRepayAssets": [Coin.BNB, "USDT"]})
    assert texts["specifyRepayAssets"] == "BNB,USDT"


# -------------------------------------------------------------------------------------------------- lists


@pytest.mark.parametrize("value", [["USDT", "BTC"], ("USDT", "BTC")])
def test_a_list_becomes_one_text_in_its_order(value):
    """One parameter with commas, never the same parameter twice."""
    texts = wire_texts(REPAY_DEBT, {"asset": "BNB", "specifyRepayAssets": value})

    assert texts == {"asset": "BNB", "specifyRepayAssets": "USDT,BTC"}


@pytest.mark.parametrize(
    ("value", "kind", "said"),
    [
        ("USDT", InvalidRequestType, r"Write \['USDT'\]"),
        ("USDT,BTC", InvalidRequestType, r"Write \['USDT', 'BTC'\]"),
        ([], InvalidRequest, "Leave the argument out"),
        ((), InvalidRequest, "Leave the argument out"),
        (["USDT", "USDT"], InvalidRequest, "twice"),
        (["USDT,BTC"], InvalidRequest, "item"),
        (["USDT", ""], InvalidRequest, "item is empty"),
        (["usdt"], InvalidRequest, "item"),
        (["USDT", None], InvalidRequestType, "item must be a str"),
        (["USDT", 5], InvalidRequestType, "item must be a str"),
        ([f"A{number}" for number in range(21)], InvalidRequest, "more than 20 items"),
        ({"USDT", "BTC"}, InvalidRequestType, "list or tuple"),
        (iter(["USDT"]), InvalidRequestType, "list or tuple"),
        ({"USDT": 1}, InvalidRequestType, "list or tuple"),
        (b"USDT", InvalidRequestType, "list or tuple"),
        (None, InvalidRequestType, "Call without specify_repay_assets"),
        (5, InvalidRequestType, "list or tuple"),
    ],
)
def test_lists_that_could_be_misread_are_refused(value, kind, said):
    """A bare str would be read letter by letter; a set has no order."""
    with pytest.raises(kind, match=said) as caught:
        wire_texts(REPAY_DEBT, {"asset": "BNB", "specifyRepayAssets": value})

    assert caught.value.parameter == "specify_repay_assets"


def test_a_list_that_is_far_too_long_is_not_read_to_its_end():
    """A sequence of our own counts what was asked of it: one item more than the document allows is enough."""
    asked: list[int] = []

    class Endless(Sequence[str]):
        def __len__(self) -> int:
            return 10**9

        def __getitem__(self, index):
            asked.append(index)
            return f"A{index}"

    with pytest.raises(InvalidRequest, match="more than 20 items"):
        wire_texts(REPAY_DEBT, {"asset": "BNB", "specifyRepayAssets": Endless()})

    assert len(asked) == 21


# ------------------------------------------------------------------------------------ numbers, texts, enums

RECORDS = {"asset": "BNB"}


def test_times_and_flags_are_written_as_the_wire_wants_them():
    """Integers in digits, booleans as true and false."""
    texts = wire_texts(
        REPAY_RECORDS, {**RECORDS, "startTime": 1636371437000, "archived": True, "current": 2, "size": 100}
    )

    assert texts["startTime"] == "1636371437000"
    assert texts["archived"] == "true"
    assert texts["current"] == "2"
    assert wire_texts(REPAY_RECORDS, {**RECORDS, "archived": False})["archived"] == "false"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("startTime", 1636371437),
        ("startTime", 1636371437000000),
        ("startTime", -1),
        ("size", 0),
        ("size", 101),
        ("current", 0),
        ("txId", 2**63),
        ("txId", 10**4000),
    ],
)
def test_numbers_out_of_bounds_are_refused(name, value):
    """Seconds and microseconds are no milliseconds; the bounds are the document's."""
    with pytest.raises(InvalidRequest) as caught:
        wire_texts(REPAY_RECORDS, {**RECORDS, name: value})

    assert len(str(caught.value)) < 300


@pytest.mark.parametrize("value", [True, 1.0, "1636371437000", Decimal(5), None])
def test_a_number_is_an_int_and_a_bool_is_none(value):
    """`True` would be page 1."""
    with pytest.raises(InvalidRequestType):
        wire_texts(REPAY_RECORDS, {**RECORDS, "current": value})


@pytest.mark.parametrize("value", ["true", "false", 1, 0, None])
def test_a_flag_is_true_or_false(value):
    """The text "false" is true in Python."""
    with pytest.raises(InvalidRequestType):
        wire_texts(REPAY_RECORDS, {**RECORDS, "archived": value})


def test_an_enum_takes_the_choices_of_the_document_only():
    """Requests are closed, answers are open."""
    side = Parameter(
        name="side",
        python_name="side",
        in_="body",
        kind="enum",
        required=True,
        description="Which way.",
        choices=("TO_UM", "FROM_UM"),
    )
    operation = replace(REPAY_DEBT, parameters=(side,))

    class Side(str, enum.Enum):  # noqa: UP042  # a StrEnum prints as its value, and would show nothing
        TO_UM = "TO_UM"

    for side in ("TO_UM", Side.TO_UM):
        assert wire_texts(operation, {"side": side}) == {"side": "TO_UM"}
    for wrong in ("to_um", "", "TO_CM", "TO_UM "):
        with pytest.raises(InvalidRequest, match="TO_UM, FROM_UM"):
            wire_texts(operation, {"side": wrong})
    with pytest.raises(InvalidRequestType):
        wire_texts(operation, {"side": 5})


# ----------------------------------------------------------------------------------------------- the whole


def test_texts_come_in_the_order_of_the_document_whatever_the_order_of_the_arguments():
    """The order on the wire is part of what the vectors fix."""
    texts = wire_texts(REPAY_DEBT, {"specifyRepayAssets": ["USDT"], "amount": "1", "asset": "BNB"})

    assert list(texts) == ["asset", "amount", "specifyRepayAssets"]


def test_a_value_that_the_document_excludes_is_refused():
    """BNB has the form of an asset, but asset-collection does not take it."""
    operation = next(one for one in ALL_OPERATIONS.values() if any(p.excludes for p in one.parameters))
    parameter = next(p for p in operation.parameters if p.excludes)

    with pytest.raises(InvalidRequest, match=rf"must not be '{parameter.excludes[0]}'"):
        wire_texts(operation, {parameter.name: parameter.excludes[0]})
    assert wire_texts(operation, {parameter.name: "USDT"}) == {parameter.name: "USDT"}


@pytest.mark.parametrize("name", ["ammount", "timestamp", "signature", "Asset"])
def test_an_unknown_parameter_is_refused(name):
    """A typo of `amount` would repay everything."""
    with pytest.raises(InvalidRequestType, match=name):
        wire_texts(REPAY_DEBT, {"asset": "BNB", name: "5"})


def test_a_misspelt_keyword_of_the_method_is_pythons_own_type_error():
    """The generated signature has no **kwargs to swallow it."""
    from tests.client.support.kit import Exchange, client, repaid

    exchange = Exchange(repaid())

    with pytest.raises(TypeError, match="ammount"):
        client(exchange).margin.repay_debt(asset="BNB", ammount="5")

    assert exchange.requests == []


@pytest.mark.parametrize("operation", ALL_OPERATIONS.values(), ids=lambda operation: operation.id)
def test_every_pattern_of_the_document_compiles_and_every_kind_is_known(operation):
    """A new call of the document cannot bring a kind that nobody writes."""
    for parameter in operation.parameters:
        if parameter.pattern is not None:
            re.compile(parameter.pattern)
        with pytest.raises(InvalidRequest):
            wire_texts(operation, {parameter.name: object()})


@settings(deadline=None, max_examples=300)
@given(
    st.sampled_from(["asset", "amount", "specifyRepayAssets"]),
    st.text()
    | st.integers()
    | st.floats()
    | st.booleans()
    | st.none()
    | st.binary()
    | st.decimals()
    | st.lists(st.text() | st.integers()),
)
def test_nothing_but_an_invalid_request_is_ever_raised(name, value):
    """Odd arguments end as this package's own refusal, never as a crash from within."""
    arguments: dict[str, object] = {"asset": "BNB", name: value}
    try:
        texts = wire_texts(REPAY_DEBT, arguments)
    except InvalidRequest as error:
        assert str(error).startswith("margin.repay_debt")  # noqa: PT017  # the other branch is a success
    else:
        assert all(text and "\n" not in text for text in texts.values())


# ---------------------------------------------------------------------------------------------- recvWindow


@pytest.mark.parametrize("value", [1, 5000, 60000])
def test_a_window_within_the_documents_bounds_is_taken(value):
    """60000 is included."""
    assert checked_recv_window(value) == value


@pytest.mark.parametrize("value", [0, -1, 60001, 9999999, 10**400])
def test_a_window_out_of_bounds_is_refused(value):
    """9999999, the value of the page's own sample, is above the limit."""
    with pytest.raises(InvalidRequest, match="from 1 to 60000 ms"):
        checked_recv_window(value)


@pytest.mark.parametrize("value", [True, 5000.0, "5000", None, Decimal(5000)])
def test_a_window_is_an_int(value):
    """`True` would be a window of one millisecond."""
    with pytest.raises(InvalidRequestType):
        checked_recv_window(value)

"""Every edit of a document is named for what it does to users."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from generator.change import Change, Effect
from generator.diff import compare
from generator.model import Client
from tests.generator.small_document import client, edited, small

MARKET = "paths/market.yaml"
RECORDS = "paths/records.yaml"
SCHEMAS = "components/schemas.yaml"

BREAKING, CHANGED = Effect.BREAKING, Effect.CHANGE

CASES: list[dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("edits.yaml").read_text(encoding="utf-8")
)
EFFECTS = {
    "breaking": Effect.BREAKING,
    "addition": Effect.ADDITION,
    "change": Effect.CHANGE,
    "text": Effect.TEXT,
}


@cache
def unedited() -> Client:
    """Return the client of the small document."""
    return client(small())


def differences(*edits: tuple[str, str, str]) -> list[Change]:
    """Return what an edit changes."""
    return compare(unedited(), client(edited(*edits)))


def test_the_same_document_has_no_differences() -> None:
    """
    Two readings of one document differ in nothing.
    """
    assert compare(client(small()), client(small())) == []


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_an_edit_is_named_for_what_it_does(case: dict[str, Any]) -> None:
    """
    An edit yields a change of the right effect that names the call or the class, new and old.
    """
    changes = differences(*_steps(case))

    told = [(change.effect.name, change.text) for change in changes]
    assert any(
        change.effect is EFFECTS[case["effect"]] and case["says"] in change.text for change in changes
    ), told


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_taking_an_edit_back_is_a_change_too(case: dict[str, Any]) -> None:
    """
    No difference is seen from one side only.
    """
    assert compare(client(edited(*_steps(case))), unedited())


def _steps(case: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(edit["file"], edit["old"], edit["new"]) for edit in case["edits"]]


def test_a_rename_is_a_removal_and_an_addition() -> None:
    """
    Code that uses the old name breaks, so a renamed member is both gone and new.
    """
    texts = [change.text for change in differences((SCHEMAS, "    isDebt: {", "    hasDebt: {"))]

    assert texts == ["`Balance.is_debt` is gone.", "`Balance.has_debt` is new: `bool | None`."]


def test_breaking_changes_come_first() -> None:
    """
    The list starts with what breaks and ends with what is only words.
    """
    changes = differences(
        (MARKET, "{value: 1,", "{value: 2,"),
        (SCHEMAS, "description: Tolerated amount.", "description: Amount tolerated."),
        (SCHEMAS, "    isDebt: {", "    hasDebt: {"),
    )

    assert [change.effect for change in changes] == sorted(
        (change.effect for change in changes), reverse=True
    )
    assert changes[0].breaking
    assert not changes[-1].breaking


# ----------------------------------------------------------------------------------- random edits

Edit = tuple[list[tuple[str, str, str]], str, Effect]


def rename(name: str) -> Edit:
    """Rename a member of a record."""
    return (
        [
            (SCHEMAS, "    txId: {", f"    {name}: {{"),
            (SCHEMAS, "required: [txId, amount, timestamp]", f"required: [{name}, amount, timestamp]"),
            (RECORDS, "id: txId", f"id: {name}"),
        ],
        "`Record.tx_id` is gone.",
        BREAKING,
    )


def retype(kind: str) -> Edit:
    """Give a member of a record another type."""
    annotation = {"string": "str", "boolean": "bool"}[kind]
    return (
        [(SCHEMAS, "txId: {type: integer, format: int64,", f"txId: {{type: {kind},")],
        f"`Record.tx_id` is now `{annotation}`, was `int`.",
        BREAKING,
    )


def require(argument: str) -> Edit:
    """Make an argument required."""
    python = {"amount": "amount", "specifyRepayAssets": "specify_repay_assets", "side": "side"}[argument]
    return (
        [
            (
                SCHEMAS,
                "required: [asset, timestamp, signature]",
                f"required: [asset, {argument}, timestamp, signature]",
            )
        ],
        f"`client.margin.repay_debt()`: argument `{python}` is now required.",
        BREAKING,
    )


def drop_value(value: str) -> Edit:
    """Drop a value of an enum."""
    left = {"NORMAL": "FROZEN", "FROZEN": "NORMAL"}[value]
    described = {"NORMAL": "{FROZEN: Not usable.}", "FROZEN": "{NORMAL: Nothing to do.}"}[value]
    return (
        [
            (SCHEMAS, "[NORMAL, FROZEN]", f"[{left}]"),
            (SCHEMAS, "{NORMAL: Nothing to do., FROZEN: Not usable.}", described),
            ("examples/balance.json", "{", "{"),
        ],
        f"`BalanceStatus.{value}` is gone; the value is still read, as an unknown one.",
        BREAKING,
    )


def reweigh(value: int) -> Edit:
    """Change the weight of a call."""
    return (
        [(RECORDS, "x-weight: {value: 10,", f"x-weight: {{value: {value},")],
        f"`client.records.repayments()` costs weight {value}, was 10.",
        CHANGED,
    )


NAMES = st.from_regex(r"[a-z]{3,8}[A-Z][a-z]{2,6}", fullmatch=True).filter(
    lambda name: name not in ("isDebt", "txId")
)
ONE_EDIT: dict[str, st.SearchStrategy[Edit]] = {
    "rename": NAMES.map(rename),
    "retype": st.sampled_from(["string", "boolean"]).map(retype),
    "require": st.sampled_from(["amount", "specifyRepayAssets", "side"]).map(require),
    "drop": st.sampled_from(["NORMAL", "FROZEN"]).map(drop_value),
    "weight": st.integers(0, 6000).filter(lambda value: value != 10).map(reweigh),
}
KINDS = st.lists(st.sampled_from(sorted(ONE_EDIT)), min_size=1, max_size=4, unique=True).filter(
    lambda kinds: not {"rename", "retype"} <= set(kinds)
)


@st.composite
def several_edits(draw: Callable[[st.SearchStrategy[object]], object]) -> list[Edit]:
    """Draw up to four edits that do not touch the same place."""
    kinds = draw(KINDS)
    assert isinstance(kinds, list)
    found: list[Edit] = []
    for kind in kinds:
        edit = draw(ONE_EDIT[kind])
        assert isinstance(edit, tuple)
        found.append(edit)
    return found


@settings(max_examples=40, deadline=None, derandomize=True)
@given(several_edits())
def test_each_of_several_random_edits_is_named(edits: list[Edit]) -> None:
    """
    Whatever is edited together, each edit is named, with its own effect, and nothing else is breaking.
    """
    changes = differences(*(step for steps, _, _ in edits for step in steps))

    for _, text, effect in edits:
        assert (effect, text) in [(change.effect, change.text) for change in changes]
    breaking = [change.text for change in changes if change.breaking]
    assert sorted(breaking) == sorted(text for _, text, effect in edits if effect is BREAKING)

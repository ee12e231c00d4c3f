"""Every edit of a document is named for what it does to users."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.client.client_model import Client
from generator.diff.change import Change, Effect
from generator.diff.document_comparison import compare
from tests.generator.small_document import client, edited, small

MARKET = "paths/market.yaml"
SCHEMAS = "components/schemas.yaml"

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
    An edit yields a change of the right effect that names the call or the class, and is seen from both sides.
    """
    after = client(edited(*_steps(case)))

    changes = compare(unedited(), after)

    told = [(change.effect.name, change.text) for change in changes]
    effect = EFFECTS[case["effect"]]
    assert any(change.effect is effect and case["says"] in change.text for change in changes), told
    assert compare(after, unedited())


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

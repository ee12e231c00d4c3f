"""A broken or awkward document is refused, and its author is told where, why and what to write instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from generator.checks.validation import validate
from tests.generator.small_document import edited, joined, problems, small

CASES: list[dict[str, Any]] = yaml.safe_load(
    Path(__file__).with_name("refusals.yaml").read_text(encoding="utf-8")
)


def test_small_document_is_accepted() -> None:
    """
    The document that every case spoils has nothing wrong with it, openapi-spec-validator included.
    """
    validate(joined(small()))


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_refused_with_place_reason_and_remedy(case: dict[str, Any]) -> None:
    """
    A broken document is refused with the file, the pointer, the reason and what to write instead.
    """
    found = problems(edited(*((edit["file"], edit["old"], edit["new"]) for edit in case["edits"])))

    here = [problem for problem in found if f"{problem.file} #{problem.pointer}" == case["at"]]
    told = "\n".join(map(str, found)) or "accepted"
    assert any(case["reason"] in problem.reason and case["remedy"] in problem.remedy for problem in here), (
        told
    )


def test_links_that_lead_somewhere_are_accepted() -> None:
    """A link may take a value from the request, from the answer, or say it itself."""
    schema = "            schema: {$ref: ../components/schemas.yaml#/RepayResult}"
    link = "{operationId: accountBalance, parameters: {asset: %s}}"
    for value in ("$request.body#/asset", "$response.body#/asset", "BNB"):
        files = edited(
            ("paths/margin.yaml", schema, f"{schema}\n        links:\n          debt: {link % value}")
        )
        assert problems(files) == (), value


def test_every_case_names_what_it_expects() -> None:
    """
    Each of at least forty cases has a name of its own, a reason and a remedy.
    """
    names = [case["name"] for case in CASES]

    assert len(names) >= 40
    assert len(set(names)) == len(names)
    assert all(case["reason"] and case["remedy"] for case in CASES)


def test_problems_name_the_line_of_the_file() -> None:
    """
    A problem prints its file, line, pointer, reason and remedy, one below the other.
    """
    found = problems(edited(("paths/market.yaml", "    x-weight: {value: 1, scope: ip}\n", "")))

    assert [str(problem) for problem in found] == [
        "paths/market.yaml:2 #/ping/get\n"
        '    "x-weight" is a required property.\n'
        "    Instead: x-weight: {value: 20, scope: ip}"
    ]


def test_a_document_without_a_root_is_refused() -> None:
    """
    A folder without openapi.yaml is refused, and the missing file is named.
    """
    files = small()
    del files["openapi.yaml"]

    assert [(problem.file, problem.remedy) for problem in problems(files)] == [
        ("openapi.yaml", "a root file named openapi.yaml.")
    ]

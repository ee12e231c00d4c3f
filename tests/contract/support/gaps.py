"""
Reads `gaps.allow.toml`: what is known to be missing, each with its reason. A stale line is a failure too.
"""

import tomllib
from functools import cache
from typing import Any

from tests.contract.support.places import ROOT

PATH = ROOT / "tests" / "contract" / "gaps.allow.toml"


@cache
def gaps() -> list[dict[str, Any]]:
    """Every accepted gap."""
    rows: list[dict[str, Any]] = tomllib.loads(PATH.read_text("utf-8")).get("gap", [])
    for row in rows:
        assert row.keys() == {"kind", "of", "reason"}, row
        assert row["reason"].strip(), row
    return rows


def is_gap(kind: str, of: str) -> bool:
    """Whether this lack is an accepted one."""
    return any(row["kind"] == kind and row["of"] == of for row in gaps())

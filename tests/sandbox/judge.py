"""Compare answers with the responses of the document, and the books with the law of conservation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import jsonschema_rs

from paydown_sandbox.bundled_document import Document, OperationFacts


def inlined(document: Document, node: Any) -> Any:
    """A schema with its references replaced, for a validator of its own."""
    if isinstance(node, list):
        return [inlined(document, item) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        return inlined(document, document.resolve(node))
    return {name: inlined(document, child) for name, child in node.items() if not name.startswith("x-")}


class Judge:
    """Checks that an answer is one that the document describes."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._validators: dict[tuple[str, str], jsonschema_rs.Draft202012Validator] = {}

    def check(self, facts: OperationFacts, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """The status is documented, the type too, and the body fits its schema."""
        document = self._document
        responses = document.raw["paths"][facts.path][facts.method.lower()]["responses"]
        key = str(status) if str(status) in responses else f"{status // 100}XX"
        assert key in responses, f"{facts.id}: {status} is not documented"
        content = document.resolve(responses[key])["content"]
        media = headers["content-type"].split(";")[0]
        assert media in content, f"{facts.id}: {media} is not documented for {status}"
        if media == "application/json":
            validator = self._validators.get((facts.id, key))
            if validator is None:
                schema = inlined(document, content[media]["schema"])
                validator = self._validators[facts.id, key] = jsonschema_rs.Draft202012Validator(schema)
            validator.validate(json.loads(body, parse_float=Decimal))
        assert int(headers.get("content-length", "-1")) == len(body)


def check_conservation(state: Mapping[str, Any]) -> None:
    """
    Of each asset, the accounts and the counterparty hold together what was issued, and no amount is below zero.
    Computed from the answer of `GET /_sandbox/state` alone.
    """
    books = state["books"]
    totals = {asset: -Decimal(amount) for asset, amount in books["issued"].items()}
    for asset, house in books["house"].items():
        totals[asset] = totals.get(asset, Decimal(0)) + Decimal(house["pool"]) + Decimal(house["conversion"])
    for account in state["accounts"]:
        for asset, row in account["balances"].items():
            amounts = {
                name: Decimal(row.get(name, "0"))
                for name in ("free", "locked", "um", "cm", "negative", "borrowed", "interest")
            }
            assert min(amounts.values()) >= 0, (account["id"], asset, row)
            held = amounts["free"] + amounts["locked"] + amounts["um"] + amounts["cm"]
            totals[asset] = totals.get(asset, Decimal(0)) + held - amounts["negative"]
    assert {asset: total for asset, total in totals.items() if total} == {}
    assert books["imbalance"] == {}

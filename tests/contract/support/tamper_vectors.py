"""Writes the tamper matrix as JSON, for clients and servers in any language.

    python -m tests.contract.support.tamper_vectors [FOLDER]     into FOLDER, by default .build/vectors/tamper

The calls chosen stand for the others: a write with a form body, a read with a query, a call that needs a key and no
signature, and one that needs nothing.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from paydown_contract import read_document
from paydown_contract.document import FORM, Document, Operation
from paydown_contract.requests.variants.tamperer import Tamperer, Variant
from paydown_contract.rules.allowed_answers import Oracle
from tests.contract.support.exchange import NOW_MS
from tests.contract.support.keys import signing_key
from tests.contract.support.places import OPENAPI, ROOT

FOLDER: Final = ROOT / ".build" / "vectors" / "tamper"
CALLS: Final = ("repayDebt", "accountBalance", "startUserDataStream", "ping")


def content(contract: Document, operation: Operation) -> dict[str, Any]:
    """The variations of one call, and what may answer each."""
    key, other = signing_key("S1"), signing_key("S2")
    oracle = Oracle(contract, (key, other))
    verdicts: list[dict[str, Any]] = []
    numbers: dict[str, int] = {}
    requests: list[list[Any]] = []
    for variant in _chosen(contract, operation):
        verdict = oracle.expect(variant.request, NOW_MS)
        if verdict.silent:
            continue
        told = {
            "accepted": verdict.accepted,
            "statuses": sorted(verdict.statuses),
            "codes": sorted(verdict.codes),
            "clauses": [breach.clause for breach in verdict.breaches],
        }
        number = numbers.setdefault(json.dumps(told, ensure_ascii=False), len(numbers))
        if number == len(verdicts):
            verdicts.append(told)
        request = variant.request
        usual = _usual(contract, operation, body=bool(request.body))
        headers = None if list(request.headers) == usual else [list(header) for header in request.headers]
        row: list[Any] = [
            f"{variant.group}: {variant.name}",
            "" if request.method == operation.method else request.method,
            "" if request.path == operation.path else request.path,
            request.query.decode("latin-1"),
            request.body.decode("latin-1"),
            number,
        ]
        requests.append(row if headers is None else [*row, headers])
    return {
        "operation": operation.id,
        "method": operation.method,
        "path": operation.path,
        "signed": operation.signed,
        "now_ms": NOW_MS,
        "keys": ["S1", "S2"],
        "headers": [list(header) for header in _usual(contract, operation, body=False)],
        "headers_with_body": [list(header) for header in _usual(contract, operation, body=True)],
        "verdicts": verdicts,
        "requests": requests,
    }


def _chosen(contract: Document, operation: Operation) -> Iterator[Variant]:
    """All but the same odd item at every place of a list: alone it proves as much."""
    tamperer = Tamperer(contract, signing_key("S1"), (signing_key("S2"),), NOW_MS)
    for variant in tamperer.variants(operation):
        if ": first item: " not in variant.name and ": last item: " not in variant.name:
            yield variant


def _usual(contract: Document, operation: Operation, *, body: bool) -> list[tuple[str, str]]:
    key = [(contract.key_header, signing_key("S1").api_key)] if operation.api_key else []
    return [*key, ("Content-Type", FORM)] if body else key


def text(contract: Document, operation: Operation) -> str:
    """The file of one call: one verdict and one request per line."""
    told = content(contract, operation)
    lines: list[str] = []
    for name, value in told.items():
        if name in ("verdicts", "requests"):
            rows = ",\n".join(json.dumps(row, ensure_ascii=True, separators=(",", ":")) for row in value)
            lines.append(f"{json.dumps(name)}: [\n{rows}\n]")
        else:
            lines.append(f"{json.dumps(name)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(lines) + "\n}\n"


def write(contract: Document, folder: Path) -> None:
    """Write a file for each of the calls."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in CALLS:
        (folder / f"{name}.json").write_text(text(contract, contract.by_id(name)), "utf-8")


if __name__ == "__main__":
    chosen = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    write(read_document(OPENAPI), chosen)
    print(chosen)

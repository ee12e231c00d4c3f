"""The facts of the document, as the evidence ledger holds them.

Every file of `openapi/` counts without resolving references, so that a shared part counts once. Left out are words for
people, the marks of where a fact comes from, and what the table of error codes in the evidence holds. Everything else
is a fact, and a changed fact must be changed in the ledger too, by a person who has looked at the source:

    python -m tests.contract.support.facts            says what differs
    python -m tests.contract.support.facts --accept   writes the ledger anew
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from generator.render.filled_json import json_text
from tests.contract.support.places import EVIDENCE, OPENAPI

LEDGER = EVIDENCE / "ledger.json"

# Words for people. `text` is a fact only where it decides: in the status outcomes.
_PROSE = frozenset(
    {"description", "summary", "title", "meaning", "question", "reading", "note", "x-note", "x-absent"}
)
# Where a fact comes from. `test_c_evidence.py` holds x-source, and the marks of the error codes, to the evidence.
_ORIGIN = frozenset({"x-evidence", "x-discrepancy", "x-source", "x-http-evidence", "x-name-from", "msg-from"})
# What error-codes.json holds: it was written from the sources, and `test_c_evidence.py` compares every row.
_HELD = re.compile(r"components/errors\.yaml/codes/[^/]+/(match|http|executed|listed)")
_ORDERED = frozenset({"properties", "parameters"})  # the order of the names is the order on the wire

Facts = dict[str, Any]


def facts(root: Path = OPENAPI) -> Facts:
    """Return every file of the document without what is left out."""
    found: Facts = {}
    for path in sorted(root.parent.rglob("*")):
        if path.suffix in (".yaml", ".json"):
            text = path.read_text("utf-8")
            content = json.loads(text) if path.suffix == ".json" else yaml.load(text, yaml.CSafeLoader)
            name = path.relative_to(root.parent).as_posix()
            found[name] = _kept(content, name)
    return found


def _kept(node: Any, at: str) -> Any:
    """Return a part of the document without what is left out below it."""
    if isinstance(node, list):
        return [_kept(item, f"{at}/{_name(item, number)}") for number, item in enumerate(node)]
    if not isinstance(node, dict):
        return node
    if list(node) == ["$ref"]:  # short, so that the answers of a call share a line: @responses/BadRequest
        return re.sub(r"^(\.\./)?(components/)?", "@", node["$ref"]).replace(".yaml#", "")
    kept: dict[str, Any] = {}
    for key, value in node.items():
        name, place = str(key), f"{at}/{key}"
        words = name in _PROSE or (name == "text" and "/outcomes/" not in at)
        if name in _ORIGIN or (words and not isinstance(value, dict)):
            continue
        if _HELD.fullmatch(place):
            continue
        kept[name] = sorted(value) if name.endswith("-descriptions") else _kept(value, place)
    return kept


def _flat(node: Any, at: str) -> Iterator[tuple[str, Any]]:
    """Yield every fact with its place."""
    if isinstance(node, dict):
        if not node:
            yield at, {}
        if at.rsplit("/", 1)[-1] in _ORDERED:
            yield f"{at}#order", list(node)
        for key, value in node.items():
            yield from _flat(value, f"{at}/{key.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(node, list) and any(isinstance(item, dict | list) for item in node):
        for number, item in enumerate(node):
            yield from _flat(item, f"{at}/{_name(item, number)}")
        yield f"{at}#order", [_name(item, number) for number, item in enumerate(node)]
    else:
        yield at, node


def _name(item: Any, number: int) -> str:
    """Rows are named by what identifies them, so that a new row does not rename the rest."""
    if isinstance(item, dict):
        if "code" in item and "name" in item:
            return f"{item['code']}{item.get('server', '')}"
        for key in ("id", "name", "$ref", "url"):
            if isinstance(item.get(key), str):
                return str(item[key]).replace("/", "~1")
    return str(number)


def difference(now: Facts, then: Facts) -> list[str]:
    """What differs, a line each, in words."""
    lines: list[str] = []
    for file in sorted(now.keys() | then.keys()):
        new, old = dict(_flat(now.get(file), "")), dict(_flat(then.get(file), ""))
        for at in [*old, *(key for key in new if key not in old)]:
            if at not in new:
                lines.append(f"{file}{at}: was {_shown(old[at])}, is gone")
            elif at not in old:
                lines.append(f"{file}{at}: is new, {_shown(new[at])}")
            elif _differs(new[at], old[at]):
                lines.append(f"{file}{at}: was {_shown(old[at])}, is {_shown(new[at])}")
    return lines


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _differs(one: Any, two: Any) -> bool:
    return json.dumps(one, sort_keys=False) != json.dumps(
        two, sort_keys=False
    )  # 1, 1.0 and true are three facts


def recorded() -> Facts:
    """The ledger as it stands in the repository."""
    found: Facts = json.loads(LEDGER.read_text("utf-8"))
    return found


def accept() -> None:
    """Write the ledger anew from the document."""
    LEDGER.write_text(json_text(facts()), "utf-8")


if __name__ == "__main__":
    known = recorded() if LEDGER.exists() else {}
    for line in difference(facts(), known):
        print(line)
    if "--accept" in sys.argv[1:]:
        accept()

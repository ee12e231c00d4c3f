"""The facts of the document, one per line, as the evidence ledger holds them.

Every file of `openapi/` is flattened without resolving references, so that a shared part counts once. Of prose
only its place counts: it may be improved freely, and not be lost. Everything else is a fact, and a changed fact
must be changed in the ledger too, by a person who has looked at the source:

    python -m tests.contract.support.facts            says what differs
    python -m tests.contract.support.facts --accept   writes the ledger anew
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.contract.support.places import EVIDENCE, OPENAPI

LEDGER = EVIDENCE / "ledger.json"

# Words for people. `text` is a fact only where it decides: in the status outcomes.
_PROSE = frozenset(
    {
        "description",
        "summary",
        "meaning",
        "question",
        "reading",
        "note",
        "x-note",
        "x-open-enum-descriptions",
        "x-absent",
    }
)
_PROSE_IS_THERE = "…"
_ORDERED = frozenset({"properties", "parameters"})  # the order of the names is the order on the wire

Facts = dict[str, dict[str, Any]]


def facts(root: Path = OPENAPI) -> Facts:
    """Every fact of the document by file and pointer."""
    found: Facts = {}
    for path in sorted(root.parent.rglob("*")):
        if path.suffix in (".yaml", ".json"):
            text = path.read_text("utf-8")
            content = json.loads(text) if path.suffix == ".json" else yaml.load(text, yaml.CSafeLoader)
            found[path.relative_to(root.parent).as_posix()] = dict(_flat(content, ""))
    return found


def _flat(node: Any, at: str) -> Iterator[tuple[str, Any]]:
    if isinstance(node, dict):
        if not node:
            yield at, {}
        if at.rsplit("/", 1)[-1] in _ORDERED:
            yield f"{at}#order", [str(key) for key in node]
        for key, value in node.items():
            decides = key != "text" or "/outcomes/" in at
            place = f"{at}/{str(key).replace('~', '~0').replace('/', '~1')}"
            prose = (key in _PROSE or not decides) and not isinstance(value, dict)
            if str(key).endswith("-descriptions"):
                yield place, sorted(value)
            elif prose:
                yield place, _PROSE_IS_THERE if isinstance(value, str) and value.strip() else value
            else:
                yield from _flat(value, place)
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
        new, old = now.get(file, {}), then.get(file, {})
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
    lines = ["{"]
    all_facts = facts()
    for file_number, (file, rows) in enumerate(all_facts.items(), 1):
        lines.append(f" {json.dumps(file)}: {{")
        for number, (at, value) in enumerate(rows.items(), 1):
            comma = "," if number < len(rows) else ""
            lines.append(
                f"  {json.dumps(at, ensure_ascii=False)}: {json.dumps(value, ensure_ascii=False)}{comma}"
            )
        lines.append(" }" + ("," if file_number < len(all_facts) else ""))
    LEDGER.write_text("\n".join([*lines, "}"]) + "\n", "utf-8")


if __name__ == "__main__":
    known = recorded() if LEDGER.exists() else {}
    for line in difference(facts(), known):
        print(line)
    if "--accept" in sys.argv[1:]:
        accept()

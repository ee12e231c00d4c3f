"""Read the catalogue of wrong ideas, and put one of them into a copy of the tree.

`catalogue.yaml` names each place by path and qualified name, or by path and keys for the document, and the change by a
pattern of the syntax tree: `patterns.py` describes them. Nothing in it depends on the text of a line.
"""

import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeGuard

import yaml

from tools.mutation.patterns import NoSuchPlace, is_list, replaced

CATALOGUE: Final = Path(__file__).with_name("catalogue.yaml")


@dataclass(frozen=True, slots=True)
class Idea:
    """Hold one wrong idea.

    Attributes:
        id: What is wrong, in a few words.
        area: The area of `areas.yaml` whose tests are asked.
        path: The file that it changes, from the root of the repository.
        name: For code, the qualified name of the definition that holds the place.
        pattern: For code, what is replaced.
        becomes: For code, what it is replaced by; empty where statements are removed.
        edits: For the document, the values that change.
    """

    id: str
    area: str
    path: str
    name: str = ""
    pattern: str = ""
    becomes: str = ""
    edits: tuple[dict[str, Any], ...] = ()

    @property
    def is_of_the_document(self) -> bool:
        """Return whether the client must be generated anew."""
        return bool(self.edits)

    def applied(self, text: str) -> str:
        """Return the text of the file with the wrong idea in it.

        Raises:
            NoSuchPlace: The place is not there, or the change changes nothing.
        """
        if not self.edits:
            return replaced(text, self.name, self.pattern, self.becomes)
        before = yaml.safe_load(text)
        content = copy.deepcopy(before)
        for edit in self.edits:
            _edit(content, edit)
        if content == before:
            raise NoSuchPlace(f"{self.id}: the document has that value already")
        if self.path.endswith(".json"):
            return json.dumps(content, indent=2) + "\n"
        return yaml.dump(content, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=1000)


class _Plain(yaml.SafeDumper):
    """Write equal values out each time, as the document does."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _edit(content: Any, edit: dict[str, Any]) -> None:
    *way, last = edit["at"]
    for step in way:
        content = content[_key(content, step)]
    key = _key(content, last)
    if "becomes" in edit:
        content[key] = edit["becomes"]
    elif "renamed" in edit:
        renamed = {edit["renamed"] if name == key else name: value for name, value in content.items()}
        content.clear()
        content.update(renamed)
    else:
        del content[key]


def _key(content: Any, step: Any) -> Any:
    """Return the key or the index that a step of a path means in a mapping or a list."""
    if isinstance(content, dict) and step in content:
        return step
    if is_list(content):
        fitting = [number for number, each in enumerate(content) if _fits(step, each)]
        if len(fitting) == 1:
            return fitting[0]
        raise NoSuchPlace(f"{step} fits {len(fitting)} elements of the list")
    raise NoSuchPlace(f"there is no {step}")


def _is_mapping(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _fits(step: Any, element: Any) -> bool:
    """Return whether a step means an element: a mapping means one that holds its items, any other value itself."""
    if _is_mapping(step) and _is_mapping(element):
        return step.items() <= element.items()
    return type(step) is type(element) and bool(step == element)


def catalogue(path: Path = CATALOGUE) -> tuple[Idea, ...]:
    """Read the catalogue.

    Raises:
        ValueError: Two entries have one id, or an entry has a key that means nothing.
    """
    content: dict[str, list[dict[str, Any]]] = yaml.safe_load(path.read_text("utf-8"))
    found: list[Idea] = []
    for area, rows in content.items():
        for row in rows:
            edits = row.pop("edits", None) or ([row] if "at" in row else [])
            own: dict[str, Any] = {key: row.pop(key) for key in ("id", "path")}
            if not edits:
                own |= row
            found.append(Idea(area=area, edits=tuple(edits), **own))
    _refuse_doubles([idea.id for idea in found])
    return tuple(found)


def _refuse_doubles(ids: Sequence[str]) -> None:
    doubles = sorted({each for each in ids if ids.count(each) > 1})
    if doubles:
        raise ValueError(f"two wrong ideas have one id: {', '.join(doubles)}")

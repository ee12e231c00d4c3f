"""Refuse names of the document that would become the same class, member, module or enum in Python."""

from __future__ import annotations

import keyword
from collections.abc import Iterator

from generator.checks.reserved_names import RESERVED_CLASSES, RESERVED_FIELDS
from generator.client.parser_document import transform
from generator.client.python_names import class_name, python_name, resource_class_name
from generator.document.bundle import Bundle
from generator.document.json_pointer import escape
from generator.document.schema_queries import items, members, target, text, texts
from generator.document.schema_walk import schemas
from generator.problems import Problem
from generator.quoting import is_plain


def colliding_names(joined: Bundle) -> Iterator[Problem]:
    """Yield a problem for each name that two parts of the document would share, or that Python cannot use."""
    rules = _NameRules(joined)
    yield from rules.names()


class _NameRules:
    def __init__(self, joined: Bundle) -> None:
        self._joined = joined
        self._document = joined.document
        self._tags = [text(tag, "name") for tag in items(joined.document, "tags")]

    def _problem(self, pointer: str, reason: str, remedy: str) -> Problem:
        return self._joined.problem(pointer, reason, remedy)

    def names(self) -> Iterator[Problem]:
        transformed = transform(self._document)
        classes: dict[str, str] = dict.fromkeys(RESERVED_CLASSES, "the generated package")
        for index, tag in enumerate(self._tags):
            spelled = resource_class_name(tag)
            if keyword.iskeyword(tag) or spelled in classes:
                yield self._problem(
                    f"/tags/{index}/name",
                    f"{tag} cannot be a module: it is a keyword, or {spelled} is another class already.",
                    "another name.",
                )
            classes |= {f"{colour}{spelled}": f"the tag {tag}" for colour in ("", "Async")}
        made = [
            (name, f"/components/schemas/{escape(name)}")
            for name in (*transformed.models, *transformed.unions)
        ]
        made += [(enum.name, enum.pointer) for enum in transformed.enums.values()]
        for name, pointer in made:
            spelled = class_name(name)
            if keyword.iskeyword(spelled) or not is_plain(spelled):
                yield self._problem(pointer, f"{spelled} cannot be a class in Python.", "another name.")
            elif spelled in classes:
                yield self._problem(
                    pointer, f"the class {spelled} is taken by {classes[spelled]}.", "another name."
                )
            classes.setdefault(spelled, name)
        yield from self._enums()
        for name in transformed.models:
            pointer = f"/components/schemas/{escape(name)}"
            taken: dict[str, str] = {}
            for key, child in members(
                target(self._document, {"$ref": f"#/components/schemas/{name}"}), "properties"
            ).items():
                python = text(target(self._document, child), "x-python-name") or python_name(key)
                where = f"{pointer}/properties/{escape(key)}"
                if python in RESERVED_FIELDS or keyword.iskeyword(python) or not is_plain(python):
                    yield self._problem(
                        where,
                        f"{key} would be {python}, which every model has already."
                        if is_plain(python)
                        else f"{key} would be {python}, which is not a name in Python.",
                        "x-python-name: another name.",
                    )
                elif python in taken:
                    yield self._problem(
                        where,
                        f"{key} and {taken[python]} would both be {python}.",
                        "x-python-name on one of them.",
                    )
                taken.setdefault(python, key)

    def _enums(self) -> Iterator[Problem]:
        """Yield a problem for each enum name that stands for two different lists of values."""
        known: dict[str, tuple[str, tuple[str, ...]]] = {}
        for pointer, schema in schemas(self._document):
            name = text(schema, "x-enum-name")
            if name:
                values = texts(target(self._document, schema), "x-open-enum")
                first = known.setdefault(name, (pointer, values))
                if first[1] != values:
                    file, inside = self._joined.place(first[0])
                    yield self._problem(
                        f"{pointer}/x-enum-name",
                        f"{name} has other values at {file}#{inside}.",
                        "one named schema for both, or two names.",
                    )

"""Refuse names that collide, and facts about errors and events that contradict each other."""

from __future__ import annotations

import keyword
from collections.abc import Iterator

from generator.checks.vocabulary import RESERVED_CLASSES, RESERVED_FIELDS
from generator.client.opc_adapter import class_name, python_name
from generator.client.transform import transform
from generator.document.bundle import Bundle
from generator.document.schema_queries import items, member, members, number, target, text, texts
from generator.document.schema_walk import schemas
from generator.document.source import escape
from generator.problems import Problem
from generator.quoting import is_plain


def colliding_names(joined: Bundle) -> Iterator[Problem]:
    """Yield names that two things would share, and rows about errors and events that cannot both hold."""
    rules = _NameRules(joined)
    yield from rules.names()
    yield from rules.errors()
    yield from rules.stream()


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
            spelled = f"{class_name(tag)}Resource"
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
        """Yield enums of one name with different values."""
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

    # ------------------------------------------------------------------------------- errors and stream

    def errors(self) -> Iterator[Problem]:
        seen: dict[tuple[int, str], str] = {}
        for index, row in enumerate(items(self._document, "x-error-codes")):
            key = (number(row, "code") or 0, text(row, "server"))
            name = text(row, "name")
            if key in seen:
                yield self._problem(
                    f"/x-error-codes/{index}",
                    f"{key[0]} is {seen[key]} already.",
                    "one row for each code (and server).",
                )
            seen.setdefault(key, name)
        rows = items(self._document, "x-status-outcomes")
        codes = {code for code, _ in seen}
        for index, row in enumerate(rows):
            pointer = f"/x-status-outcomes/{index}"
            if text(row, "status") == "default" and index != len(rows) - 1:
                yield self._problem(
                    pointer, "rows after `default` are never reached.", "default as the last row."
                )
            for code in items(row, "overrides-codes"):
                if code not in codes:
                    yield self._problem(
                        f"{pointer}/overrides-codes",
                        f"{code} is not in x-error-codes.",
                        "a code that is listed there.",
                    )
        if not rows or text(rows[-1], "status") != "default":
            yield self._problem(
                "/x-status-outcomes",
                "no row for a status that nobody lists.",
                "{status: default, executed: unknown, ...} as the last row.",
            )

    def stream(self) -> Iterator[Problem]:
        tag = text(self._document, "x-stream", "type-key")
        known = members(self._document, "components", "schemas")
        for index, event in enumerate(items(self._document, "x-stream", "events")):
            pointer = f"/x-stream/events/{index}"
            name, schema = text(event, "name"), text(event, "schema")
            if schema not in known:
                yield self._problem(
                    f"{pointer}/schema",
                    f"there is no schema {schema}.",
                    "the name of a schema in components/events.yaml.",
                )
            elif member(target(self._document, member(known, schema, "properties", tag)), "const") != name:
                yield self._problem(
                    f"{pointer}/name",
                    f"{tag} of {schema} is not the constant {name}.",
                    f"{tag}: {{type: string, const: {name}}} in {schema}.",
                )

"""Check every sample value of the document against the schema that it illustrates."""

from __future__ import annotations

from collections.abc import Iterator

import jsonschema_rs

from generator.document.bundle import Bundle
from generator.document.json_pointer import Json, at, escape, walk
from generator.document.schema_queries import items, members, target
from generator.problems import Problem


def misfits(joined: Bundle) -> Iterator[Problem]:
    """Yield a problem for each sample of a media type, parameter, header or schema that its schema refuses."""
    validators = _Validators(joined)
    for pointer, value in walk(joined.document):
        if not isinstance(value, dict) or "/x-" in pointer:
            continue
        if isinstance(value.get("schema"), dict) and not pointer.endswith("/properties"):
            for where, sample in _samples(value):
                yield from validators.check(pointer + where, sample, f"{pointer}/schema")
        elif "/examples/" not in pointer and "/example/" not in pointer and _is_schema(pointer):
            for index, sample in enumerate(items(value, "examples")):
                yield from validators.check(f"{pointer}/examples/{index}", sample, pointer)
            if "default" in value:
                yield from validators.check(f"{pointer}/default", value["default"], pointer)
        for name, sample in members(value, "x-examples").items():
            if isinstance(sample, dict) and "value" in sample:
                yield from validators.check(
                    f"{pointer}/x-examples/{escape(name)}/value", sample["value"], pointer
                )


def _samples(holder: dict[str, Json]) -> Iterator[tuple[str, Json]]:
    if "example" in holder:
        yield "/example", holder["example"]
    for name, example in members(holder, "examples").items():
        if isinstance(example, dict) and "value" in example:
            yield f"/examples/{escape(name)}/value", example["value"]


def _is_schema(pointer: str) -> bool:
    return "/schema" in pointer


class _Validators:
    """Keep the compiled schemas, one for each place of the document."""

    def __init__(self, joined: Bundle) -> None:
        self._joined = joined
        self._known: dict[str, jsonschema_rs.Draft202012Validator] = {}
        self._components: Json = {"schemas": members(joined.document, "components", "schemas")}

    def check(self, pointer: str, sample: Json, schema: str) -> Iterator[Problem]:
        """Yield what is wrong with a sample, judged by the one of several shapes that it resembles.

        Args:
            pointer: Place of the sample in the bundled document.
            sample: The sample value.
            schema: Pointer of the schema that it illustrates.
        """
        shapes = items(target(self._joined.document, at(self._joined.document, schema)), "oneOf")
        alike = [index for index, shape in enumerate(shapes) if self._resembles(sample, shape)]
        if len(alike) == 1:
            schema = f"{schema}/oneOf/{alike[0]}"
        for error in self._validator(schema).iter_errors(sample):
            path = "".join(f"/{escape(step)}" for step in error.instance_path)
            text = " ".join(error.message.split())
            file, inside = self._joined.place(schema)
            yield self._joined.problem(
                pointer + path,
                f"the sample does not fit its schema: {text[:240]}.",
                f"a sample that {file}#{inside} allows, or a schema that allows the sample.",
            )

    def _resembles(self, sample: Json, shape: Json) -> bool:
        kind = target(self._joined.document, shape).get("type")
        return {"array": list, "object": dict}.get(str(kind)) is type(sample)

    def _validator(self, pointer: str) -> jsonschema_rs.Draft202012Validator:
        if pointer not in self._known:
            schema = target(self._joined.document, at(self._joined.document, pointer))
            self._known[pointer] = jsonschema_rs.Draft202012Validator(
                {**schema, "components": self._components}
            )
        return self._known[pointer]

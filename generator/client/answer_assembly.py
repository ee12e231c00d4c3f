"""Describe what the exchange sends: models, open enums and tagged unions, the events of the stream among them."""

from __future__ import annotations

from dataclasses import replace

from generator.client.client_model import EnumMember, Field, Model, OpenEnum, TaggedUnion, UnionCase
from generator.client.operation_assembly import Place
from generator.client.parser_adapter import Parsed
from generator.client.parser_document import Transformed
from generator.client.python_names import class_name, module_name
from generator.client.python_types import Type
from generator.document.json_pointer import Json
from generator.document.schema_queries import Schema, items, members, number, schema_name, target, text, texts

_STREAM_EVENT = "StreamEvent"


class AnswerAssembly:
    """Join, for each class that answers are made of, what the parser named with what only the document holds.

    Args:
        document: The validated, bundled document.
        place: Maps a pointer in it to (file, pointer) of the sources.
        transformed: The document that the parser read.
        parsed: The names and types that the parser found.
    """

    def __init__(
        self, document: dict[str, Json], place: Place, transformed: Transformed, parsed: Parsed
    ) -> None:
        self._document = document
        self._place = place
        self._transformed = transformed
        self._parsed = parsed

    def models(self) -> tuple[Model, ...]:
        """Return the classes of JSON objects, in the order of the document."""
        return tuple(self._model(name) for name in self._transformed.models)

    def enums(self) -> tuple[OpenEnum, ...]:
        """Return the open enums, sorted by class name."""
        return tuple(sorted(self._enums(), key=lambda enum: enum.class_name))

    def unions(self) -> tuple[TaggedUnion, ...]:
        """Return the unions of the document and, as one more, the events of the stream."""
        return (*(self._union(name) for name in self._transformed.unions), *self._stream_events())

    def _model(self, name: str) -> Model:
        schema = target(self._document, {"$ref": f"#/components/schemas/{name}"})
        parsed = self._parsed.models[class_name(name)]
        required = texts(schema, "required")
        file, _ = self._place(f"/components/schemas/{name}")
        fields: list[Field] = []
        for key, child in members(schema, "properties").items():
            resolved = target(self._document, child)
            found = parsed.fields[key]
            fields.append(
                Field(
                    name=key,
                    python_name=text(resolved, "x-python-name") or found.python_name,
                    type=_bounded(found.type, resolved),
                    required=key in required,
                    description=" ".join(text(resolved, "description").split()),
                    unit=text(resolved, "x-unit"),
                    secret=text(resolved, "format") == "password",
                    provenance=texts(resolved, "x-evidence"),
                )
            )
        return Model(
            parsed.class_name,
            parsed.module,
            text(schema, "description"),
            tuple(fields),
            file,
            text(schema, "x-source"),
        )

    def _enums(self) -> list[OpenEnum]:
        found: list[OpenEnum] = []
        for enum in self._transformed.enums.values():
            described = members(enum.schema, "x-open-enum-descriptions")
            names = self._parsed.enums[class_name(enum.name)]
            found.append(
                OpenEnum(
                    class_name=class_name(enum.name),
                    description=text(enum.schema, "x-enum-description") or text(enum.schema, "description"),
                    members=tuple(
                        EnumMember(name, value, text(described, value))
                        for name, value in zip(names, enum.values, strict=True)
                    ),
                    file=self._place(enum.pointer)[0],
                )
            )
        return found

    def _union(self, name: str) -> TaggedUnion:
        schema = target(self._document, {"$ref": f"#/components/schemas/{name}"})
        mapping = members(schema, "discriminator", "mapping")
        return TaggedUnion(
            class_name=class_name(name),
            module=module_name(name),
            description=text(schema, "description"),
            tag=text(schema, "discriminator", "propertyName"),
            cases=tuple(
                UnionCase(value, class_name(schema_name({"$ref": ref}))) for value, ref in mapping.items()
            ),
            file=self._place(f"/components/schemas/{name}")[0],
        )

    def _stream_events(self) -> list[TaggedUnion]:
        """Return the events of the stream as one union, whose tag is the member that names the event."""
        facts = members(self._document, "x-stream")
        events = [(text(event, "name"), text(event, "schema")) for event in items(facts, "events")]
        if not events:
            return []
        return [
            TaggedUnion(
                class_name=_STREAM_EVENT,
                module=module_name(_STREAM_EVENT),
                description="An event of the user data stream that the document does not list is kept, not refused.",
                tag=text(facts, "type-key"),
                cases=tuple(UnionCase(name, class_name(schema)) for name, schema in events),
                file="components/events.yaml",
            )
        ]


def _bounded(found: Type, schema: Schema) -> Type:
    """Return a type with the bounds of its schema, which the parser drops."""
    if found.kind == "integer":
        return replace(found, minimum=number(schema, "minimum"), maximum=number(schema, "maximum"))
    return replace(found, minimum=0) if text(schema, "x-decimal", "minimum") == "0" else found

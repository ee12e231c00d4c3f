"""Join what the parser named with what only the document knows, into `model.Client`. A pure function."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from generator.client.client_model import (
    Archive,
    Cap,
    Client,
    EnumMember,
    Field,
    KnownError,
    Model,
    OpenEnum,
    Operation,
    PageWindow,
    Pagination,
    Parameter,
    Question,
    Resource,
    Rule,
    SuccessRule,
    TaggedUnion,
    UnionCase,
    UnresolvedScope,
    Weight,
    WeightCase,
)
from generator.client.opc_adapter import Parsed, ParsedOperation, class_name, module_name, python_name
from generator.client.python_types import Type
from generator.client.shared_facts import error_code, limit, status_outcome
from generator.client.transform import Transformed, operation_parameters, owned_parameters
from generator.document.schema_queries import (
    Schema,
    items,
    member,
    members,
    number,
    operations,
    schema_name,
    target,
    text,
    texts,
)
from generator.document.source import Json, unescape

Place = Callable[[str], tuple[str, str]]
_EXPOSED = "recvWindow"  # owned by the auth scheme, but a caller may want another value for one call
_STREAM_EVENT = "StreamEvent"
_DEFAULT_BUDGET = "ip-weight"


def assemble(document: Mapping[str, Json], place: Place, transformed: Transformed, parsed: Parsed) -> Client:
    """Return the client that the document describes.

    Args:
        document: The validated, bundled document.
        place: Maps a pointer in it to (file, pointer) of the sources.
        transformed: What `transform` made of it.
        parsed: What the parser made of that.
    """
    return _Assembler(dict(document), place, transformed, parsed).run()


class _Assembler:
    def __init__(
        self, document: dict[str, Json], place: Place, transformed: Transformed, parsed: Parsed
    ) -> None:
        self._document = document
        self._place = place
        self._transformed = transformed
        self._parsed = parsed
        self._owned = owned_parameters(document)
        timeout = members(document, "x-default-timeout")
        self._timeout = (number(timeout, "connect-ms") or 0, number(timeout, "answer-ms") or 0)

    def run(self) -> Client:
        document = self._document
        header, signing = self._scheme()
        servers = members(document, "x-servers")
        return Client(
            title=text(document, "info", "title"),
            version=text(document, "info", "version"),
            resources=self._resources(),
            models=tuple(self._model(name) for name in self._transformed.models),
            enums=tuple(sorted(self._enums(), key=lambda enum: enum.class_name)),
            unions=(*(self._union(name) for name in self._transformed.unions), *self._stream_events()),
            error_codes=tuple(error_code(row) for row in items(document, "x-error-codes")),
            status_outcomes=tuple(status_outcome(row) for row in items(document, "x-status-outcomes")),
            limits=tuple(limit(name, row) for name, row in members(document, "x-limits").items()),
            servers={name: text(row, "url") for name, row in servers.items() if text(row, "url")},
            clocks=tuple(text(row, "url") for row in items(servers, "clocks")),
            ban=members(document, "x-ban"),
            stream=members(document, "x-stream"),
            api_key_header=header,
            signing=signing,
            default_connect_timeout_ms=self._timeout[0],
            default_answer_timeout_ms=self._timeout[1],
            evidence_marks={
                name: str(meaning) for name, meaning in members(document, "x-evidence-marks").items()
            },
        )

    def _scheme(self) -> tuple[str, Mapping[str, Json]]:
        for scheme in members(self._document, "components", "securitySchemes").values():
            if text(scheme, "type") == "apiKey":
                return text(scheme, "name"), members(scheme, "x-signing")
        return "", {}

    # ------------------------------------------------------------------------------- operations

    def _resources(self) -> tuple[Resource, ...]:
        grouped: dict[str, list[Operation]] = {}
        for pointer, operation in operations(self._document):
            grouped.setdefault(texts(operation, "tags")[0], []).append(self._operation(pointer, operation))
        described = {text(tag, "name"): text(tag, "description") for tag in items(self._document, "tags")}
        order = [name for name in described if name in grouped] + [
            name for name in grouped if name not in described
        ]
        return tuple(
            Resource(tag, f"{class_name(tag)}Resource", tag, described.get(tag, ""), tuple(grouped[tag]))
            for tag in order
        )

    def _operation(self, pointer: str, operation: Schema) -> Operation:
        document = self._document
        parsed = self._parsed.operations[text(operation, "operationId")]
        path, method = pointer.split("/")[2:]
        security = members(document, "x-security-types", text(operation, "x-security-type"))
        parameters = [
            self._parameter(parsed, *found) for found in operation_parameters(document, pointer, operation)
        ]
        signed = security.get("signed") is True
        mutates = operation.get("x-mutates") is True
        owned = tuple(parameter for parameter in parameters if parameter.name in self._owned)
        timeout = members(operation, "x-timeout")
        method_name = text(operation, "x-method-name")
        polymorphic_by = text(operation, "x-polymorphic-by") or None
        results = list(parsed.results) or [Type("nothing")]
        if self._collapses(operation):
            results = [Type("list_or_one", item=results[0].item)]
        pagination = self._pagination(operation)
        scope = members(operation, "x-unresolved-scope")
        return Operation(
            id=text(operation, "operationId"),
            name=f"{texts(operation, 'tags')[0]}.{method_name}",
            constant=parsed.python_name.upper(),
            python_name=method_name,
            resource=texts(operation, "tags")[0],
            method=method.upper(),
            path=unescape(path),
            server=text(operation, "x-server") or "papi",
            security_type=text(operation, "x-security-type"),
            api_key=security.get("api-key") is True,
            signed=signed,
            mutates=mutates,
            weight=self._weight(operation),
            connect_timeout_ms=number(timeout, "connect-ms") or self._timeout[0],
            answer_timeout_ms=number(timeout, "answer-ms") or self._timeout[1],
            parameters=tuple(parameter for parameter in parameters if parameter.name not in self._owned),
            owned=owned,
            exposed=tuple(parameter for parameter in owned if parameter.name == _EXPOSED),
            success=tuple(_success(rule) for rule in items(operation, "x-success")),
            caps=tuple(_cap(row) for row in items(operation, "x-caps")),
            rules=tuple(
                Rule(text(row, "id"), text(row, "text"), texts(row, "x-evidence"))
                for row in items(operation, "x-rules")
            ),
            questions=tuple(
                Question(text(row, "id"), text(row, "question"), text(row, "reading"))
                for row in items(operation, "x-undocumented")
            ),
            requires_any=texts(operation, "x-requires-any"),
            known_errors=tuple(
                KnownError(number(row, "code") or 0, text(row, "text"), texts(row, "x-evidence"))
                for row in items(operation, "x-known-errors")
            ),
            unresolved_scope=UnresolvedScope(text(scope, "group"), text(scope, "argument"))
            if scope
            else None,
            pagination=pagination,
            polymorphic_by=polymorphic_by,
            result=results[0],
            single_result=results[-1] if polymorphic_by else None,
            row=self._row(results[0], pagination),
            summary=text(operation, "summary"),
            description=text(operation, "description"),
            evidence=texts(operation, "x-evidence"),
            source=text(operation, "x-source"),
            file=self._place(pointer)[0],
        )

    def _collapses(self, operation: Schema) -> bool:
        response = target(self._document, member(operation, "responses", "200"))
        schema = target(self._document, member(response, "content", "application/json", "schema"))
        return text(schema, "x-collapse") == "list"

    def _parameter(
        self, parsed: ParsedOperation, pointer: str, location: str, parameter: Schema
    ) -> Parameter:
        document = self._document
        name = text(parameter, "name")
        schema = target(document, parameter.get("schema"))
        decimals = members(schema, "x-decimal")
        kind = _parameter_kind(schema)
        shape = target(document, schema.get("items")) if kind == "string_list" else schema
        resolved = text(parameter, "x-python-name") or parsed.arguments.get(name) or python_name(name)
        return Parameter(
            name=name,
            python_name=resolved,
            location=location,
            kind=kind,
            required=parameter.get("required") is True,
            description=text(parameter, "description") or text(schema, "description"),
            unit=text(parameter, "x-unit") or text(schema, "x-unit"),
            minimum=number(schema, "minimum"),
            maximum=number(schema, "maximum"),
            max_integer_digits=number(decimals, "max-integer-digits"),
            max_fraction_digits=number(decimals, "max-fraction-digits"),
            exclusive_minimum=text(decimals, "exclusive-minimum") or None,
            min_length=number(shape, "minLength"),
            max_length=number(shape, "maxLength"),
            pattern=text(shape, "pattern") or None,
            choices=texts(schema, "enum") if kind == "enum" else (),
            min_items=number(schema, "minItems"),
            max_items=number(schema, "maxItems"),
            unique_items=schema.get("uniqueItems") is True,
            excludes=texts(schema, "x-excludes"),
            evidence=texts(parameter, "x-evidence") or texts(schema, "x-evidence"),
        )

    def _weight(self, operation: Schema) -> Weight:
        weight = members(operation, "x-weight")
        return Weight(
            value=number(weight, "value") or 0,
            scope=text(weight, "scope"),
            budget=text(weight, "budget") or _DEFAULT_BUDGET,
            observed=number(weight, "observed"),
            documented=number(weight, "documented"),
            when=tuple(
                WeightCase(
                    text(case, "parameter"), member(case, "present") is not False, number(case, "value") or 0
                )
                for case in items(weight, "when")
            ),
            label={name: str(scope) for name, scope in members(weight, "label").items()},
            note=" ".join(text(weight, "note").split()),
        )

    def _pagination(self, operation: Schema) -> Pagination | None:
        facts = members(operation, "x-pagination")
        if not facts:
            return None
        window = members(facts, "window")
        archive = members(facts, "archive")
        return Pagination(
            style=text(facts, "style"),
            page=text(facts, "page") or None,
            from_id=text(facts, "from-id") or None,
            size=text(facts, "size") or None,
            default_size=number(facts, "default-size"),
            max_size=number(facts, "max-size"),
            rows=text(facts, "rows") or None,
            total=text(facts, "total") or None,
            id=text(facts, "id") or None,
            order=text(facts, "order"),
            time=text(facts, "time") or None,
            window=_window(window) if window else None,
            archive=Archive(text(archive, "parameter"), number(archive, "older-than-months") or 0)
            if archive
            else None,
            kept_ms=number(facts, "kept-ms"),
            facts=facts,
        )

    def _row(self, result: Type, pagination: Pagination | None) -> Type | None:
        if pagination is None:
            return None
        if pagination.rows is None:
            return result.item
        envelope = self._parsed.models[result.name].fields[pagination.rows].type
        return envelope.item

    # ------------------------------------------------------------------------------- answers

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
                    evidence=texts(resolved, "x-evidence"),
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

    def _stream_events(self) -> list[TaggedUnion]:
        """Return the events of the stream as one type, told apart by the member that names them."""
        facts = members(self._document, "x-stream")
        events = [(text(event, "name"), text(event, "schema")) for event in items(facts, "events")]
        if not events:
            return []
        return [
            TaggedUnion(
                class_name=_STREAM_EVENT,
                module=module_name(_STREAM_EVENT),
                description="An event of the user data stream that nobody lists is kept, not refused.",
                tag=text(facts, "type-key"),
                cases=tuple(UnionCase(name, class_name(schema)) for name, schema in events),
                file="components/events.yaml",
            )
        ]

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


def _parameter_kind(schema: Mapping[str, Json]) -> str:
    """Return how an argument is checked and written. The validator refuses whatever is not listed here."""
    if schema.get("type") == "array":
        return "string_list"
    if schema.get("type") == "integer":
        return "integer"
    choices = items(dict(schema), "enum")
    if choices:
        return "boolean_text" if sorted(str(choice) for choice in choices) == ["false", "true"] else "enum"
    return "decimal" if schema.get("format") == "decimal" else "string"


def _bounded(found: Type, schema: Schema) -> Type:
    """Return the type with the bounds of its schema, which the parser drops."""
    if found.kind == "integer":
        return replace(found, minimum=number(schema, "minimum"), maximum=number(schema, "maximum"))
    return replace(found, minimum=0) if text(schema, "x-decimal", "minimum") == "0" else found


def _window(facts: Schema) -> PageWindow:
    return PageWindow(
        text(facts, "start"), text(facts, "end"), number(facts, "max-ms"), number(facts, "default-ms")
    )


def _success(rule: Json) -> SuccessRule:
    return SuccessRule(
        field=text(rule, "field"),
        equals=member(rule, "equals"),
        equals_argument=text(rule, "equals-argument") or None,
        type=text(rule, "type") or None,
    )


def _cap(row: Json) -> Cap:
    return Cap(
        id=text(row, "id"),
        kind=text(row, "kind"),
        limit=str(member(row, "limit")),
        unit=text(row, "unit"),
        inclusive=member(row, "inclusive") is not False,
        interval_ms=number(row, "interval-ms"),
        text=text(row, "text"),
        evidence=texts(row, "x-evidence"),
    )

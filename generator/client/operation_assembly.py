"""Describe each operation of the document: its arguments, weight, pages, caps, success rules and answer types."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from generator.client.client_model import (
    Archive,
    Cap,
    KnownError,
    Operation,
    PageWindow,
    Pagination,
    Parameter,
    Question,
    Rule,
    SuccessRule,
    UnresolvedScope,
    Weight,
    WeightCase,
)
from generator.client.parser_adapter import Parsed, ParsedOperation
from generator.client.python_names import python_name
from generator.client.python_types import Type
from generator.document.json_pointer import Json, unescape
from generator.document.operation_parameters import operation_parameters, owned_parameters
from generator.document.schema_queries import Schema, items, member, members, number, target, text, texts

Place = Callable[[str], tuple[str, str]]
_EXPOSED = "recvWindow"  # owned by the auth scheme, but a caller may want another value for one call
_DEFAULT_BUDGET = "ip-weight"


class OperationAssembly:
    """Join, for each operation, what the parser named with what only the document holds.

    Args:
        document: The validated, bundled document.
        place: Maps a pointer in it to (file, pointer) of the sources.
        parsed: The names and types that the parser found.
        timeout: Milliseconds to connect and to answer, for operations that name no others.
    """

    def __init__(
        self, document: dict[str, Json], place: Place, parsed: Parsed, timeout: tuple[int, int]
    ) -> None:
        self._document = document
        self._place = place
        self._parsed = parsed
        self._timeout = timeout
        self._owned = owned_parameters(document)

    def operation(self, pointer: str, operation: Schema) -> Operation:
        """Return the facts of one operation.

        Args:
            pointer: JSON pointer of the operation in the bundled document.
            operation: What stands there.
        """
        document = self._document
        parsed = self._parsed.operations[text(operation, "operationId")]
        path, method = pointer.split("/")[2:]
        security = members(document, "x-security-types", text(operation, "x-security-type"))
        parameters = [
            self._parameter(parsed, *found) for found in operation_parameters(document, pointer, operation)
        ]
        owned = tuple(parameter for parameter in parameters if parameter.name in self._owned)
        timeout = members(operation, "x-timeout")
        method_name = text(operation, "x-method-name")
        polymorphic_by = text(operation, "x-polymorphic-by") or None
        results = self._results(parsed, operation)
        pagination = _pagination(operation)
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
            signed=security.get("signed") is True,
            mutates=operation.get("x-mutates") is True,
            weight=_weight(operation),
            connect_timeout_ms=number(timeout, "connect-ms") or self._timeout[0],
            answer_timeout_ms=number(timeout, "answer-ms") or self._timeout[1],
            parameters=tuple(parameter for parameter in parameters if parameter.name not in self._owned),
            owned=owned,
            exposed=tuple(parameter for parameter in owned if parameter.name == _EXPOSED),
            success=tuple(_success(rule) for rule in items(operation, "x-success")),
            caps=tuple(_cap(row) for row in items(operation, "x-caps")),
            rules=tuple(_rule(row) for row in items(operation, "x-rules")),
            questions=tuple(_question(row) for row in items(operation, "x-undocumented")),
            requires_any=texts(operation, "x-requires-any"),
            known_errors=tuple(_known_error(row) for row in items(operation, "x-known-errors")),
            unresolved_scope=_unresolved_scope(operation),
            pagination=pagination,
            polymorphic_by=polymorphic_by,
            result=results[0],
            single_result=results[-1] if polymorphic_by else None,
            row=self._row(results[0], pagination),
            summary=text(operation, "summary"),
            description=text(operation, "description"),
            provenance=texts(operation, "x-evidence"),
            source=text(operation, "x-source"),
            file=self._place(pointer)[0],
        )

    def _results(self, parsed: ParsedOperation, operation: Schema) -> list[Type]:
        """Return the types of the answer: one, or two where an argument decides between them."""
        if self._collapses(operation):
            return [Type("list_or_one", item=parsed.results[0].item)]
        return list(parsed.results) or [Type("nothing")]

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
            provenance=texts(parameter, "x-evidence") or texts(schema, "x-evidence"),
        )

    def _row(self, result: Type, pagination: Pagination | None) -> Type | None:
        if pagination is None:
            return None
        if pagination.rows is None:
            return result.item
        envelope = self._parsed.models[result.name].fields[pagination.rows].type
        return envelope.item


def _weight(operation: Schema) -> Weight:
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


def _pagination(operation: Schema) -> Pagination | None:
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


def _rule(row: Json) -> Rule:
    return Rule(text(row, "id"), text(row, "text"), texts(row, "x-evidence"))


def _question(row: Json) -> Question:
    return Question(text(row, "id"), text(row, "question"), text(row, "reading"))


def _known_error(row: Json) -> KnownError:
    return KnownError(number(row, "code") or 0, text(row, "text"), texts(row, "x-evidence"))


def _unresolved_scope(operation: Schema) -> UnresolvedScope | None:
    scope = members(operation, "x-unresolved-scope")
    return UnresolvedScope(text(scope, "group"), text(scope, "argument")) if scope else None


def _parameter_kind(schema: Mapping[str, Json]) -> str:
    """Return how an argument is checked and written. The checks refuse every schema that has no kind here."""
    if schema.get("type") == "array":
        return "string_list"
    if schema.get("type") == "integer":
        return "integer"
    choices = items(dict(schema), "enum")
    if choices:
        return "boolean_text" if sorted(str(choice) for choice in choices) == ["false", "true"] else "enum"
    return "decimal" if schema.get("format") == "decimal" else "string"


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
        provenance=texts(row, "x-evidence"),
    )

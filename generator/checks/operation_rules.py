"""Refuse operations whose facts contradict each other, or refer to a name that the document does not have."""

from __future__ import annotations

import keyword
from collections.abc import Iterator

from generator.checks.reserved_names import RESERVED_ARGUMENTS, RESERVED_CONSTANTS
from generator.client.python_names import python_name
from generator.document.bundle import Bundle
from generator.document.json_pointer import Json, unescape
from generator.document.operation_parameters import FORM, operation_parameters, owned_parameters
from generator.document.schema_queries import (
    Schema,
    is_object,
    items,
    member,
    members,
    number,
    operations,
    target,
    text,
    texts,
)
from generator.problems import Problem
from generator.quoting import is_plain

_PARAMETER_KINDS = (
    "string, decimal text, int64, an enum of texts, or a list of strings (form, explode: false)"
)


def broken_calls(joined: Bundle) -> Iterator[Problem]:
    """Yield a problem for each contradiction, and each reference to a missing name, in the facts of an operation."""
    rules = _CallRules(joined)
    for pointer, operation in operations(joined.document):
        yield from rules.operation(pointer, operation)


class _CallRules:
    def __init__(self, joined: Bundle) -> None:
        self._joined = joined
        self._document = joined.document
        self._owned = owned_parameters(joined.document)
        self._ids: dict[str, str] = {}
        self._methods: dict[tuple[str, str], str] = {}
        self._tags = [text(tag, "name") for tag in items(joined.document, "tags")]

    def _problem(self, pointer: str, reason: str, remedy: str) -> Problem:
        return self._joined.problem(pointer, reason, remedy)

    # ------------------------------------------------------------------------------- one call

    def operation(self, pointer: str, operation: Schema) -> Iterator[Problem]:
        parameters = {
            str(parameter.get("name")): (where, location, parameter)
            for where, location, parameter in operation_parameters(self._document, pointer, operation)
        }
        content = members(operation, "requestBody", "content")
        if content and set(content) != {FORM}:
            remedy = f"{FORM}: the protocol has no other."
            yield self._problem(f"{pointer}/requestBody/content", f"a body as {', '.join(content)}.", remedy)
            return  # without its members nothing else can be judged
        yield from self._identity(pointer, operation)
        yield from self._security(pointer, operation, list(parameters))
        yield from self._parameters(pointer, operation)
        yield from self._references(pointer, operation, list(parameters))
        yield from self._answer(pointer, operation, parameters)
        yield from self._pages(pointer, operation, list(parameters))
        for name in ("x-caps", "x-rules", "x-undocumented"):
            yield from self._ids_of(f"{pointer}/{name}", items(operation, name))

    def _identity(self, pointer: str, operation: Schema) -> Iterator[Problem]:
        name = text(operation, "operationId")
        spelled = python_name(name)
        if spelled in self._ids:
            yield self._problem(
                f"{pointer}/operationId",
                f"{name} is used by {self._ids[spelled]} as well.",
                "a name of its own.",
            )
        if spelled.upper() in RESERVED_CONSTANTS or keyword.iskeyword(spelled.upper()):
            yield self._problem(
                f"{pointer}/operationId", f"{spelled.upper()} is a constant already.", "another name."
            )
        self._ids.setdefault(
            spelled, f"{pointer.rpartition('/')[2].upper()} {unescape(pointer.split('/')[2])}"
        )
        tag, method = texts(operation, "tags")[0], text(operation, "x-method-name")
        if tag not in self._tags:
            yield self._problem(
                f"{pointer}/tags/0",
                f"{tag} is not among the tags of the document.",
                f"one of: {', '.join(self._tags)}.",
            )
        if (tag, method) in self._methods:
            yield self._problem(
                f"{pointer}/x-method-name",
                f"{tag}.{method} is the method of {self._methods[tag, method]} as well.",
                "another name.",
            )
        self._methods.setdefault((tag, method), name)
        if keyword.iskeyword(method) or method.startswith("iter_"):
            yield self._problem(
                f"{pointer}/x-method-name",
                f"{method} is taken: a keyword, or the walk over pages.",
                "another name.",
            )
        if operation.get("x-mutates") is True and pointer.endswith("/get"):
            yield self._problem(
                f"{pointer}/x-mutates",
                "a GET that changes something.",
                "x-mutates: false, or the method that it really is.",
            )
        server = text(operation, "x-server") or "papi"
        known = members(self._document, "x-servers")
        prefix = text(known, server, "path-prefix")
        if not text(known, server, "url"):
            yield self._problem(
                f"{pointer}/x-server",
                f"{server} is not in x-servers, or has no url.",
                f"one of: {', '.join(known)}.",
            )
        elif prefix and not unescape(pointer.split("/")[2]).startswith(prefix):
            yield self._problem(
                pointer,
                f"the path does not start with {prefix}, as those of {server} do.",
                "the server that it belongs to: x-server.",
            )

    def _security(self, pointer: str, operation: Schema, names: list[str]) -> Iterator[Problem]:
        kind = text(operation, "x-security-type")
        known = members(self._document, "x-security-types")
        if kind not in known:
            yield self._problem(
                f"{pointer}/x-security-type",
                f"{kind} is not in x-security-types.",
                f"one of: {', '.join(known)}.",
            )
            return
        keyed = bool(items(operation, "security"))
        if "security" not in operation or keyed is not (member(known, kind, "api-key") is True):
            remedy = "security: [{ApiKey: []}]" if member(known, kind, "api-key") is True else "security: []"
            yield self._problem(
                f"{pointer}/security", f"security does not match the security type {kind}.", remedy
            )
        signed = member(known, kind, "signed") is True
        for name in self._owned:
            if signed and name not in names:
                yield self._problem(
                    pointer,
                    f"a signed call without {name}.",
                    f"the {name} parameter, or member of the form body.",
                )
            if not signed and name in names:
                yield self._problem(
                    pointer,
                    f"{name} on a call of type {kind}, which is not signed.",
                    "no such parameter, or a signed type.",
                )

    def _parameters(self, pointer: str, operation: Schema) -> Iterator[Problem]:
        if "requestBody" in operation:
            body = target(self._document, member(operation, "requestBody", "content", FORM, "schema"))
            if not is_object(body) or body.get("additionalProperties") is not False:
                yield self._problem(
                    f"{pointer}/requestBody",
                    "a form that accepts names outside its properties.",
                    "type: object with additionalProperties: false.",
                )
            if pointer.endswith("/get"):
                yield self._problem(f"{pointer}/requestBody", "a GET with a body.", "query parameters.")
        spelled: dict[str, str] = {}
        for where, location, parameter in operation_parameters(self._document, pointer, operation):
            name = text(parameter, "name")
            resolved = target(self._document, parameter.get("schema"))
            python = text(parameter, "x-python-name") or python_name(name)
            if location not in ("query", "body"):
                yield self._problem(
                    where, f"{name} in the {location}.", "in: query, or a member of the form body."
                )
            if python in spelled:
                yield self._problem(
                    where,
                    f"{name} and {spelled[python]} would both be the argument {python}.",
                    "x-python-name on one of them.",
                )
            spelled[python] = name
            if keyword.iskeyword(python) or python in RESERVED_ARGUMENTS or not is_plain(python):
                yield self._problem(
                    where, f"{python} cannot be an argument in Python.", "x-python-name: another name."
                )
            if not (text(parameter, "description") or text(resolved, "description")):
                yield self._problem(
                    where, f"{name} has no description.", "description: what it is, with its unit."
                )
            yield from self._kind(where, name, parameter, resolved)

    def _kind(self, where: str, name: str, parameter: Schema, schema: Schema) -> Iterator[Problem]:
        kind = schema.get("type")
        if kind == "array":
            inner = target(self._document, schema.get("items"))
            style = members(parameter, "encoding") or parameter
            if inner.get("type") != "string":
                yield self._problem(where, f"{name} is a list of {inner.get('type')}.", _PARAMETER_KINDS)
            if style.get("explode") is not False:
                yield self._problem(
                    where,
                    f"{name} is a list that would be sent as {name}=A&{name}=B.",
                    "style: form and explode: false (in a form body: encoding), which sends A,B.",
                )
        elif kind not in ("string", "integer"):
            yield self._problem(where, f"{name} is of type {kind}.", _PARAMETER_KINDS)
        elif "x-open-enum" in schema:
            yield self._problem(
                where,
                f"{name} is an open list of values.",
                "enum: [...] for the values that may be sent, or a pattern.",
            )
        elif kind == "string" and text(schema, "format") not in ("", "decimal", "password"):
            yield self._problem(where, f"{name} has the format {text(schema, 'format')}.", _PARAMETER_KINDS)
        low, high = number(schema, "minimum"), number(schema, "maximum")
        if kind == "integer" and (low is None or high is None):
            yield self._problem(where, f"{name} is an integer without bounds.", "minimum and maximum.")
        elif low is not None and high is not None and low > high:
            yield self._problem(
                where, f"{name} is at least {low} and at most {high}.", "bounds that leave a value."
            )

    def _references(self, pointer: str, operation: Schema, names: list[str]) -> Iterator[Problem]:
        weight = members(operation, "x-weight")
        limits = members(self._document, "x-limits")
        budget = text(weight, "budget") or "ip-weight"
        if budget not in limits:
            yield self._problem(
                f"{pointer}/x-weight", f"{budget} is not in x-limits.", f"budget: one of {', '.join(limits)}."
            )
        elif (number(weight, "value") or 0) > (number(limits, budget, "limit") or 0):
            yield self._problem(
                f"{pointer}/x-weight/value",
                f"more than the whole budget {budget}: the call could never be sent.",
                "a weight within the limit, or another budget.",
            )
        wanted = [
            (f"{pointer}/x-weight/when/{index}/parameter", text(case, "parameter"))
            for index, case in enumerate(items(weight, "when"))
        ]
        wanted += [
            (f"{pointer}/x-requires-any/{index}", name)
            for index, name in enumerate(texts(operation, "x-requires-any"))
        ]
        if "x-polymorphic-by" in operation:
            wanted.append((f"{pointer}/x-polymorphic-by", text(operation, "x-polymorphic-by")))
        if "x-unresolved-scope" in operation:
            wanted.append(
                (f"{pointer}/x-unresolved-scope/argument", text(operation, "x-unresolved-scope", "argument"))
            )
            if operation.get("x-mutates") is not True:
                yield self._problem(
                    f"{pointer}/x-unresolved-scope",
                    "a call that changes nothing has no unresolved outcome.",
                    "x-mutates: true, or leave it out.",
                )
        for where, name in wanted:
            if name not in names:
                yield self._problem(
                    where,
                    f"the call has no parameter {name}.",
                    f"one of: {', '.join(name for name in names if name not in self._owned)}.",
                )

    def _ids_of(self, pointer: str, rows: list[Json]) -> Iterator[Problem]:
        seen: set[str] = set()
        for index, row in enumerate(rows):
            if text(row, "id") in seen:
                yield self._problem(
                    f"{pointer}/{index}/id", f"{text(row, 'id')} is used twice.", "a name of its own."
                )
            seen.add(text(row, "id"))

    # ------------------------------------------------------------------------------- answers

    def _answer(
        self, pointer: str, operation: Schema, parameters: dict[str, tuple[str, str, Schema]]
    ) -> Iterator[Problem]:
        good = [status for status in members(operation, "responses") if status.startswith("2")]
        if good != ["200"]:
            yield self._problem(
                f"{pointer}/responses",
                f"answers of success: {', '.join(good) or 'none'}.",
                'exactly one, "200".',
            )
            return
        response = target(self._document, member(operation, "responses", "200"))
        answer = target(self._document, member(response, "content", "application/json", "schema"))
        fields = members(answer, "properties")
        if operation.get("x-mutates") is True and fields and "x-success" not in operation:
            yield self._problem(
                pointer,
                "a call that changes something has no rule for when it is done.",
                "x-success: [{field: success, equals: true}]",
            )
        for index, rule in enumerate(items(operation, "x-success")):
            yield from self._success(f"{pointer}/x-success/{index}", rule, fields, list(parameters))
        if "x-polymorphic-by" in operation:
            name = text(operation, "x-polymorphic-by")
            if name in parameters and parameters[name][2].get("required") is True:
                yield self._problem(
                    f"{pointer}/x-polymorphic-by",
                    f"{name} is required, so the answer has one shape.",
                    "required: false",
                )
            if not items(answer, "oneOf"):
                yield self._problem(
                    f"{pointer}/x-polymorphic-by",
                    "the answer has one shape.",
                    "oneOf: [list, object] as the schema of the 200.",
                )

    def _success(
        self, pointer: str, rule: Json, fields: dict[str, Json], names: list[str]
    ) -> Iterator[Problem]:
        field = text(rule, "field")
        if field not in fields:
            yield self._problem(
                f"{pointer}/field", f"the answer has no member {field}.", f"one of: {', '.join(fields)}."
            )
            return
        kind = target(self._document, fields[field]).get("type")
        argument = text(rule, "equals-argument")
        if argument and argument not in names:
            yield self._problem(
                f"{pointer}/equals-argument",
                f"the call has no parameter {argument}.",
                f"one of: {', '.join(names)}.",
            )
        expected = member(rule, "equals")
        kinds: dict[type, str] = {bool: "boolean", int: "integer", str: "string"}
        if expected is not None and kinds.get(type(expected)) != kind:
            yield self._problem(
                f"{pointer}/equals",
                f"{field} is of type {kind}, which never equals {expected!r}.",
                f"a value of type {kind}.",
            )
        if text(rule, "type") and text(rule, "type") != kind:
            yield self._problem(f"{pointer}/type", f"{field} is of type {kind}.", f"type: {kind}")

    def _pages(self, pointer: str, operation: Schema, names: list[str]) -> Iterator[Problem]:
        pages = members(operation, "x-pagination")
        if not pages:
            return
        where = f"{pointer}/x-pagination"
        response = target(self._document, member(operation, "responses", "200"))
        answer = target(self._document, member(response, "content", "application/json", "schema"))
        wired: tuple[str, ...] = ("page", "from-id", "size")
        arguments = [(key, text(pages, key)) for key in wired if key in pages]
        arguments += [
            (f"window/{key}", text(pages, "window", key)) for key in ("start", "end") if "window" in pages
        ]
        arguments += (
            [("archive/parameter", text(pages, "archive", "parameter"))] if "archive" in pages else []
        )
        for key, name in arguments:
            if name not in names:
                yield self._problem(
                    f"{where}/{key}", f"the call has no parameter {name}.", f"one of: {', '.join(names)}."
                )
        style = text(pages, "style")
        needed = {
            "page": ("page", "size", "max-size"),
            "from-id": ("from-id", "id", "size", "max-size"),
            "time-window": ("window",),
        }[style]
        for need in needed:
            if need not in pages:
                yield self._problem(where, f"pages of style {style} need {need}.", f"{need}: ...")
        envelope = members(answer, "properties")
        for part in ("rows", "total"):
            if part in pages and text(pages, part) not in envelope:
                yield self._problem(
                    f"{where}/{part}",
                    f"the answer has no member {text(pages, part)}.",
                    f"one of: {', '.join(envelope) or 'none, the answer is a list'}.",
                )
        rows = target(self._document, member(envelope, text(pages, "rows"))) if "rows" in pages else answer
        row = target(self._document, rows.get("items"))
        if rows.get("type") != "array" or not is_object(row):
            yield self._problem(
                where,
                "the rows are not a list of objects.",
                "rows: the member that holds them; leave it out if the answer is the list.",
            )
            return
        for part in ("id", "time"):
            if part in pages and text(pages, part) not in members(row, "properties"):
                yield self._problem(
                    f"{where}/{part}",
                    f"a row has no member {text(pages, part)}.",
                    f"one of: {', '.join(members(row, 'properties'))}.",
                )

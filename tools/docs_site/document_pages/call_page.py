"""Write the page of one operation: what it needs, costs and answers, and which questions are open."""

from __future__ import annotations

import json

from generator.client.client_model import Operation, Parameter, SuccessRule
from generator.document.json_pointer import Json
from generator.document.schema_queries import Schema, items, member, members, number, text, texts
from tools.docs_site.markdown import (
    Links,
    block,
    code,
    codes,
    json_block,
    note,
    page,
    paragraphs,
    prose,
    symbol,
    table,
)
from tools.docs_site.page_facts import Facts, duration, per

from .field_tables import annotation, arguments_table, model_table, models_in
from .provenance import findings, joined, provenance_marks, sample_provenance
from .question_table import question_table

_PER = {"ip": "IP address"}


def path_of(operation: Operation) -> str:
    """Return the path of the page of an operation."""
    return f"api/{operation.resource}/{operation.python_name}.md"


def walk_name(operation: Operation) -> str:
    """Return the name of the method that iterates over all rows of a list."""
    return f"{operation.resource}.iter_{operation.python_name}"


def call_page(facts: Facts, operation: Operation) -> str:
    """Return the page of one operation.

    Args:
        facts: Everything that the pages are made from.
        operation: The operation.
    """
    links = Links(path_of(operation))
    node = facts.node(operation)
    questions = facts.questions(node)
    return page(
        f"# {operation.name}",
        prose(operation.summary),
        f'<p class="call"><span class="verb">{operation.method}</span> {code(operation.path)}</p>',
        _signature(operation),
        paragraphs(operation.description),
        _warning(operation, node),
        _at_a_glance(facts, links, operation, node),
        "## Arguments" if operation.parameters or operation.exposed else "",
        arguments_table(facts, links, operation) if operation.parameters or operation.exposed else "",
        _transport(operation),
        *_rules(links, operation, node),
        *_answer(facts, links, operation),
        *_paging(operation),
        *_examples(facts, links, operation, node),
        *_errors(facts, links, operation, node),
        "## Open questions" if questions else "",
        question_table(facts, links, questions) if questions else "",
    )


def _signature(operation: Operation) -> str:
    given = [*operation.parameters, *operation.exposed]
    lines = [f"    {one.python_name}: {one.annotation}{'' if one.required else ' = UNSET'}," for one in given]
    result = annotation(operation.result)
    if operation.single_result is not None:
        result = f"{result} | {annotation(operation.single_result)}"
    arguments = ["    *,", *lines] if lines else []
    head = f"client.{operation.name}("
    whole = "\n".join([head, *arguments, f") -> {result}"]) if arguments else f"{head}) -> {result}"
    if operation.row is not None:
        whole += f"\n\nclient.{walk_name(operation)}(...) -> Iterator[{annotation(operation.row)}]"
    return block("python", whole)


def _warning(operation: Operation, node: Schema) -> str:
    if not operation.mutates:
        return ""
    scope = operation.unresolved_scope
    body = (
        "It is sent once and never repeated by the client. If the answer is lost, the call raises"
        " `OutcomeUnknown`: it may have happened."
    )
    if scope is not None:
        argument = next(one.python_name for one in operation.parameters if one.name == scope.argument)
        body += (
            f" From then on every call of the group `{scope.group}` with the same `{argument}` is refused"
            " before it is sent, until `client.settle(attempt_id, executed=...)` records its outcome."
        )
    return note(
        "danger", "This call moves money" if scope is not None else "This call changes something", body
    )


def _at_a_glance(facts: Facts, links: Links, operation: Operation, node: Schema) -> str:
    security = (
        "API key and signature"
        if operation.signed
        else "API key, no signature"
        if operation.api_key
        else "no key"
    )
    rows = [
        ("Security", f"{links.to('api/protocol.md', code(operation.security_type), 'security')}: {security}"),
        ("Weight", _weight(facts, links, operation, node)),
        ("Changes something", "**yes**" if operation.mutates else "no"),
        ("Host", code(facts.client.servers[operation.server])),
        (
            "Time allowed",
            f"{duration(operation.connect_timeout_ms)} to connect,"
            f" {duration(operation.answer_timeout_ms)} for the answer",
        ),
    ]
    if operation.success:
        rows.append(
            (
                "Done when",
                "HTTP 200 and " + " and ".join(_success(operation, rule) for rule in operation.success),
            )
        )
    if text(node, "x-repeatable"):
        rows.append(("May be repeated", prose(text(node, "x-repeatable"))))
    rows += [
        (
            "Known from",
            joined((links.marks(operation.provenance), links.findings(findings(node)))),
        ),
        ("Source", f"<{operation.source}>"),
    ]
    return table(("", ""), rows)


def _weight(facts: Facts, links: Links, operation: Operation, node: Schema) -> str:
    weight = operation.weight
    limit = next((limit for limit in facts.client.limits if limit.id == weight.budget), None)
    shown = f"**{weight.value}**"
    if limit is not None:
        shown += f" of {limit.limit} per {per(limit.interval_ms)} and {_PER.get(limit.per, limit.per)}"
        shown += f" ({links.to('api/protocol.md', code(limit.id), 'limits')})"
    names = {one.name: one.python_name for one in operation.parameters}
    for case in weight.when:
        shown += f"; **{case.value}** {'with' if case.present else 'without'} `{names[case.parameter]}`"
    shown += "."
    documented = number(node, "x-weight", "documented")
    if documented is not None:
        shown += f" Printed: {documented}."
    if weight.observed is not None:
        shown += f" Measured: {weight.observed}."
    if weight.note:
        return f"{shown} <br>{prose(weight.note)}"
    printed = [
        f"{who} prints {scope}" if scope != "none" else f"{who} prints nothing"
        for who, scope in (
            ("the page", weight.label.get("docs", "none")),
            ("the SDK", weight.label.get("sdk", "none")),
        )
    ]
    return f"{shown} <br>About its scope {' and '.join(printed)}."


def _success(operation: Operation, rule: SuccessRule) -> str:
    if rule.equals_argument is not None:
        return f"{code(rule.field)} is the {code(rule.equals_argument)} asked for"
    if rule.type is not None:
        return f"{code(rule.field)} is {'an' if rule.type[0] in 'aeiou' else 'a'} {rule.type}"
    return f"{code(rule.field)} is {code(json.dumps(rule.equals))}"


def _transport(operation: Operation) -> str:
    if not operation.signed:
        return ""
    where = "form body" if operation.method != "GET" else "query"
    owned = codes(one.name for one in operation.owned if one not in operation.exposed)
    return f"On the wire all of it goes into the {where}, in this order. The client adds {owned} itself."


def _rules(links: Links, operation: Operation, node: Schema) -> list[str]:
    rows: list[tuple[str, str]] = [
        (f"**{prose(text(cap, 'text'))}**{_cap_notes(cap)}", links.marks(provenance_marks(cap)))
        for cap in items(node, "x-caps")
    ]
    rows += [(prose(rule.text), links.marks(rule.provenance)) for rule in operation.rules]
    needed = texts(node, "x-requires-any")
    if needed:
        rows.append((f"One of {codes(needed)} is required.", links.marks(operation.provenance)))
    return ["## Limits and rules", table(("Rule", "Known from"), rows)] if rows else []


def _cap_notes(cap: Json) -> str:
    notes: list[str] = []
    if text(cap, "price-reading"):
        notes.append(f"Which price values it is undocumented; reading: {prose(text(cap, 'price-reading'))}.")
    if text(cap, "window") == "undocumented":
        notes.append("Whether the window rolls is undocumented.")
    return "".join(f" {one}" for one in notes)


def _answer(facts: Facts, links: Links, operation: Operation) -> list[str]:
    models = models_in(facts, operation.result, operation.single_result)
    if operation.result.kind == "nothing":
        return ["## Answer", "Nothing: the exchange answers an empty object, the method returns `None`."]
    parts = ["## Answer"]
    if operation.single_result is not None and operation.polymorphic_by is not None:
        name = next(one.python_name for one in operation.parameters if one.name == operation.polymorphic_by)
        parts.append(
            f"Without `{name}`: {code(annotation(operation.result))}."
            f" With `{name}`: {code(annotation(operation.single_result))}."
        )
    elif operation.result.kind != "model":
        parts.append(f"{code(annotation(operation.result))}.")
    for model in models:
        parts += [
            f"### {model.class_name} {{ #{model.class_name.lower()} }}",
            paragraphs(model.description),
            model_table(facts, links, model),
        ]
    classes = ", ".join(symbol(f"paydown_wire.models.{model.class_name}") for model in models)
    parts.append(f"Fields that the document does not name are kept in `additional`. In Python: {classes}.")
    return parts


def _paging(operation: Operation) -> list[str]:
    paging = operation.pagination
    if paging is None:
        return []
    names = {one.name: one.python_name for one in operation.parameters}
    sentences: list[str] = []
    if paging.page is not None:
        sentences.append(f"Pages are counted by `{names[paging.page]}` from 1.")
    if paging.from_id is not None:
        sentences.append(f"The next page begins at `{names[paging.from_id]}`.")
    if paging.size is not None and paging.max_size is not None:
        default = f"{paging.default_size} by default, " if paging.default_size is not None else ""
        sentences.append(f"`{names[paging.size]}` rows per page: {default}at most {paging.max_size}.")
    order = "undocumented" if paging.order == "undocumented" else paging.order.replace("-", " ")
    sentences.append(f"Order: {order}.")
    if paging.window is not None:
        window = paging.window
        span = f"`{names[window.start]}` and `{names[window.end]}`"
        if window.max_ms is not None:
            sentences.append(f"{span} lie at most {duration(window.max_ms)} apart.")
        if window.default_ms is not None:
            sentences.append(f"Without them: the last {duration(window.default_ms)}.")
    if paging.archive is not None:
        sentences.append(
            f"Rows older than {paging.archive.older_than_months} months are found only with"
            f" `{names[paging.archive.parameter]}=True`."
        )
    if paging.kept_ms is not None:
        sentences.append(f"Rows are kept for {duration(paging.kept_ms)}.")
    walk = (
        f"`client.{walk_name(operation)}(...)` walks over all rows of any span: it cuts the span into windows"
        " that the exchange accepts, and loses or doubles no row at the seams."
    )
    return ["## Pages", " ".join(sentences), walk]


def _examples(facts: Facts, links: Links, operation: Operation, node: Schema) -> list[str]:
    parts: list[str] = []
    for content in members(facts.resolve(node.get("requestBody")), "content").values():
        for name, sample in members(content, "examples").items():
            summary = text(sample, "summary") or f"Request, {name}"
            parts += [
                f"**{prose(summary)}** {sample_provenance(links, sample)}",
                block("python", _python_call(operation, members(sample, "value"))),
                block("text", _wire_text(operation, members(sample, "value"))),
            ]
    if not parts and not operation.mutates:
        call = _call_from_parameters(facts, operation, node)
        parts += [block("python", call)] if call else []
    for status, answer in members(node, "responses").items():
        for content in members(facts.resolve(answer), "content").values() if status.startswith("2") else ():
            for name, sample in members(content, "examples").items():
                summary = text(sample, "summary") or f"Answer {status}, {name}"
                parts += [
                    f"**{prose(summary)}** {sample_provenance(links, sample)}",
                    json_block(member(sample, "value")),
                ]
    return ["## Examples", *parts] if parts else []


def _python_call(operation: Operation, sent: dict[str, Json]) -> str:
    arguments = [
        f"    {one.python_name}={_python_value(one, sent[one.name])},"
        for one in operation.parameters
        if one.name in sent
    ]
    return (
        "\n".join([f"client.{operation.name}(", *arguments, ")"])
        if arguments
        else f"client.{operation.name}()"
    )


def _python_value(parameter: Parameter, value: Json) -> str:
    if parameter.kind == "decimal":
        return f'Decimal("{value}")'
    if parameter.kind == "boolean_text":
        return "True" if value == "true" else "False"
    return json.dumps(value, ensure_ascii=False)


def _wire_text(operation: Operation, sent: dict[str, Json]) -> str:
    """Return the body as it travels, one item a line, so that a long signature does not hide the rest."""
    from urllib.parse import quote

    lines = [
        f"{name}={quote(','.join(map(str, value)) if isinstance(value, list) else str(value), safe='-_.~')}"
        for name, value in sent.items()
    ]
    return "\n&".join([f"{operation.method} {operation.path}\n\n{lines[0]}", *lines[1:]]) if lines else ""


def _call_from_parameters(facts: Facts, operation: Operation, node: Schema) -> str:
    """Return a call with the sample values of its parameters, or "" if a required one has no sample."""
    values: dict[str, Json] = {}
    for entry in items(node, "parameters"):
        parameter = facts.resolve(entry)
        for sample in members(parameter, "examples").values():
            values.setdefault(text(parameter, "name"), member(sample, "value"))
    if any(one.required and one.name not in values for one in operation.parameters):
        return ""
    calls = [_python_call(operation, values)]
    if operation.polymorphic_by is not None:
        calls.insert(0, f"client.{operation.name}()")
    return "\n".join(calls)


def _errors(facts: Facts, links: Links, operation: Operation, node: Schema) -> list[str]:
    rows: list[tuple[str, str, str]] = []
    for status, answer in members(node, "responses").items():
        if status.startswith("2"):
            continue
        resolved = facts.resolve(answer)
        samples = [
            f"{links.error_code(number(value, 'code') or 0)}"
            for content in members(resolved, "content").values()
            for sample in members(content, "examples").values()
            if number(value := member(sample, "value"), "code") is not None
        ]
        shown = prose(text(resolved, "description"))
        if samples:
            shown += f" Such as {', '.join(samples)}."
        rows.append((f"**{status}**", shown, links.marks(provenance_marks(resolved))))
    known = [
        (
            f"{number(row, 'http')}, {links.error_code(number(row, 'code') or 0)}",
            prose(text(row, "text")),
            links.marks(provenance_marks(row)),
        )
        for row in items(node, "x-known-errors")
    ]
    parts = ["## Errors", table(("Status", "Meaning", "Known from"), rows)]
    if known:
        parts += ["Seen with this call:", table(("Status and code", "When", "Known from"), known)]
    end = (
        "A call without a usable answer raises `OutcomeUnknown`."
        if operation.mutates
        else "A read without a usable answer is repeated, then raises `ReadFailed`."
    )
    parts.append(
        f"{end} Every code stands in the {links.to('api/errors.md', 'error table')}, every status in the"
        f" {links.to('api/outcomes.md', 'table of outcomes')}."
    )
    return parts

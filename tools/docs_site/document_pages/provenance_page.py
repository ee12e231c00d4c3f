"""Write the page that lists, for every marked place of the document, where its fact comes from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from generator.document.json_pointer import Json
from generator.document.schema_queries import member, members, number, text
from tools.docs_site.markdown import Links, anchor, code, page, prose, table
from tools.docs_site.page_facts import Facts

from .call_page import path_of
from .error_code_pages import ERRORS
from .provenance import findings, joined, provenance_marks

PROVENANCE = "api/provenance.md"
_GROUPS = (
    "Calls",
    "Arguments",
    "Limits and rules of a call",
    "Answers and events",
    "Samples",
    "Error codes",
    "Outcomes",
    "Protocol",
)


@dataclass(frozen=True, slots=True)
class Fact:
    """Hold one place of the document that carries provenance marks.

    Attributes:
        group: One of the headings of the page.
        name: What the fact is about; Markdown.
        statement: The fact, as far as one line can hold it; Markdown.
        marks: Its provenance marks.
        findings: Numbers of the findings that it belongs to.
    """

    group: str
    name: str
    statement: str
    marks: tuple[str, ...]
    findings: tuple[int, ...]


def provenance_page(facts: Facts) -> str:
    """Return the page with an explanation of each mark, and the marks of every fact."""
    links = Links(PROVENANCE)
    found = list(marked_facts(facts, links))
    count = Counter(mark for fact in found for mark in fact.marks)
    parts = [
        "# Provenance",
        f"Each of the {len(found)} facts of the document carries marks of where it comes from. Several marks mean"
        " that each of them supports the fact; `undocumented` with another mark means that a part of it, such as a"
        " bound, is the choice of this project."
        f" {links.to('api/sources.md', 'Sources')} names the pages and lists every contradiction that was found.",
    ]
    marks = facts.client.provenance_marks.items()
    parts.append(
        table(
            ("Mark", "What it means", "Facts"),
            (
                (f"{anchor(f'mark-{mark}')}{links.marks([mark])}", prose(meaning), str(count[mark]))
                for mark, meaning in marks
            ),
        )
    )
    for group in _GROUPS:
        parts += [
            f"## {group}",
            table(
                ("Fact", "Statement", "Known from"),
                (
                    (
                        fact.name,
                        fact.statement,
                        joined((links.marks(fact.marks), links.findings(fact.findings))),
                    )
                    for fact in found
                    if fact.group == group
                ),
            ),
        ]
    return page(*parts)


def marked_facts(facts: Facts, links: Links) -> Iterator[Fact]:
    """Yield every place of the document that carries `x-evidence`, in the order of the document.

    Args:
        facts: Everything that the pages are made from.
        links: Makes links of the page that shows the facts.
    """
    for operation in facts.client.operations:
        node = facts.node(operation)
        name = links.to(path_of(operation), code(operation.name))
        for where, child in _marked(node, ()):
            yield _of_call(name, where, child)
    components = members(facts.document, "components")
    for kind, group in (
        ("parameters", "Arguments"),
        ("schemas", "Answers and events"),
        ("headers", "Protocol"),
        ("responses", "Protocol"),
        ("securitySchemes", "Protocol"),
    ):
        for where, child in _marked(members(components, kind), ()):
            yield _fact(
                _component_group(group, where),
                code(".".join(part for part in where if part not in _HIDDEN)),
                child,
            )
    for key, group in (
        ("x-error-codes", "Error codes"),
        ("x-status-outcomes", "Outcomes"),
        ("x-transport-outcomes", "Outcomes"),
    ):
        for _, child in _marked(facts.document.get(key), ()):
            yield _fact(group, _row_name(links, child), child)
    for key in (
        "x-limits",
        "x-ban",
        "x-security-types",
        "x-servers",
        "x-parameter-transport",
        "x-default-timeout",
        "x-stream",
        "x-meanings",
    ):
        for where, child in _marked(facts.document.get(key), (key.removeprefix("x-"),)):
            yield _fact("Protocol", code(".".join(where)), child)


_HIDDEN = frozenset(
    {
        "properties",
        "schema",
        "x-examples",
        "examples",
        "content",
        "application/json",
        "text/html",
        "x-signing",
    }
)


def _marked(value: Json, where: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], dict[str, Json]]]:
    if isinstance(value, dict):
        if "x-evidence" in value:
            yield where, value
        for key, child in value.items():
            if key != "value":
                yield from _marked(child, (*where, key))
    elif isinstance(value, list):
        for position, child in enumerate(value):
            yield from _marked(child, (*where, text(child, "id") or text(child, "name") or str(position)))


def _of_call(name: str, where: tuple[str, ...], child: dict[str, Json]) -> Fact:
    if not where:
        return _fact("Calls", name, child)
    group = "Limits and rules of a call"
    if where[0] == "parameters":
        group = "Arguments"
    elif "examples" in where:
        group = "Samples"
    elif where[0] == "responses":
        group = "Answers and events"
    shown = ".".join(part for part in where[1:] if part not in _HIDDEN) or where[0]
    if group == "Samples":
        side = "request" if where[0] == "requestBody" else f"answer {where[1]}"
        shown = f"{side}, {where[-1]}"
    return _fact(group, f"{name} {code(shown)}", child)


def _component_group(group: str, where: tuple[str, ...]) -> str:
    return "Samples" if "examples" in where or "x-examples" in where else group


def _fact(group: str, name: str, node: dict[str, Json]) -> Fact:
    return Fact(group, name, _statement(node), provenance_marks(node), findings(node))


def _statement(node: dict[str, Json]) -> str:
    for key in ("text", "meaning", "summary", "description", "x-note", "url", "algorithm"):
        found = text(node, key)
        if found:
            return prose(found.split("\n\n")[0])
    limit = number(node, "limit")
    if limit is not None:
        return f"{limit} per {number(node, 'interval-ms')} ms"
    plain = {
        key: child
        for key, child in node.items()
        if not key.startswith("x-") and isinstance(child, (str, int, bool))
    }
    return ", ".join(
        f"{prose(key)}: {code(str(child).lower() if isinstance(child, bool) else str(child))}"
        for key, child in plain.items()
    )


def _row_name(links: Links, row: dict[str, Json]) -> str:
    number_of = number(row, "code")
    status = text(row, "status")
    if number_of is not None and not status:
        return f"{links.to(ERRORS, code(str(number_of)), f'code{number_of}')} {prose(text(row, 'name'))}"
    if status:
        wording = text(row, "text") or (str(number_of) if number_of is not None else "")
        return f"{prose(status)}{f', {prose(wording)}' if wording else ''}"
    return prose(str(member(row, "id") or ""))

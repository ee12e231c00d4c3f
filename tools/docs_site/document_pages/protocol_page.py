"""Write the list of operations, and the page about what all share: hosts, security, signing and limits."""

from __future__ import annotations

from generator.client.client_model import Operation
from generator.document.schema_queries import items, member, members, number, text, texts
from tools.docs_site.markdown import Links, anchor, code, codes, page, paragraphs, prose, table
from tools.docs_site.page_facts import Facts, duration, per

from .call_page import path_of
from .provenance import provenance, provenance_marks
from .question_table import question_table

INDEX = "api/index.md"
PROTOCOL = "api/protocol.md"


def index_page(facts: Facts) -> str:
    """Return the list of all operations, grouped as the client groups them."""
    links = Links(INDEX)
    parts = [
        "# API reference",
        f"Every call that the document describes, {len(facts.client.operations)} of them. Each page shows what"
        " the call takes, costs and answers, how each of these facts is"
        f" {links.to('api/provenance.md', 'known')}, and which questions are open.",
        paragraphs(text(facts.document, "info", "description")),
    ]
    for resource in facts.client.resources:
        parts += [
            f"## {resource.tag} {{ #{resource.tag} }}",
            prose(resource.description),
            table(
                ("Call", "What for", "Weight", "Changes something"),
                (
                    (
                        f"{links.to(path_of(one), code(one.name))} <br>{code(f'{one.method} {one.path}')}",
                        prose(one.summary),
                        str(one.weight.value),
                        "**yes**" if one.mutates else "no",
                    )
                    for one in resource.operations
                ),
            ),
        ]
    return page(*parts)


def protocol_page(facts: Facts) -> str:
    """Return the page of what holds for every operation."""
    links = Links(PROTOCOL)
    return page(
        "# Protocol",
        "What holds for every call: where it goes, who may make it, how it is signed, what it may cost.",
        *_hosts(facts, links),
        *_security(facts, links),
        *_signing(facts, links),
        *_limits(facts, links),
        "## How parameters travel",
        prose(text(facts.document, "x-parameter-transport", "text")),
        links.marks(provenance_marks(members(facts.document, "x-parameter-transport"))),
        "## Open questions",
        question_table(facts, links, facts.questions(facts.document)),
    )


def _hosts(facts: Facts, links: Links) -> list[str]:
    servers = members(facts.document, "x-servers")
    rows = [
        (code(name), code(text(row, "url")) if text(row, "url") else "none", provenance(links, row))
        for name, row in servers.items()
        if isinstance(row, dict)
    ]
    rows += [("clock", code(text(row, "url")), provenance(links, row)) for row in items(servers, "clocks")]
    return ["## Hosts { #hosts }", table(("Name", "Address", "Known from"), rows)]


def _security(facts: Facts, links: Links) -> list[str]:
    rows: list[tuple[str, str, str, str]] = []
    for name, row in members(facts.document, "x-security-types").items():
        signed = "yes" if member(row, "signed") is True else "no"
        if member(row, "signature-tolerated") is True:
            signed = "no; one is tolerated"
        rows.append(
            (code(name), "yes" if member(row, "api-key") is True else "no", signed, provenance(links, row))
        )
    return ["## Security types { #security }", table(("Type", "API key", "Signature", "Known from"), rows)]


def _signing(facts: Facts, links: Links) -> list[str]:
    signing = facts.client.signing
    recv = members(signing.get("recv-window"))
    encoding = members(signing.get("percent-encoding"))
    rows = [
        (
            code(name),
            code(text(row, "algorithm")),
            prose(text(row, "key")),
            text(row, "encoding") + (", percent-encoded" if member(row, "percent-encoded") is True else ""),
            f"{provenance(links, row)} {prose(text(row, 'x-note'))}".strip(),
        )
        for name, row in members(signing.get("algorithms")).items()
    ]
    codes_by_cause = members(signing.get("error-codes"))
    return [
        "## Signing { #signing }",
        prose(
            text(facts.document, "components", "securitySchemes", "ApiKey", "description").replace(
                "\n\n", " "
            )
        ),
        "The message is the query text directly followed by the body text, without `?` and without"
        f" {codes(texts(signing.get('excludes')))}. The signature is the"
        f" {text(signing.get('signature'), 'position')} item and covers exactly the bytes that are sent.",
        table(("Key", "Algorithm", "Made with", "Written as", "Known from"), rows),
        f"Percent-encoding happens {prose(text(encoding, 'when'))}; unreserved are"
        f" {code(text(encoding, 'unreserved'))}. {provenance(links, encoding)}",
        f"A request is accepted while {code(str(signing.get('acceptance', '')))}. `recvWindow` is"
        f" {number(recv, 'default')} ms by default and at most {number(recv, 'maximum')} ms."
        f" {provenance(links, recv)}",
        table(
            ("What is wrong", "Code"),
            (
                (name, links.error_code(value))
                for name, value in codes_by_cause.items()
                if isinstance(value, int)
            ),
        ),
    ]


def _limits(facts: Facts, links: Links) -> list[str]:
    rows: list[tuple[str, str, str, str, str]] = []
    for name, row in members(facts.document, "x-limits").items():
        interval = number(row, "interval-ms") or 0
        scope = text(row, "per") + (", each path by itself" if member(row, "per-endpoint") is True else "")
        rows.append(
            (
                f"{anchor(f'limit-{name}')}{code(name)}",
                f"{number(row, 'limit')} per {per(interval)}",
                scope,
                f"{code(text(row, 'header'))} <br>errors count:"
                f" {'yes' if member(row, 'counted-on-error') is True else 'no'}"
                f" <br>window: {prose(text(row, 'window'))}, read as {prose(text(row, 'window-reading'))}",
                provenance(links, row),
            )
        )
    ban = members(facts.document, "x-ban")
    return [
        "## Limits { #limits }",
        table(("Budget", "Limit", "Counted per", "How it is counted", "Known from"), rows),
        "Going on after a 429 ends in a 418: the address is banned for"
        f" {duration(number(ban, 'minimum-ms') or 0)} at first and"
        f" {duration(number(ban, 'maximum-ms') or 0)} at most. Without a `Retry-After`, pause"
        f" {duration(number(ban, 'pause-after-429-ms') or 0)}. {links.marks(provenance_marks(ban))}",
    ]


def operations_by_resource(facts: Facts) -> list[tuple[str, list[Operation]]]:
    """Return the operations, grouped for the navigation."""
    return [(resource.tag, list(resource.operations)) for resource in facts.client.resources]

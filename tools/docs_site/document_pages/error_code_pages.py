"""Write the table of error codes, and the table of what each HTTP status proves about a call that moves money."""

from __future__ import annotations

from generator.document.json_pointer import Json
from generator.document.schema_queries import items, number, text
from tools.docs_site.markdown import Links, anchor, code, codes, page, prose, symbol, table
from tools.docs_site.page_facts import Facts

from .provenance import provenance, provenance_marks

ERRORS = "api/errors.md"
OUTCOMES = "api/outcomes.md"

_WIDE = "---\nhide: [toc]\n---"  # the tables need the room
_AGAIN = {
    "never-blindly": "again: never blindly",
    "after-fixing-request": "again: once the request is fixed",
    "yes-after-backoff": "again: after a pause",
}
_EXECUTED = {"no": "no", "unknown": "**unknown**", "see-body": "see the body"}


def error_page(facts: Facts) -> str:
    """Return the table of every error code."""
    links = Links(ERRORS)
    rows = items(facts.document, "x-error-codes")
    listed = [row for row in rows if text(row, "listed") == "papi"]
    elsewhere = [row for row in rows if text(row, "listed") != "papi"]
    return page(
        _WIDE,
        "# Error codes",
        f"{len(rows)} codes, and what each proves about a call that changes something. *Executed* `no`: nothing"
        " happened, the debt is unchanged. **unknown**: it may have happened, so look before anything is sent"
        " again. *Raised as* is the class for a call that changes something; a read that ends without an"
        f" answer is repeated and then raises {symbol('paydown.errors.ReadFailed')}.",
        f"The HTTP status matters, too: see {links.to(OUTCOMES, 'outcomes')}. The tree of classes stands"
        f" in {links.to('python/errors.md', 'errors in Python')}.",
        "## Listed for Portfolio Margin { #listed }",
        _table(facts, links, listed),
        "## From other pages of the exchange, and from the wire { #elsewhere }",
        "The Portfolio Margin page does not list these. They are taken from the pages of classic margin and"
        " others, in case they are sent.",
        _table(facts, links, elsewhere),
    )


def outcome_page(facts: Facts) -> str:
    """Return the page of rules that turn an answer into an outcome."""
    links = Links(OUTCOMES)
    rows = [
        (
            f"{position}",
            _when(row),
            _executed(row),
            _raised(facts, row),
            f"{prose(text(row, 'x-note'))} {provenance(links, row)}".strip(),
        )
        for position, row in enumerate(items(facts.document, "x-status-outcomes"), 1)
    ]
    silent = [
        (prose(text(row, "text")), _EXECUTED[text(row, "executed")], links.marks(provenance_marks(row)))
        for row in items(facts.document, "x-transport-outcomes")
    ]
    return page(
        _WIDE,
        "# What an answer means",
        "For a call that changes something, the first row that fits decides. Then, if the body is a JSON"
        f" object whose `code` is **unknown** in the {links.to(ERRORS, 'error table')}, the outcome is"
        " unknown, unless the row overrides that code.",
        table(("Rule", "Answer", "Executed", "Raised as", "Why"), rows),
        "## No answer at all { #transport }",
        table(("What happened", "Executed", "Known from"), silent),
        "Only success, a refusal and a request that never left close an attempt. Anything else, an"
        " interrupt included, leaves it open.",
    )


def _table(facts: Facts, links: Links, rows: list[Json]) -> str:
    return table(
        ("Code", "Meaning", "Executed", "Raised as", "Known from"),
        (
            (
                f"{_anchors(row)}**{number(row, 'code')}** <br>{code(text(row, 'name'))}{_statuses(row)}",
                f"{prose(text(row, 'meaning'))} <br>{_message(row)}",
                _executed(row),
                _raised(facts, row),
                provenance(links, row),
            )
            for row in rows
        ),
    )


def _executed(row: Json) -> str:
    return f"{_EXECUTED[text(row, 'executed')]} <br>{_AGAIN[text(row, 'retry')]}"


def _anchors(row: Json) -> str:
    # One number has two rows, one for each host: the row of the first host is what a link means.
    server = text(row, "server")
    name = f"code{number(row, 'code')}"
    return anchor(name) if server in ("", "papi") else anchor(f"{name}-{server}")


def _statuses(row: Json) -> str:
    statuses = [str(status) for status in items(row, "http")]
    server = text(row, "server")
    parts = [f"HTTP {', '.join(statuses)}" if statuses else "", f"{server} only" if server else ""]
    shown = ", ".join(part for part in parts if part)
    return f" <br>{shown}" if shown else ""


def _message(row: Json) -> str:
    own = "" if text(row, "msg-from") == "docs" else " (text: ours)"
    return f'<span class="msg">{prose(text(row, "msg"))}{own}</span>'


def _raised(facts: Facts, row: Json) -> str:
    executed = text(row, "executed")
    if executed == "see-body":
        return f"nothing, or {symbol('paydown.errors.OutcomeUnknown')}"
    if executed != "no":
        return symbol("paydown.errors.OutcomeUnknown")
    classes = [facts.refusals[text(row, "category")]]
    for status in items(row, "http"):
        rule = next(
            (
                rule
                for rule in items(facts.document, "x-status-outcomes")
                if text(rule, "status") == str(status)
            ),
            None,
        )
        if rule is not None and text(rule, "category") == "ban":
            classes.append(facts.refusals["ban"])
    return ", ".join(symbol(f"paydown.errors.{name}") for name in dict.fromkeys(classes))


def _when(row: Json) -> str:
    status = text(row, "status")
    parts = ["anything else" if status == "default" else f"**{status}**"]
    if text(row, "text"):
        parts.append(f"with the text “{prose(text(row, 'text'))}”")
    if number(row, "code") is not None:
        parts.append(f"with the code {code(str(number(row, 'code')))}")
    if text(row, "body") == "json-error":
        parts.append("with a JSON object whose `code` is negative or listed")
    if text(row, "body") == "html":
        parts.append("with an HTML page")
    if text(row, "body") == "empty":
        parts.append("with an empty body")
    overridden = [str(entry) for entry in items(row, "overrides-codes")]
    if overridden:
        parts.append(f"(overrides {codes(overridden)})")
    return " ".join(parts)

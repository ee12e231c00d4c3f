"""The page "What this double does not know", written from the document's evidence marks.

Every open question stands there with the reading that was taken, the option that changes it and its default,
so that nobody mistakes a choice made here for a fact about the exchange.
"""

from __future__ import annotations

from collections.abc import Iterable

from paydown_sandbox.document import Document, Question
from paydown_sandbox.options import OWN_OPTIONS, Option

__all__ = ["unknowns_page"]

_LIMITS = """
## What this double does not imitate

- Orders, positions, trading and liquidation: account states follow a simple collateral model (`collateral`
  of the state document), and nothing is ever sold by force.
- Unrealised profit is always zero. `totalAvailableBalance` and `totalMarginOpenLoss` are empty, as published.
- Records are always CONFIRMED: a call is executed at once or not at all. PENDING and FAILED can be put
  into `records` of a state document.
- Interest is charged at every full hour at one flat daily rate per asset. The real rates have tiers.
- Conversions happen at the index price, plus `conversion-fee-rate`. What the account pays is rounded up to
  the eighth digit; the dust goes to the house, is counted in USD and never comes back.
- The gateway in front: a body above 64 KiB, a query above 32 KiB or a head above 64 KiB meets a 403 page, as if
  a firewall had stopped it, and bytes that are no HTTP meet 400 with -1013. Nobody publishes the real sizes.
- Budgets, bans and hard caps outlive the process with `--data`, without it they start over with the next one. What
  the real exchange forgets when a part of it is restarted is not known.
- Latency: answers come at once unless `debt-call-ms` or a fault says otherwise.
"""


def _rows(questions: Iterable[Question]) -> list[str]:
    lines = [
        "| Open question | Reading taken | Option | Default | Other values | Answer |",
        "|---|---|---|---|---|---|",
    ]
    for question in questions:
        option = f"`{question.option}`" if question.option else "none"
        default = f"`{question.default}`" if question.default is not None else ""
        others = ", ".join(f"`{value}`" for value in question.values if value != question.default)
        answer = f"{question.http}, {question.code}" if question.code is not None else ""
        cells = (question.question, question.reading, option, default, others, answer)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return lines


def _own_rows(options: Iterable[Option]) -> list[str]:
    lines = ["| Open question | Reading taken | Option | Default | Other values |", "|---|---|---|---|---|"]
    for option in options:
        others = ", ".join(f"`{value}`" for value in option.values if value != option.default)
        if option.takes_number:
            others = "a number"
        lines.append(
            f"| {option.question} | {option.reading} | `{option.name}` | `{option.default}` | {others} |"
        )
    return lines


def unknowns_page(document: Document) -> str:
    """The page as Markdown."""
    lines = [
        "# What this double does not know",
        "",
        "The published pages leave these questions open. The sandbox takes the careful one, says so here,",
        'and lets a state document choose another: `{"options": {"whole-debt-answer-amount": "present"}}`.',
        "",
        "## The protocol as a whole",
        "",
    ]
    everything = list(document.questions())
    lines += _rows(question for question in everything if not question.operation)
    for operation in document.operations:
        found = [question for question in everything if question.operation == operation.id]
        if found:
            lines += ["", f"## {operation.method} {operation.path}", "", *_rows(found)]
    lines += ["", "## Choices of the sandbox alone", "", *_own_rows(OWN_OPTIONS)]
    live = [operation for operation in document.operations if "docs" not in operation.evidence]
    if live:
        lines += ["", "## Calls that no page of this API describes", ""]
        lines += [
            f"- `{operation.method} {operation.path}`: from {', '.join(operation.evidence)}."
            for operation in live
        ]
    return "\n".join(lines) + "\n" + _LIMITS

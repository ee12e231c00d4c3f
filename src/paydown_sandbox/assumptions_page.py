"""The page "What this double does not know", written from the document's evidence marks and the table of choices.

Every open question stands there with the reading that was taken, the option that changes it and its default,
so that no reader mistakes a choice made here for a fact about the exchange. The choices stand there by topic, each
value with its effect and whether it is considered, or assumed away with its reason, likelihood and cost.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from paydown_sandbox.bundled_document import Document, Question
from paydown_sandbox.choices.choice_table import TOPICS, Choice, table
from paydown_sandbox.choices.settings import OWN_OPTIONS, Option, catalogue, settled

__all__ = ["TITLES", "ShownChoice", "shown_choices", "unknowns_page"]

TITLES: Mapping[str, str] = {
    "rows": "The rows that a repayment leaves",
    "looks": "Readings of the balance",
    "execution": "When and how much is executed",
    "answers": "Answers, and how they get lost",
    "refusals": "Refusals, true and false",
    "borrowings": "Borrowings and repayments by others",
    "interest": "Interest",
    "time": "The clock and the other host",
}


@dataclass(frozen=True, slots=True)
class ShownChoice:
    """A choice of the table as the pages show it.

    Attributes:
        choice: The choice.
        options: The options that it sets; its own name alone, unless older options ask the same.
        by_itself: The value that the sandbox has when nothing is chosen, `None` if it is none of the table's.
    """

    choice: Choice
    options: tuple[str, ...]
    by_itself: str | None


def shown_choices(known: Mapping[str, Option]) -> list[ShownChoice]:
    """Return the table in its order, each choice with the options that it sets in the sandbox.

    Args:
        known: Every option, by name.
    """
    found: list[ShownChoice] = []
    for choice in table().values():
        settings = {value: settled(known, {choice.name: value}) for value in choice.values}
        options = dict.fromkeys(name for chosen in settings.values() for name in chosen)
        ordinary = (
            value
            for value, chosen in settings.items()
            if all(known[name].default == setting for name, setting in chosen.items())
        )
        found.append(ShownChoice(choice, tuple(options), next(ordinary, None)))
    return found


_LIMITS = """
## What this sandbox does not imitate

- Orders, positions, trading and liquidation: account states follow a simple collateral model (`collateral`
  of the state document), and nothing is ever sold by force.
- Unrealised profit is always zero. `totalAvailableBalance` and `totalMarginOpenLoss` are empty, as published.
- Records are always CONFIRMED: a call is executed at once or not at all, unless a choice demands otherwise. PENDING and
  FAILED can also be put into `records` of a state document.
- Interest is charged at every full hour at one flat daily rate per asset. The real rates have tiers.
- Conversions happen at the index price, plus `conversion-fee-rate`. What the account pays is rounded up to
  the eighth digit; the dust goes to the exchange, is counted in USD and never comes back.
- The gateway in front: a body above 64 KiB, a query above 32 KiB or a head above 64 KiB meets a 403 page, as if
  a firewall had stopped it, and bytes that are no HTTP meet 400 with -1013. Nobody publishes the real sizes.
- Budgets, bans and hard caps outlive the process with `--data`, without it they start over with the next one. What
  the real exchange forgets when a part of it is restarted is not known.
- Latency: answers come at once unless `debt-call-ms` or a fault demands otherwise.
- An old reading of the balance shows what was true then, but nothing from before the process was started or a choice
  about readings was made.
- What a choice leaves to chance is drawn from `choices_seed`, one case at a time: "sometimes" has no memory, and real
  outages come in stretches. Scenarios have those.
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
        if option.span:
            others = "a number or a range such as `500..900`"
        lines.append(
            f"| {option.question} | {option.reading} | `{option.name}` | `{option.default}` | {others} |"
        )
    return lines


def _choice_lines(shown: ShownChoice, known: Mapping[str, Option]) -> list[str]:
    choice = shown.choice
    lines = [f"### `{choice.name}`", "", f"{choice.question} {choice.source}", ""]
    others = [name for name in shown.options if name != choice.name]
    if others:
        names = ", ".join(f"`{name}`" for name in shown.options)
        lines += [f"Sets {names}.", ""]
    if shown.by_itself is None:
        defaults = ", ".join(f"`{name}` = `{known[name].default}`" for name in shown.options)
        lines += [f"By itself the sandbox does none of these: {defaults}.", ""]
    lines += ["| Value | What it does | Standing |", "|---|---|---|"]
    for value in choice.values:
        mark = " (by itself)" if value == shown.by_itself else ""
        origin = " No page hints at it." if value in choice.invented else ""
        cells = (f"`{value}`{mark}", choice.means[value] + origin, _standing(choice, value))
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    return [*lines, ""]


def _standing(choice: Choice, value: str) -> str:
    if choice.standing[value] == "considered":
        return "considered"
    return (
        f"assumed away: {choice.reason[value]} Likelihood: {choice.likelihood[value]}."
        f" If it holds all the same: {choice.cost[value]}"
    )


def _topics(known: Mapping[str, Option]) -> list[str]:
    lines = [
        "",
        "## What may vary",
        "",
        "The table of choices: what an exchange that keeps the published rules, or nearly keeps them, could do. A",
        "value is *considered* if a correct client is never wrong under it; *assumed away* if it contradicts a",
        "published sentence or is very unlikely. Choices are options of a state document like all others, and what",
        'they leave to chance comes from its seed: `{"options": {"balance-age": "0..5000"}, "choices_seed": 7}`.',
        "Values in ms take any number or range.",
        "",
    ]
    every = shown_choices(known)
    for topic in TOPICS:
        lines += [f"## {TITLES[topic]}", ""]
        for shown in every:
            if shown.choice.about == topic:
                lines += _choice_lines(shown, known)
    return lines[:-1]


def unknowns_page(document: Document) -> str:
    """Return the page as Markdown."""
    lines = [
        "# What this double does not know",
        "",
        "The published pages leave these questions open. The sandbox takes the careful reading, names it here,",
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
    lines += _topics(catalogue(document))
    live = [operation for operation in document.operations if "docs" not in operation.evidence]
    if live:
        lines += ["", "## Calls that no page of this API describes", ""]
        lines += [
            f"- `{operation.method} {operation.path}`: from {', '.join(operation.evidence)}."
            for operation in live
        ]
    return "\n".join(lines) + "\n" + _LIMITS

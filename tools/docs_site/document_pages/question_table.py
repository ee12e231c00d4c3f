"""Write tables of open questions, with the reading to assume and the sandbox's option for each."""

from __future__ import annotations

from collections.abc import Iterable

from tools.docs_site.markdown import Links, anchor, code, codes, prose, table
from tools.docs_site.page_facts import Facts, Question


def question_table(facts: Facts, links: Links, questions: Iterable[Question], *, prefix: str = "") -> str:
    """Return a table of open questions.

    Args:
        facts: For the sandbox's options.
        links: Makes links of the page that shows the table.
        questions: What to show.
        prefix: Start of the anchors; several tables on one page need different ones.
    """
    rows = [
        (
            f"{anchor(f'{prefix}{question.id}')}{prose(question.question)}",
            prose(question.reading),
            in_the_sandbox(facts, links, question),
        )
        for question in questions
    ]
    return table(("Question", "Careful reading", "In the sandbox"), rows)


def in_the_sandbox(facts: Facts, links: Links, question: Question) -> str:
    """Return how the sandbox decides a question, and how to change that.

    Args:
        facts: For the sandbox's options.
        links: Makes links of the page that shows the question.
        question: The question.
    """
    option = facts.options.get(question.option)
    parts: list[str] = []
    if option is not None:
        default = question.default or option.default
        shown = links.to("unknowns.md", code(option.name), f"option-{option.name}")
        others = [value for value in option.values if value != default]
        parts.append(
            f"{shown} = {code(default)}" + (f", or {codes(others)}" if others else ", or another value") + "."
        )
    refusal = " ".join(
        part
        for part in (
            f"HTTP {question.answer_status}" if question.answer_status is not None else "",
            links.error_code(question.answer_code) if question.answer_code is not None else "",
        )
        if part
    )
    if refusal:
        parts.append(f"A refusal is {refusal}.")
    return " ".join(parts) or "Nothing to choose: the reading holds."

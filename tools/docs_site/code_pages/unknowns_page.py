"""Write the page of every open question, the reading that the sandbox takes, and the option that changes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tools.docs_site.document_pages.call_page import path_of
from tools.docs_site.document_pages.provenance_page import marked_facts
from tools.docs_site.document_pages.question_table import question_table
from tools.docs_site.markdown import Links, anchor, block, code, codes, page, prose, table
from tools.docs_site.page_facts import NOT_IMITATED, Facts

if TYPE_CHECKING:
    from paydown_sandbox.assumptions_page import ShownChoice

UNKNOWNS = "unknowns.md"


def unknowns_page(facts: Facts) -> str:
    """Return the page "What this double does not know"."""
    links = Links(UNKNOWNS)
    every = facts.all_questions()
    protocol = [question for operation, question in every if operation is None]
    parts = [
        "# What this double does not know",
        f"The sandbox answers as the published pages describe. They leave {len(every)} questions about calls open, and"
        f" {len(facts.choices)} about how the exchange behaves. It cannot"
        " know the answers, so it takes the careful reading: the one under which a program that works here is"
        " least likely to lose money there. This page lists every such choice. It is made from the document"
        " and from the table that the sandbox itself reads, so none is left out.",
        "A test that passes against the sandbox shows that your program copes with these readings. To see"
        " whether it depends on one of them, set the option to its other value and run the test again.",
        "## Changing a choice { #options-how }",
        "Options are set by name in the state document, when the sandbox starts or later:",
        block(
            "bash",
            "curl -s http://127.0.0.1:8087/_sandbox/state > state.json\n"
            '# add to it: "options": {"insufficient-whole-debt": "partial"}\n'
            "curl -s -X PUT --json @state.json http://127.0.0.1:8087/_sandbox/state",
        ),
        "## Every option { #options }",
        _options(facts, links),
        "## What may vary { #choices }",
        "The table of choices: what an exchange that keeps the published rules, or nearly keeps them, could do"
        " instead of the ordinary. A value is **considered** if a correct client must never be wrong under it, and"
        " **assumed away** if it contradicts a published sentence or is very unlikely: then the reason stands next to"
        " it, how likely it holds all the same, and what happens if it does. What a choice leaves to chance comes"
        " from `choices_seed` of the state document; values in ms take any number or range.",
        *_choices(facts),
        "## Questions about the protocol { #protocol }",
        question_table(facts, links, protocol, prefix="protocol-"),
    ]
    for operation in facts.client.operations:
        questions = facts.questions(facts.node(operation))
        if questions:
            parts += [
                f"## {operation.name} {{ #{operation.id.lower()} }}",
                f"{links.to(path_of(operation), code(f'{operation.method} {operation.path}'))}",
                question_table(facts, links, questions, prefix=f"{operation.id.lower()}-"),
            ]
    parts += [
        f"## {NOT_IMITATED} {{ #not-imitated }}",
        facts.not_imitated,
        "## Facts that are ours { #ours }",
        "Marked `undocumented`: no page publishes this fact, or a part of it such as a bound. The sandbox"
        " enforces it all the same.",
        _ours(facts, links),
    ]
    return page(*parts)


def _options(facts: Facts, links: Links) -> str:
    rows: list[tuple[str, str, str]] = []
    for option in sorted(facts.options.values(), key=lambda one: one.name):
        others = codes(value for value in option.values if value != option.default)
        values = (
            f"or {others}" if others else "or another number" if option.takes_number else "or another text"
        )
        if option.span:
            values += " <br>or another number of ms, or a range such as " + code("0..5000")
        calls = ", ".join(
            links.to(path_of(operation), code(operation.name))
            for operation in facts.client.operations
            if operation.id in option.operations
        )
        rows.append(
            (
                f"{anchor(f'option-{option.name}')}{code(option.name)}",
                f"**{code(option.default)}** <br>{values}",
                f"{prose(option.question)} {prose(option.reading)}" + (f" <br>{calls}" if calls else ""),
            )
        )
    return table(("Option", "Default", "What it decides"), rows)


def _choices(facts: Facts) -> Iterator[str]:
    for topic, title in facts.topics.items():
        yield f"### {title} {{ #about-{topic} }}"
        yield table(
            ("Choice", "Value", "What it does", "Standing"),
            (
                row
                for shown in facts.choices
                if shown.choice.about == topic
                for row in _choice_rows(facts, shown)
            ),
        )


def _choice_rows(facts: Facts, shown: ShownChoice) -> Iterator[tuple[str, str, str, str]]:
    choice = shown.choice
    parts = [
        f"{anchor(f'choice-{choice.name}')}{code(choice.name)}",
        prose(choice.question),
        prose(choice.source),
    ]
    if shown.options != (choice.name,):
        parts.append(f"Sets {codes(shown.options)}.")
    if shown.by_itself is None:
        defaults = ", ".join(code(f"{name} = {facts.options[name].default}") for name in shown.options)
        parts.append(f"By itself the sandbox does none of these: {defaults}.")
    head = " <br>".join(parts)
    for value in choice.values:
        shown_value = f"**{code(value)}**" if value == shown.by_itself else code(value)
        origin = " *No page hints at it.*" if value in choice.invented else ""
        standing = "considered"
        if value in choice.reason:
            standing = (
                f"assumed away: {prose(choice.reason[value])} <br>Likelihood: {prose(choice.likelihood[value])}."
                f" <br>If it holds all the same: {prose(choice.cost[value])}"
            )
        yield head, shown_value, prose(choice.means[value]) + origin, standing
        head = ""


def _ours(facts: Facts, links: Links) -> str:
    return table(
        ("Fact", "Statement", "Known from"),
        (
            (fact.name, fact.statement, links.marks(fact.marks))
            for fact in marked_facts(facts, links)
            if "undocumented" in fact.marks
        ),
    )

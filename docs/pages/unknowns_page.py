"""What the sandbox does not know: every open question, the reading it takes, the option that changes it."""

from __future__ import annotations

from .call_page import path_of
from .evidence_page import marked_facts
from .facts import NOT_IMITATED, Facts
from .markdown import Links, anchor, block, code, codes, page, prose, table
from .questions import question_table

UNKNOWNS = "unknowns.md"


def unknowns_page(facts: Facts) -> str:
    """Return the page "What this double does not know"."""
    links = Links(UNKNOWNS)
    every = facts.all_questions()
    protocol = [question for operation, question in every if operation is None]
    parts = [
        "# What this double does not know",
        f"The sandbox answers as the published pages say. They leave {len(every)} questions open. It cannot"
        " know the answers, so it takes the careful reading: the one under which a program that works here is"
        " least likely to lose money there. This page lists every such choice. It is made from the document,"
        " so none is left out.",
        "A test that passes against the sandbox shows that your program copes with these readings. To see"
        " whether it depends on one of them, set the option to its other value and run the test again.",
        "## Changing a choice { #options-how }",
        "Options are set by name in the state document, when the sandbox starts or later:",
        block(
            "bash",
            "curl -s http://127.0.0.1:8087/_sandbox/state > state.json\n"
            '# add to it: "options": {"insufficient-whole-debt": "partial"}\n'
            "curl -s -X PUT --data-binary @state.json http://127.0.0.1:8087/_sandbox/state",
        ),
        "## Every option { #options }",
        _options(facts, links),
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
        "Marked `undocumented`: nobody publishes this fact, or a part of it such as a bound. The sandbox"
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


def _ours(facts: Facts, links: Links) -> str:
    return table(
        ("Fact", "What it says", "Known from"),
        (
            (fact.name, fact.says, links.marks(fact.marks))
            for fact in marked_facts(facts, links)
            if "undocumented" in fact.marks
        ),
    )

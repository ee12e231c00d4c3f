"""What prose says about weights, limits, security, windows, bounds and meanings is what the document's fields hold.

See `prose` for what is read, `statements` for how numbers are held to fields, `meanings` for words.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pytest

import paydown.errors
from paydown.errors import OutcomeUnknown, PaydownError, RequestNotSent, RequestRejected
from tests.docs import prose, statements
from tests.docs.meanings import EXPLAINED, Explained, fields, meaning
from tests.docs.prose import Passage, contract, operations
from tests.docs.statements import Found, statements_in

_EVERY_NUMBER = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
_CODE = re.compile(r"(?<![\w.,-])-\d{4,5}\b|(?<![\w,.])51\d{3}\b")
# Programs that speak of their own times and sizes; what they state about the exchange is compared all the same.
_OF_THEIR_OWN = ("benchmarks/", "generator/", "docs/pages/", "CHANGELOG.md", "CONTRIBUTING.md")
_DURATION_NAMES = ((86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1000, "second"))


@cache
def _all() -> tuple[Passage, ...]:
    return (
        *prose.of_the_document(),
        *prose.of_the_generated_client(),
        *prose.of_the_control_api(),
        *prose.written_by_hand(),
    )


@cache
def _stated() -> dict[tuple[str, str], list[Found]]:
    """Return the statements of every passage, by its place and text: each is read once for all tests."""
    found: dict[tuple[str, str], list[Found]] = {}
    for one in _all():
        found.setdefault((one.place, one.text), []).extend(statements_in(one))
    return found


def _unaccounted(passages: list[Passage], numbers: re.Pattern[str]) -> list[str]:
    """Return every number that no statement holds to a field and no line of UNHELD explains."""
    known = [statements.NAMES, *map(re.compile, statements.UNHELD)]
    found: list[str] = []
    for passage in passages:
        spans = [(one.start, one.end) for one in _stated()[passage.place, passage.text]]
        spans += [match.span() for pattern in known for match in pattern.finditer(passage.text)]
        plain = re.sub(r"`[^`]*`", lambda code: " " * len(code[0]), passage.text)
        found += [
            f"{passage.place}: {match[0]!r} in …{passage.text[max(0, match.start() - 60) : match.end() + 40]}…"
            for match in numbers.finditer(plain)
            if not any(start <= match.start() and match.end() <= end for start, end in spans)
        ]
    return found


def test_no_statement_contradicts_the_document() -> None:
    """Each number that a sentence gives as a fact is that of the field which the sentence is about."""
    passages = _all()
    checked = [(passage, one) for passage in passages for one in _stated()[passage.place, passage.text]]
    wrong = [f"{p.place}: …{p.text[one.start : one.end]}…: {one.wrong}" for p, one in checked if one.wrong]

    assert len(passages) > 4000
    assert len(checked) > 500
    assert not wrong, "\n".join(wrong)


def test_every_number_in_the_document_s_prose_is_held_by_a_field() -> None:
    """A number in a description is a statement about a field, or stands in UNHELD with its reason."""
    assert _unaccounted(prose.of_the_document(), _EVERY_NUMBER) == []
    assert _unaccounted(prose.of_the_document(), statements.QUANTITY) == []


def test_every_number_in_generated_docstrings_is_held_by_a_field() -> None:
    """The docstrings of calls and models carry no number that the document does not hold."""
    about = [one for one in prose.of_the_generated_client() if one.operation or one.node]

    assert len(about) > 500
    assert _unaccounted(about, _EVERY_NUMBER) == []


def test_every_number_of_the_control_api_is_held_by_a_field() -> None:
    """The control API's descriptions repeat its schemas and the sandbox's bounds, and nothing else."""
    assert _unaccounted(prose.of_the_control_api(), _EVERY_NUMBER) == []


def test_every_quantity_written_by_hand_is_held_by_a_field_or_explained() -> None:
    """A weight, a time, a price or a size in docstrings and guides is a statement, or stands in UNHELD."""
    passages = [one for one in prose.written_by_hand() if not one.place.startswith(_OF_THEIR_OWN)]

    assert _unaccounted(passages, statements.QUANTITY) == []


def test_every_exception_is_still_in_use() -> None:
    """A line of UNHELD whose sentence is gone, or whose number has changed, is gone as well."""
    texts = [passage.text for passage in _all()]
    idle = [phrase for phrase in statements.UNHELD if not any(re.search(phrase, text) for text in texts)]

    assert not idle


def test_every_statement_is_still_made() -> None:
    """A pattern that fits no sentence holds nothing: the sentence was reworded past it, or is gone."""
    texts = [passage.text for passage in _all()]
    idle = [pattern for pattern in statements.patterns() if not any(pattern.search(text) for text in texts)]

    assert not idle


def test_every_error_code_in_prose_is_in_the_table() -> None:
    """No sentence names a code that the exchange does not have."""
    known = {abs(row["code"]) for row in contract()["x-error-codes"]}
    named = [(one.place, int(code)) for one in _all() for code in _CODE.findall(one.text)]

    assert len(named) > 30
    assert [
        (place, code) for place, code in named if abs(code) not in known and place != "CONTRIBUTING.md"
    ] == []


# ------------------------------------------------------------------------------- security


def _security_words(operation: Mapping[str, Any]) -> str:
    kind = contract()["x-security-types"][operation["x-security-type"]]
    return {
        (True, True): "API key and signature",
        (True, False): "API key, no signature",
        (False, False): "no key",
    }[kind["api-key"], kind["signed"]]


def _weight_words(operation: Mapping[str, Any]) -> str:
    weight = operation["x-weight"]
    limit = contract()["x-limits"][weight.get("budget", "ip-weight")]
    size, name = next(one for one in _DURATION_NAMES if limit["interval-ms"] % one[0] == 0)
    assert limit["interval-ms"] == size
    per = {"ip": "IP"}.get(limit["per"], limit["per"])
    words = f"Weight {weight['value']} of {limit['limit']} per {name}, counted per {per}"
    for case in weight.get("when", []):
        words += f"; {case['value']} with{'' if case['present'] else 'out'} `{case['parameter']}`"
    return f"{words}."


_METHODS = list(prose.method_docstrings())


@pytest.mark.parametrize(("place", "text", "operation"), _METHODS, ids=[place for place, _, _ in _METHODS])
def test_a_docstring_states_security_weight_and_endings_of_its_call(
    place: str, text: str, operation: Mapping[str, Any]
) -> None:
    """The docstring of each method names path, security, weight, caps and rules, and how the call may end."""
    flat = " ".join(text.split())
    kind = operation["x-security-type"]

    assert (
        f"{operation['method']} {operation['path']}, security {kind}: {_security_words(operation)}." in flat
    )
    assert _weight_words(operation) in flat
    caps = [" ".join(cap["text"].split()) for cap in operation.get("x-caps", [])]
    assert re.findall(r"Limit: (.*?\.)(?= [A-Z]| \[|$)", flat) == caps
    raised = flat.partition("Raises: ")[2].partition(f"{operation['method']} /")[0]
    last = "OutcomeUnknown" if operation["x-mutates"] else "ReadFailed"
    assert re.findall(r"\b([A-Z]\w+): ", raised) == ["RequestNotSent", "RequestRejected", last]
    if operation["x-mutates"]:
        assert (
            "RequestNotSent: Nothing left this machine. Nothing was executed; calling again is safe."
            in raised
        )
        assert "RequestRejected: The exchange refused. Nothing was executed." in raised
        assert (
            "OutcomeUnknown: It may have happened. Find out before calling again: a repeat may be executed"
            in raised
        )
    else:
        assert (
            "RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed."
            in raised
        )
        assert "Conclude nothing; reading again is safe." in raised


def test_the_readme_of_the_generated_client_states_security_and_weight() -> None:
    """The table of all calls holds what the document holds."""
    page = (prose.ROOT / "generated_client" / "README.md").read_text("utf-8")
    rows = re.findall(r"^\| `(.+)` \| `(.+)` \| (\w+) \| (\d+) \| (\w+) \|$", page, re.MULTILINE)

    assert sorted(rows) == sorted(
        (
            f"{one['tags'][0]}.{one['x-method-name']}",
            f"{one['method']} {one['path']}",
            one["x-security-type"],
            str(one["x-weight"]["value"]),
            "yes" if one["x-mutates"] else "no",
        )
        for one in operations().values()
    )


def test_the_page_of_a_call_states_its_security_and_weight(pages: dict[str, str]) -> None:
    """The reference pages state security, weight and time-outs of the call that they are about."""
    for operation in operations().values():
        page = pages[f"api/{operation['tags'][0]}/{operation['x-method-name']}.md"]
        row = dict(
            re.findall(
                r"^\| (Security|Weight|Changes something|Time allowed) \| (.*) \|$", page, re.MULTILINE
            )
        )
        weight = operation["x-weight"]
        limit = contract()["x-limits"][weight.get("budget", "ip-weight")]["limit"]
        timeout = operation.get("x-timeout", contract()["x-default-timeout"])

        assert f"<code>{operation['x-security-type'].replace('_', '&#95;')}</code>" in row["Security"], page[
            :40
        ]
        assert row["Security"].endswith(f": {_security_words(operation)}"), page[:40]
        assert row["Weight"].startswith(f"**{weight['value']}** of {limit} per minute and IP address"), page[
            :40
        ]
        assert (row["Changes something"] == "**yes**") == operation["x-mutates"], page[:40]
        assert row["Time allowed"] == (
            f"{timeout['connect-ms'] // 1000} seconds to connect, {timeout['answer-ms'] // 1000} seconds for the answer"
        )


_SECURITY_WORDS = (
    (r"\bno key\b|\bwithout (?:a|any) key\b|\bkeyless\b", "api-key", False),
    (
        r"\bneeds? (?:a|the|an API) key\b|\bkey header is required\b|\bthe API key in the header does\b",
        "api-key",
        True,
    ),
    (r"\bunsigned\b|\bno signature\b|\bnot signed\b|\bnothing is signed\b", "signed", False),
    (r"\b(?:is|are|must be) signed\b|\bkey and signature\b|\bneeds? a signature\b", "signed", True),
)


def test_what_the_document_says_of_keys_and_signatures_is_the_security_type() -> None:
    """A sentence about a call that speaks of its key or signature agrees with the call's security type."""
    wrong: list[str] = []
    seen = 0
    for one in (*prose.of_the_document(), *prose.of_the_generated_client()):
        if not one.operation or "x-note" in one.place or one.text.endswith("?"):
            continue
        kind = contract()["x-security-types"][one.operation["x-security-type"]]
        for words, field, value in _SECURITY_WORDS:
            if re.search(words, one.text):
                seen += 1
                wrong += [f"{one.place}: {one.text}"] * (kind[field] is not value)
        for named in re.findall(r"\b(?:Listed as|security) ([A-Z_]{4,})\b", one.text):
            wrong += [f"{one.place}: {named}"] * (named != one.operation["x-security-type"])

    assert seen > 50
    assert not wrong


def test_what_the_sentences_by_hand_say_of_keys_is_the_security_type() -> None:
    """Docstrings that name a call beside what it is sent with agree with its security type."""
    kinds = contract()["x-security-types"]
    auth = next(one.text for one in prose.written_by_hand() if one.place.endswith("auth.py:SigningAuth"))
    said = re.search(
        r"`(GET|POST) (/\S+)` nothing, a listen key only the header\. Everything else is signed\.", auth
    )

    assert said is not None
    assert not kinds[contract()["paths"][said[2]][said[1].lower()]["x-security-type"]]["api-key"]
    assert kinds[operations()["startUserDataStream"]["x-security-type"]]["signed"] is False
    assert all(
        kind["signed"] for name, kind in kinds.items() if name not in ("NONE", "USER_STREAM", "MARKET_DATA")
    )


# ------------------------------------------------------------------------------- meanings


def test_every_meaning_is_explained() -> None:
    """Each field of `x-meanings` has words for the value that it holds."""
    assert {one.field for one in EXPLAINED} == fields()


@pytest.mark.parametrize("one", EXPLAINED, ids=[f"{one.field}-{n}" for n, one in enumerate(EXPLAINED)])
def test_sentences_explain_what_the_document_means(one: Explained) -> None:
    """Where a word is explained, it is explained as the document's field means it; nothing says the opposite."""
    passages = _all()
    words, denied = re.compile(one.words), re.compile(one.denied)

    assert meaning(one.field) == one.value
    for place in one.places:
        there = [passage for passage in passages if passage.place.endswith(place)]
        assert there, f"no sentence stands at {place}"
        if place.endswith(
            (".md", "AccountResource.balance", ":Balance")
        ):  # several passages, one of which it is
            assert any(words.search(passage.text) for passage in there), place
        else:
            assert [passage.place for passage in there if not words.search(passage.text)] == []
    if one.denied:
        assert [passage.place for passage in passages if denied.search(passage.text)] == []


def test_no_example_takes_the_principal_for_the_debt() -> None:
    """Code in the guides that reads what is owed adds up all parts of the debt."""
    wire: list[str] = contract()["x-meanings"]["debt"]["sum"]
    parts = [re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower() for name in wire]
    lines = [
        line
        for pattern in prose.PAGES
        for path in sorted(prose.ROOT.glob(pattern))
        for block in re.findall(r"^```python\n(.*?)^```", path.read_text("utf-8"), re.MULTILINE | re.DOTALL)
        for line in block.splitlines()
        if any(f".{part}" in line for part in parts)
    ]

    assert len(lines) >= 3
    assert [line for line in lines if not all(re.search(rf"\w\.{part}\b", line) for part in parts)] == []


def _responses() -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, operation in operations().items():
        for status, response in operation["responses"].items():
            if "x-executed" in response:
                yield f"{name} {status}", response


def test_the_description_of_a_refusal_says_whether_anything_was_executed() -> None:
    """Each answer that is no success says what `x-executed` holds, in the same words."""
    seen = 0
    for place, response in _responses():
        seen += 1
        text = response["description"]
        nothing, perhaps = "nothing was executed" in text.lower(), bool(re.search(r"may have been", text))
        assert (nothing, perhaps) == {
            "no": (True, False),
            "unknown": (False, True),
            "see x-status-outcomes": (True, True),
        }[response["x-executed"]], place
    assert seen > 100


def test_the_outcomes_of_a_503_are_those_of_its_description() -> None:
    """Of the four texts of a 503 the description calls exactly those safe that the table calls so."""
    rows = contract()["x-status-outcomes"]
    codes = {row["code"]: row["executed"] for row in contract()["x-error-codes"]}
    texts = {row["text"]: row["executed"] for row in rows if row.get("status") == "503" and "text" in row}
    description = operations()["repayDebt"]["responses"]["503"]["description"]

    safe = [text for text, executed in texts.items() if executed == "no"]
    assert safe == ["Service Unavailable."]
    safe_ones = f'"{safe[0]}" and code -1008 mean that nothing was executed; every other text'
    assert safe_ones in " ".join(description.split())
    assert (codes[-1008], codes[-1001]) == ("no", "unknown")


_ERRORS = [
    kind
    for _, kind in inspect.getmembers(paydown.errors, inspect.isclass)
    if issubclass(kind, PaydownError) and kind.__module__ == "paydown.errors"
]


@pytest.mark.parametrize("kind", _ERRORS, ids=[kind.__name__ for kind in _ERRORS])
def test_the_docstring_of_an_error_lets_conclude_what_its_class_means(kind: type[PaydownError]) -> None:
    """A refusal says that nothing was executed, what never left that nothing left, a lost answer that it may have."""
    text = " ".join((kind.__doc__ or "").split())
    perhaps = "may have happened" in text or "may have been executed" in text
    if issubclass(kind, OutcomeUnknown):
        assert "It may have happened. Never send it again on this error" in text
    elif issubclass(kind, RequestRejected):
        assert re.search(r"\b[Nn]othing was executed\.", text)
        assert not perhaps
    elif kind is RequestNotSent:
        assert "Nothing left this machine." in text
    assert not re.search(r"was executed\b", re.sub(r"[Nn]othing was executed", "", text))


_ENDINGS = {
    "RequestNotSent": (r"[Nn]othing left this machine", r"may have happened"),
    "RequestRejected": (r"(?:[Nn]othing was executed|refused)", r"may have happened|not known"),
    "OutcomeUnknown": (
        r"may have happened|lost|[Nn]ever send",
        r"[Nn]othing was executed|[Nn]othing left|is safe",
    ),
}


def test_wherever_an_ending_is_explained_it_means_the_same() -> None:
    """Tables, trees and `Raises` explain an ending in the words of its class, with its exit code."""
    exits = {kind.__name__: kind.exit_code for kind in (RequestNotSent, RequestRejected, OutcomeUnknown)}
    explained = re.compile(
        r"\b(\d )?`?(RequestNotSent|RequestRejected|OutcomeUnknown)`?(?:\]\[[\w.]+\])?"
        r"(?: \((\d)\) | ?: | \| )(.*?)(?= \d (?:[A-Z]\w+|paydown|the)|[├└│]|$| [A-Z][A-Za-z]+: )"
    )
    wrong: list[str] = []
    seen = 0
    for one in (*prose.written_by_hand(), *prose.of_the_generated_client()):
        for before, name, code, text in explained.findall(one.text):
            seen += 1
            must, never = _ENDINGS[name]
            wrong += [f"{one.place}: {name}: {text}"] * (
                not re.search(must, text) or bool(re.search(never, text))
            )
            number = code or before or (re.search(r"\| (\d) \|$", text) or ["", ""])[1]
            wrong += [f"{one.place}: {name} is {number}"] * (number.strip() not in ("", str(exits[name])))

    assert seen > 60
    assert not wrong


# ------------------------------------------------------------------------------- words for fields


def test_words_for_order_unit_and_choice_of_arguments_are_those_of_the_fields() -> None:
    """Order of rows, unit of an amount and "send this or that" are worded as the fields hold them."""
    wrong: list[str] = []
    seen = 0
    for one in (*prose.of_the_document(), *prose.of_the_generated_client()):
        pages, unit = one.operation.get("x-pagination", {}), one.node.get("x-unit", "")
        checks: list[tuple[bool, bool]] = []
        if pages.get("order") in ("newest-first", "oldest-first") and "x-note" not in one.place:
            other = "oldest first" if pages["order"] == "newest-first" else "newest first"
            checks.append((" first" in one.text, other in one.text.lower()))
        if unit == "asset":
            checks.append((True, bool(re.search(r"\bUSD(?!-M)\b", one.text))))
        elif unit == "USD":
            checks.append((True, "USD" not in one.text))
        elif unit == "fraction per day":
            checks.append((True, "Daily rate" not in one.text))
        if named := re.search(r"\bSend `(\w+)` or `(\w+)`", one.text):
            names = [
                re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower() for name in one.operation["x-requires-any"]
            ]
            stated = [re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower() for name in named.groups()]
            checks.append((True, stated != names))
        seen += sum(applies for applies, _ in checks)
        wrong += [f"{one.place}: {one.text}" for applies, bad in checks if applies and bad]

    assert seen > 100
    assert not wrong


def test_the_control_api_is_said_to_need_no_key_where_it_is_explained() -> None:
    """The control API's own description and its guide agree that no key is asked for."""
    info = next(one.text for one in prose.of_the_control_api() if one.place == "control:/info/description")
    guide = " ".join(one.text for one in prose.written_by_hand() if one.place == "docs/sandbox.md")

    assert "asks for no key:" in info
    assert len(re.findall(r"asks for no key|needs no key", guide)) == 2

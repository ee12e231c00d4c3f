"""Foreign text becomes data in every place in which generated code may hold it, whatever signs it is made of."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import Environment, nodes

from generator import quoting
from generator.problems import GeneratorFault
from generator.render import literals
from generator.render import renderer as render
from tests.generator.hostile import hostile_texts
from tests.generator.small_document import client, joined, small

TEMPLATES = sorted(Path(render.__file__).parents[1].joinpath("templates").glob("*.jinja"))


@given(hostile_texts())
def test_a_literal_reads_back_as_the_same_text(text: str) -> None:
    """
    A string literal stays on one line, is printable, and means the text it was made of, surrogates included.
    """
    source = quoting.string(text)

    assert source.isprintable()
    assert ast.literal_eval(source) == text


@given(hostile_texts())
def test_long_texts_read_back_as_the_same_text(text: str) -> None:
    """
    Cutting a text into several literals loses no blank, tab or line break.
    """
    long = f"{text} {text}\t{text}\n{text} " * 3

    assert ast.literal_eval(literals.prose(long)) == long


@given(hostile_texts(), st.integers(min_value=0, max_value=8))
def test_a_docstring_holds_the_text_and_nothing_else(text: str, indent: int) -> None:
    """
    Between triple quotes the text reads back line for line, and the function below it is the only statement.
    """
    body = quoting.docstring(text, indent)
    module = ast.parse(f'def f():\n{" " * (indent or 1)}"""{body}"""\n')

    [function] = module.body
    assert isinstance(function, ast.FunctionDef)
    assert len(function.body) == 1
    found = ast.get_docstring(function, clean=False)
    assert found is not None
    kept = [
        line.removeprefix(" " * indent) if index else line for index, line in enumerate(found.split("\n"))
    ]
    expected = [line if not index or line.strip(" ") else "" for index, line in enumerate(text.split("\n"))]
    assert kept == expected


@given(hostile_texts(), st.integers(min_value=0, max_value=8))
def test_a_comment_is_nothing_but_comments(text: str, indent: int) -> None:
    """
    Whatever stands in a comment, the tokenizer finds comments alone, and none that a tool would obey.
    """
    source = quoting.comment(text, indent, 100)

    kinds = {token.type for token in tokenize.generate_tokens(io.StringIO(f"{source}\n").readline)}
    assert kinds <= {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.ENDMARKER}
    for line in source.splitlines():
        assert line.count("#") == 1
        assert not re.search(r"coding[:=]|type:|fmt:|noqa", line, re.IGNORECASE)
        ast.parse(f"{line.strip()}\nx = 1\n".encode())


@given(hostile_texts())
def test_a_cell_stays_in_its_row(text: str) -> None:
    """
    A Markdown cell is one line without an open bar, tag or code span; between backticks there is no backtick.
    """
    cell, code = quoting.cell(text), quoting.code_cell(text)

    assert cell.isprintable()
    assert code.isprintable()
    assert not re.search(r"(?<!\\)(?:\\\\)*[|<>`]", cell)
    assert "`" not in code
    assert not re.search(r"(?<!\\)\|", code)


@pytest.mark.parametrize("name", ["", "two words", "a.b", "class", "x\n", "ｘ", "1st", "a-b", "../up"])
def test_what_is_no_identifier_is_not_written_as_one(name: str) -> None:
    """
    A name that Python would not take, or would take for another one, is an error.
    """
    with pytest.raises(ValueError, match="is not a name in Python"):
        quoting.identifier(name)


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan")])
def test_a_number_that_python_spells_as_a_name_has_no_literal(number: float) -> None:
    """
    Infinity and NaN would be names in the generated code, so they are refused.
    """
    with pytest.raises(TypeError):
        literals.literal(number)


def test_a_template_cannot_print_what_nothing_has_quoted() -> None:
    """
    A plain text in a template stops the run, so a forgotten filter cannot become a hole.
    """
    renderer = render._Renderer(client(small()), joined(small()).document)  # pyright: ignore[reportPrivateUsage]

    with pytest.raises(GeneratorFault, match="which nothing has quoted"):
        renderer._env.from_string("{{ text }}").render(text="x = 1")  # pyright: ignore[reportPrivateUsage]


@pytest.mark.parametrize("template", TEMPLATES, ids=[path.name for path in TEMPLATES])
def test_no_template_marks_text_as_safe_by_itself(template: Path) -> None:
    """
    Templates use our filters alone: Jinja's own that join or convert give plain text, which is refused.
    """
    tree = Environment().parse("{% raw %}{% endraw %}" + template.read_text(encoding="utf-8"))

    assert {found.name for found in tree.find_all(nodes.Filter)}.isdisjoint(
        {"safe", "forceescape", "join", "string"}
    )

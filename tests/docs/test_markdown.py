"""Text of the document comes out of Markdown as it went in."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.docs_site.markdown import Links, block, code, prose, table

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="`", exclude_categories=["C"]), min_size=1)


@given(TEXT)
def test_prose_keeps_every_character_and_leaves_no_markup(text):
    """Whatever a description holds, its characters survive, and none of them starts a tag, a link or a cell."""
    written = prose(text)

    assert html.unescape(written) == " ".join(text.split())
    assert re.search(r"[<>*\[\]|_\\{}]", written) is None


@given(TEXT)
def test_code_survives_a_cell_of_a_table(text):
    """A `|` or an address in code ends neither the cell nor the code."""
    written = code(text)

    assert written.startswith("<code>")
    assert "|" not in written
    assert "://" not in written
    assert html.unescape(written.removeprefix("<code>").removesuffix("</code>")) == text


def test_backticks_become_code():
    """A span in backticks is code, the rest is text."""
    assert prose("Send `asset` < 1 | 2") == "Send <code>asset</code> &lt; 1 &#124; 2"


def test_a_fence_is_longer_than_any_fence_inside_it():
    """A sample that holds a fence does not end the block."""
    assert block("text", "a\n```\nb").startswith("````text\n")


def test_a_row_with_too_few_cells_is_refused():
    """A table with a missing cell would show every later cell under the wrong head."""
    with pytest.raises(ValueError, match="a row of 1 cells under 2 heads"):
        table(("A", "B"), [("only one",)])


def test_links_are_relative_to_the_page():
    """The site can stand below any path, or in a folder."""
    links = Links("api/margin/repay_debt.md")

    assert links.to("api/errors.md", "x", "code1") == "[x](../errors.md#code1)"
    assert links.to("unknowns.md", "x") == "[x](../../unknowns.md)"
    assert links.to("api/margin/repay_debt.md", "x", "answer") == "[x](#answer)"

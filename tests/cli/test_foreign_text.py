"""Texts of the exchange are shown, never obeyed: no escape sequence and no markup reaches the terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paydown.cli.output import Output, shown
from paydown.errors import RequestRejected

HOSTILE = [
    "\x1b[2J\x1b[1;1H",
    "\x1b]0;owned\x07",
    "\x9b31m",
    "[/red]",
    "[bold]BNB",
    "a\rb",
    "\u202egnp.exe",
    "\x00",
    "\ud800",
]


def steers(text: str) -> bool:
    """Whether a terminal would do anything but show it."""
    return any(not letter.isprintable() and letter != "\n" for letter in text)


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("way", ["line", "note", "table", "failure"])
def test_what_the_exchange_says_is_shown_and_not_obeyed(capsys, way, text):
    """Every way out of the command line: a sentence, a remark, a cell of a table, an error."""
    output = Output(json_mode=False)
    if way == "table":
        output.table(text, [("Asset", "left")], [[text]])
    elif way == "failure":
        output.failure(RequestRejected(f"refused: {text}"))
    else:
        getattr(output, way)(f"the exchange says {text}")

    printed = "".join(capsys.readouterr())
    assert printed.strip()
    assert not steers(printed)
    if text.startswith("["):
        assert text in printed


@given(st.text(st.characters()))
def test_nothing_that_is_shown_steers_a_terminal(text):
    """Any text at all; what is printable stays as it is."""
    assert not steers(shown(text).replace("\t", ""))
    if text.isprintable():
        assert shown(text) == text

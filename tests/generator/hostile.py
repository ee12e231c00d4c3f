"""Texts that try to leave the place they stand in: docstring, literal, comment, table, file name."""

from __future__ import annotations

from hypothesis import strategies as st

MARK = "paydown_hostile"
ATTACKS = (
    f'"""\n{MARK}()\n"""',
    f"'''\n{MARK}()\n'''",
    f'"\n{MARK}()\n"',
    f"first\n{MARK}()",
    f"first\r{MARK}()",
    f"first\r\n{MARK}()",
    f"first\n    {MARK} = {MARK}()",
    f"first\u2028{MARK}()",
    f"first\u2029{MARK}()",
    f"first\x85{MARK}()",
    f"first\x0b{MARK}()\x0c{MARK}()",
    f"first\x1c{MARK}()\x1d{MARK}()\x1e{MARK}()",
    f'ends with a quote {MARK}"',
    f"ends with a backslash {MARK}\\",
    f'backslash before the end {MARK}\\"""',
    f"\\N{{DIGIT ONE}} \\x41 \\u0041 \\777 {MARK} \\",
    f"{{{{ {MARK}() }}}} {{% for x in {MARK} %}} {{# {MARK} #}}",
    f"{{{MARK}()}} {{0}} %s %({MARK})s ${{{MARK}}}",
    f"# type: ignore  # noqa {MARK}",
    f"coding: utf-7 {MARK}",
    f"fmt: off {MARK}",
    f"<script>{MARK}()</script> `| {MARK} |` [x](javascript:{MARK}())",
    f"--> {MARK} <!--",
    f"nul \x00 {MARK}",
    f"escape \x1b]0;{MARK}\x07 \x9b31m",
    f"bidi \u202e {MARK} \u2066",
    f"../../{MARK}",
    f"{MARK}; import os",
    f"{MARK}), evil={MARK}(",
    f"😀 \u202e {MARK}",
)
_SIGNS = st.sampled_from(
    ["\\", '"', "'", '"""', "'''", "\n", "\r", "\t", " ", "#", "{", "}", "{{", "}}", "%}", "`", "|", "<", ">", "\x00",
     "\x0b", "\x0c", "\x1b", "\x1c", "\x85", "\xa0", "\u2028", "\u2029", "\u202e", "\ufeff", "\ud800", "\udfff", "😀",
     "noqa", "type:", "coding=", "N{x}", "u0041", "x", "(", ")", ";", ":", "=", "é", "0"]
)  # fmt: skip


def hostile_texts() -> st.SearchStrategy[str]:
    """Return texts made of the signs that matter, of the attacks, and of anything at all."""
    made = st.lists(_SIGNS, max_size=14).map("".join)
    anything = st.text(st.characters(codec=None, exclude_categories=()), max_size=30)
    return st.one_of(made, st.sampled_from(ATTACKS), anything)

"""Tables of the generated client have filled lines, and mean what they meant."""

from __future__ import annotations

import ast

from generator.render.python_formatting import filled

TABLE = '''from a import (
    one,
    two,
)

ROWS = (
    Row(
        -1,
        "A, (not a bracket",
        why="""Two
lines,
""",
        known=("docs",),
        rest=[
            1,
            2,
        ],
        last=None,  # a remark,
        end=True,
    ),
)


def kept(
    wide: int,
) -> None:
    """One,
    two,
    """
'''


def test_members_share_lines_and_texts_and_remarks_keep_theirs():
    """A member of several lines, a text of several lines and a remark stay as they were."""
    text = filled(TABLE)

    assert ast.dump(ast.parse(text)) == ast.dump(ast.parse(TABLE))
    assert text == (
        "from a import (\n    one, two,\n)\n\nROWS = (\n    Row(\n"
        '        -1, "A, (not a bracket",\n        why="""Two\nlines,\n""",\n        known=("docs",),\n'
        "        rest=[\n            1, 2,\n        ],\n        last=None,  # a remark,\n        end=True,\n"
        "    ),\n)\n\n\ndef kept(\n    wide: int,\n) -> None:\n"
        '    """One,\n    two,\n    """\n'
    )


def test_a_line_ends_at_the_width():
    """Members go on in the next line where one more would make it longer than 110 columns."""
    text = filled("NAMES = [\n" + "".join(f'    "{letter * 22}",\n' for letter in "abcdef") + "]\n")

    assert [len(line) for line in text.splitlines()] == [9, 107, 55, 1]

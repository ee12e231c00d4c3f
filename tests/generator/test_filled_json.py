"""JSON that is written fills its lines and loses nothing."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from generator.render.filled_json import WIDTH, json_text

TEXT = st.text("abß ", max_size=2 * WIDTH)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: (
        st.lists(inner, max_size=8) | st.dictionaries(st.text("xyz", max_size=12), inner, max_size=8)
    ),
    max_leaves=40,
)


def test_what_fits_on_a_line_stays_on_it():
    """An object or an array breaks where it must, and its plain members share lines."""
    value = {
        "short": {"a": [1, 2], "b": None},
        "long": {
            "one": "x" * 50,
            "two": "y" * 50,
            "three": True,
            "deeper": {"four": []},
            "five": 5,
            "six": 6,
        },
        "texts": ["z" * 60, "z" * 60],
    }
    assert json_text(value) == "\n".join(
        [
            "{",
            ' "short": {"a": [1, 2], "b": null},',
            ' "long": {',
            f'  "one": "{"x" * 50}",',
            f'  "two": "{"y" * 50}", "three": true,',
            '  "deeper": {"four": []},',
            '  "five": 5, "six": 6',
            " },",
            ' "texts": [',
            f'  "{"z" * 60}",',
            f'  "{"z" * 60}"',
            " ]",
            "}\n",
        ]
    )


@given(VALUES)
def test_nothing_is_lost_and_no_line_is_longer_than_it_must_be(value: object):
    """The same value is read back, in the same order, and a line over the width holds one plain member."""
    text = json_text(value)

    assert json.dumps(json.loads(text)) == json.dumps(value)
    for line in text.splitlines():
        # A name and a text have two quotation marks each: a line with more holds members that could be parted.
        assert len(line) <= WIDTH or line.count('"') <= 4

"""The hook that runs inside mkdocs: navigation from the document, names for the cells of tables."""

from __future__ import annotations

import json

from tools.docs_site.mkdocs_hook import on_config, on_page_content


def test_sections_of_the_navigation_are_filled_from_the_document(tmp_path):
    """A section that the pages know is replaced, the others stay."""
    (tmp_path / "navigation.json").write_text(json.dumps({"API": ["api/index.md", {"margin": ["a.md"]}]}))
    config = {"docs_dir": str(tmp_path), "nav": [{"Start": "index.md"}, {"API": ["api/index.md"]}]}

    assert on_config(config)["nav"] == [
        {"Start": "index.md"},
        {"API": ["api/index.md", {"margin": ["a.md"]}]},
    ]


def test_each_cell_gets_the_text_of_its_head():
    """On a narrow screen the head stands above its cell, so the cell must know it."""
    table = (
        "<table>\n<thead>\n<tr>\n<th>Code</th>\n<th>Known <em>from</em></th>\n</tr>\n</thead>\n<tbody>\n"
        "<tr>\n<td>1</td>\n<td><a>x</a></td>\n</tr>\n</tbody>\n</table>"
    )

    page = on_page_content(f"<p>a</p>{table}", page=None)

    assert '<td data-label="Code">1</td>' in page
    assert '<td data-label="Known from"><a>x</a></td>' in page


def test_other_tables_are_left_alone():
    """Listings and the tables of mkdocstrings have classes, and layouts of their own."""
    listing = '<table class="highlighttable"><tr><td>1</td></tr></table>'

    assert on_page_content(listing) == listing

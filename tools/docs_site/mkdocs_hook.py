"""Adapt mkdocs: fill the navigation from the document, and label the cells of tables for narrow screens.

mkdocs.yml names the sections "API" and "Python" with their first page alone; the pages below them follow the
document, so `python -m tools.docs_site` writes them down and this module reads them. It runs inside mkdocs, in another
environment, and so imports nothing of this project.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

_TABLE = re.compile(r"<table>.*?</table>", re.DOTALL)
_HEAD = re.compile(r"<th[^>]*>(.*?)</th>", re.DOTALL)
_ROW = re.compile(r"<tr>.*?</tr>", re.DOTALL)
_CELL = re.compile(r"<td(?=[ >])")
_TAG = re.compile(r"<[^>]+>")


def on_config(config: Any) -> Any:
    """Replace the sections that navigation.json lists.

    Args:
        config: Configuration of mkdocs; it is changed and returned.

    Raises:
        FileNotFoundError: The pages were not written yet.
    """
    sections = json.loads((Path(config["docs_dir"]) / "navigation.json").read_text(encoding="utf-8"))
    for entry in config["nav"]:
        for title in entry:
            if title in sections:
                entry[title] = sections[title]
    return config


def on_page_content(html: str, **_: object) -> str:
    """Give each cell of a table the text of its head.

    A narrow screen shows a row as a list of cells (see site.css), and each cell then needs its name above it.

    Args:
        html: Content of a page, without the theme around it.
    """
    return _TABLE.sub(lambda found: _labelled(found.group()), html)


def _labelled(table: str) -> str:
    heads = [_TAG.sub("", head).strip().replace('"', "&quot;") for head in _HEAD.findall(table)]

    def row(found: re.Match[str]) -> str:
        labels = iter(heads)
        return _CELL.sub(lambda _: f'<td data-label="{next(labels, "")}"', found.group())

    return _ROW.sub(row, table)

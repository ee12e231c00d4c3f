"""Collect the whole tree of pages: those written by hand, and those made from facts."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path

from tools.docs_site.code_pages import control_page, python_pages, unknowns_page
from tools.docs_site.document_pages import (
    call_page,
    error_code_pages,
    protocol_page,
    provenance_page,
    sources_page,
    stream_page,
)
from tools.docs_site.page_facts import Facts

NAVIGATION = "navigation.json"
HAND_WRITTEN = "docs"
_ASSETS = (".md", ".css", ".js", ".svg", ".png")
_OWN_CODE = "pages"


def made_pages(facts: Facts) -> dict[str, str]:
    """Return the pages that are made from facts, by path."""
    made = {
        protocol_page.INDEX: protocol_page.index_page(facts),
        protocol_page.PROTOCOL: protocol_page.protocol_page(facts),
        error_code_pages.ERRORS: error_code_pages.error_page(facts),
        error_code_pages.OUTCOMES: error_code_pages.outcome_page(facts),
        stream_page.STREAM: stream_page.stream_page(facts),
        provenance_page.PROVENANCE: provenance_page.provenance_page(facts),
        sources_page.SOURCES: sources_page.sources_page(facts),
        unknowns_page.UNKNOWNS: unknowns_page.unknowns_page(facts),
        control_page.CONTROL: control_page.control_page(facts),
        "python/index.md": python_pages.python_index(facts),
    }
    for operation in facts.client.operations:
        made[call_page.path_of(operation)] = call_page.call_page(facts, operation)
    for shown in python_pages.python_pages(facts):
        made[shown.path] = python_pages.python_page(shown)
    return made


def navigation(facts: Facts) -> dict[str, object]:
    """Return the parts of the navigation that follow the document, by the entry of mkdocs.yml to fill."""
    calls: list[object] = ["api/index.md", "api/protocol.md"]
    calls += [
        {tag: [{operation.python_name: call_page.path_of(operation)} for operation in operations]}
        for tag, operations in protocol_page.operations_by_resource(facts)
    ]
    calls += ["api/events.md", "api/errors.md", "api/outcomes.md", "api/provenance.md", "api/sources.md"]
    return {
        "API": calls,
        "Python": ["python/index.md", *(shown.path for shown in python_pages.python_pages(facts))],
    }


def hand_written(root: Path) -> dict[str, bytes]:
    """Return the pages and assets in docs/, by path."""
    folder = root / HAND_WRITTEN
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.suffix in _ASSETS and path.relative_to(folder).parts[0] != _OWN_CODE
    }


def tree(facts: Facts) -> dict[str, bytes]:
    """Return every file of the tree that mkdocs reads, keyed by path.

    Args:
        facts: Everything that the pages are made from.

    Raises:
        ValueError: A page written by hand stands where one is made.
    """
    written: dict[str, bytes] = hand_written(facts.root)
    made: Mapping[str, str] = made_pages(facts)
    both = sorted(written.keys() & made.keys())
    if both:
        raise ValueError(f"written by hand and made: {', '.join(both)}")
    files = written | {path: content.encode() for path, content in made.items()}
    files[NAVIGATION] = (json.dumps(navigation(facts), indent=2) + "\n").encode()
    return dict(sorted(files.items()))


def write(files: Mapping[str, bytes], folder: Path) -> None:
    """Write a tree of files aside and put it in place of a folder, so that no page of an earlier tree remains.

    Args:
        files: Content of each file, keyed by relative path.
        folder: The folder to replace.
    """
    aside = folder.with_name(f"{folder.name}.new")
    shutil.rmtree(aside, ignore_errors=True)
    for path, content in files.items():
        target = aside / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    shutil.rmtree(folder, ignore_errors=True)
    aside.rename(folder)

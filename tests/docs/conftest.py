"""The pages, made once for all tests of this folder."""

from __future__ import annotations

import pytest

from tools.docs_site.page_facts import Facts, read_facts
from tools.docs_site.page_tree import tree


@pytest.fixture(scope="session")
def facts() -> Facts:
    """What the pages are made from."""
    return read_facts()


@pytest.fixture(scope="session")
def pages(facts: Facts) -> dict[str, str]:
    """Every page by path."""
    return {path: content.decode() for path, content in tree(facts).items() if path.endswith(".md")}

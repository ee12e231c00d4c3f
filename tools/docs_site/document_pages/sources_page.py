"""Write `openapi/SOURCES.md` as a page, with an anchor for each finding that other pages link to."""

from __future__ import annotations

import re

from tools.docs_site.markdown import anchor
from tools.docs_site.page_facts import Facts

SOURCES = "api/sources.md"
_FINDING = re.compile(r"^\| (\d+(?:, \d+)*) \|", re.MULTILINE)


def sources_page(facts: Facts) -> str:
    """Return the page of sources. Its text is that of the file; only the anchors are added."""

    def with_anchors(match: re.Match[str]) -> str:
        numbers = match.group(1).split(", ")
        return f"| {''.join(anchor(f'finding-{number}') for number in numbers)}{match.group(1)} |"

    return _FINDING.sub(with_anchors, facts.sources)


def finding_numbers(facts: Facts) -> set[int]:
    """Return the numbers of the findings that the file lists."""
    return {
        int(number) for match in _FINDING.finditer(facts.sources) for number in match.group(1).split(", ")
    }

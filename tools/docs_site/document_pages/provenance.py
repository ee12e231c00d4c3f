"""How a fact is known, as the pages show it: its marks, and the findings that it belongs to."""

from __future__ import annotations

from generator.document.json_pointer import Json
from generator.document.schema_queries import items, text, texts
from tools.docs_site.markdown import Links, prose


def provenance_marks(node: Json) -> tuple[str, ...]:
    """Return the marks of a fact."""
    return texts(node, "x-evidence")


def findings(node: Json) -> tuple[int, ...]:
    """Return the numbers of the findings that a fact belongs to."""
    return tuple(entry for entry in items(node, "x-discrepancy") if isinstance(entry, int))


def provenance(links: Links, node: Json, *, between: str = " ") -> str:
    """Return marks and findings of a fact as links.

    Args:
        links: Of the page it stands on.
        node: The fact, as the document has it.
        between: What parts the marks from the findings.
    """
    return joined((links.marks(provenance_marks(node)), links.findings(findings(node))), between=between)


def sample_provenance(links: Links, sample: Json) -> str:
    """Return how a sample is known, and what was done to it."""
    return joined(
        (
            links.marks(provenance_marks(sample)),
            prose(text(sample, "x-note")),
            links.findings(findings(sample)),
        )
    )


def joined(parts: tuple[str, ...], *, between: str = " ") -> str:
    """Return the parts that are not empty, joined."""
    return between.join(part for part in parts if part)

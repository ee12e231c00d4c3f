"""Show where a fact comes from: its provenance marks, and the findings that it belongs to."""

from __future__ import annotations

from generator.document.json_pointer import Json
from generator.document.schema_queries import items, text, texts
from tools.docs_site.markdown import Links, prose


def provenance_marks(node: Json) -> tuple[str, ...]:
    """Return the provenance marks of a fact."""
    return texts(node, "x-evidence")


def findings(node: Json) -> tuple[int, ...]:
    """Return the numbers of the findings that a fact belongs to."""
    return tuple(entry for entry in items(node, "x-discrepancy") if isinstance(entry, int))


def provenance(links: Links, node: Json, *, between: str = " ") -> str:
    """Return marks and findings of a fact as links.

    Args:
        links: Makes links of the page that shows the fact.
        node: The fact, as the document has it.
        between: Markdown between the marks and the findings.
    """
    return joined((links.marks(provenance_marks(node)), links.findings(findings(node))), between=between)


def sample_provenance(links: Links, sample: Json) -> str:
    """Return where a sample comes from, and how it was edited.

    Args:
        links: Makes links of the page that shows the sample.
        sample: The sample, as the document has it.
    """
    return joined(
        (
            links.marks(provenance_marks(sample)),
            prose(text(sample, "x-note")),
            links.findings(findings(sample)),
        )
    )


def joined(parts: tuple[str, ...], *, between: str = " ") -> str:
    """Return the parts that are not empty, joined.

    Args:
        parts: Pieces of Markdown.
        between: Markdown between two of them.
    """
    return between.join(part for part in parts if part)

"""Write the pages of the documentation that are made from facts: operations, errors, provenance, open questions.

    openapi/ ──generator──> Client, document ──> document_pages ──┐
    sandbox's choices, control API, docstrings ──> code_pages ────┼──> .build/docs-src/*.md ──mkdocs──> site/
    docs/*.md, written by hand ───────────────────────────────────┘

A page shows the facts of the document and adds none: a fact that is missing here is missing in `openapi/`.
`python -m tools.docs_site` writes the tree; `mkdocs build` turns it into the site; `python -m tools.docs_site --inspect
site` checks that the site loads nothing from elsewhere and that no link in it is dead.
"""

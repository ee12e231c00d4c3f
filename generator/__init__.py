"""Write `generated_client/` from the OpenAPI document in `openapi/`.

    openapi/ ──source──> parsed files ──bundle──> one document ──validate──> a document we can trust
             ──transform──> document for the parser ──opc_adapter──> names and types
             ──assemble──> model.Client ──render──> files ──formatting, verify──> a finished tree
             ──tree──> generated_client/

A document that is broken, or that says something this generator would have to guess at, is refused as a
whole: file, JSON pointer, reason, and what to write instead. Nothing is written in that case.
"""

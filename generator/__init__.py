"""Write `generated_client/` from the OpenAPI document in `openapi/`.

    openapi/ ──source_files──> parsed files ──bundle──> one document ──validation──> a trusted document
             ──parser_document──> document for the parser ──parser_adapter──> names and types
             ──client_assembly──> client_model.Client ──renderer──> files ──python_formatting, verification──> a tree
             ──file_tree──> generated_client/

A document that is broken, or that the generator could only guess at, is refused as a whole, with the file, the JSON
pointer, the reason, and what to write instead. Nothing is written in that case.
"""

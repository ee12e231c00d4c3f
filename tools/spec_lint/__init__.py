"""Is the bundled document usable by others? Three tools that nobody here wrote are asked.

    openapi-spec-validator     is it OpenAPI 3.1
    Redocly CLI                does it keep to a recommended ruleset (needs npm, says so when it is left out)
    datamodel-code-generator   does another generator accept it, and do its models take every sample

The first two are asked about the document of the sandbox's control API, too.

`python -m tools.spec_lint` (make lint-spec) runs them and prints one line each.
"""

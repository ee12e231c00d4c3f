"""Check the bundled document with three independent tools, so that others can use it.

    openapi-spec-validator     whether it is OpenAPI 3.1
    Redocly CLI                whether it keeps to a recommended ruleset (needs npm, reported when it is left out)
    datamodel-code-generator   whether another generator accepts it, and its models take every sample

The first two also check the document of the sandbox's control API.

`python -m tools.spec_lint` (make lint-spec) runs them and prints one line each.
"""

"""Write the pages that are made from the OpenAPI document: calls, errors, protocol, stream events, provenance."""

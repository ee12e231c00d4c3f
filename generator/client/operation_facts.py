"""Every fact about every call as plain data: `operations.json`, where review sees what an edit changed."""

from __future__ import annotations

from dataclasses import asdict

from generator.client.client_model import Client, Operation, Parameter


def operation_facts(client: Client) -> dict[str, object]:
    """Return the facts of every call, keyed by operationId, in the order of the resources."""
    return {operation.id: _facts(operation) for operation in client.operations}


def _facts(operation: Operation) -> dict[str, object]:
    facts: dict[str, object] = {
        "method": f"client.{operation.name}()",
        "call": f"{operation.method} {operation.path}",
        "server": operation.server,
        "security": operation.security_type,
        "api-key": operation.api_key,
        "signed": operation.signed,
        "mutates": operation.mutates,
        "weight": _without_empty(asdict(operation.weight)),
        "timeout-ms": {"connect": operation.connect_timeout_ms, "answer": operation.answer_timeout_ms},
        "parameters": [_parameter(parameter) for parameter in operation.parameters],
        "added-by-the-auth-scheme": [parameter.name for parameter in operation.owned],
        "answer": operation.result.annotation(sequence="list"),
    }
    if operation.single_result is not None:
        facts["answer-with"] = {
            str(operation.polymorphic_by): operation.single_result.annotation(sequence="list")
        }
    if operation.success:
        facts["success"] = [_without_empty(asdict(rule)) for rule in operation.success]
    if operation.unresolved_scope is not None:
        facts["unresolved-scope"] = asdict(operation.unresolved_scope)
    if operation.pagination is not None:
        facts["pagination"] = dict(operation.pagination.facts)
    if operation.requires_any:
        facts["requires-any"] = list(operation.requires_any)
    for name, rows in (
        ("caps", operation.caps),
        ("rules", operation.rules),
        ("known-errors", operation.known_errors),
        ("undocumented", operation.questions),
    ):
        if rows:
            facts[name] = [_without_empty(asdict(row)) for row in rows]
    return facts | {"evidence": list(operation.evidence), "source": operation.source}


def _parameter(parameter: Parameter) -> dict[str, object]:
    facts = _without_empty(asdict(parameter))
    return facts | {"required": parameter.required}


def _without_empty(facts: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in facts.items() if value not in (None, "", (), [], {})}

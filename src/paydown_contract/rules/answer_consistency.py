"""Check that an answer 200 fits its request: success rules, repeated values, pages and their order, counted weight.

Each rule is read from the document: `x-success`, `x-pagination`, `x-weight`, and the names that request and answer
share.
"""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from paydown_contract.bounded_reader import answer_json
from paydown_contract.document import Operation
from paydown_contract.json_types import is_list, is_object
from paydown_contract.requests.percent_encoding import effective_values, split
from paydown_contract.requests.raw_request import Request
from paydown_contract.rules.answer_body import PLAIN_DECIMAL, Answer, rows_of

_TYPES: Final[Mapping[str, type | tuple[type, ...]]] = {"integer": int, "string": str, "boolean": bool}


def sent_values(request: Request) -> dict[str, str]:
    """Return the decoded parameters of a request by name; the query wins over the body, and the first of two values."""
    return effective_values(split(request.query), split(request.body))


def contradictions(operation: Operation, request: Request, answer: Answer) -> Iterator[tuple[str, str]]:
    """Yield clause and symptom of everything in an answer 200 that contradicts its request.

    Args:
        operation: The operation that was called.
        request: The request, which the document allows.
        answer: The answer with status 200.
    """
    try:
        body: Any = answer_json(answer.body, Decimal)
    except ValueError:
        return  # AnswerSchema reports a body that is no JSON
    texts = sent_values(request)
    by = operation.facts.get("x-polymorphic-by")
    if by is not None and isinstance(body, list) == (by in texts):
        kind = "a list" if isinstance(body, list) else "one object"
        yield (
            f"{operation.id}: x-polymorphic-by {by}",
            f"{kind} comes back {'with' if by in texts else 'without'} {by}",
        )
    yield from _success(operation, texts, body)
    yield from _repeated(operation, texts, body)
    yield from _listed(operation, texts, body)
    yield from _weighed(operation, texts, answer)


def _success(operation: Operation, texts: Mapping[str, str], body: Any) -> Iterator[tuple[str, str]]:
    members: dict[str, Any] = body if is_object(body) else {}
    for rule in operation.facts.get("x-success", ()):
        name = rule["field"]
        clause = f"{operation.id}: x-success.{name}"
        if name not in members:
            yield clause, "answered 200 without it"
            continue
        value = members[name]
        if "equals" in rule and (value != rule["equals"] or type(value) is not type(rule["equals"])):
            yield clause, f"answered 200 with {value!r} where success is {rule['equals']!r}"
        if "equals-argument" in rule and value != texts.get(rule["equals-argument"]):
            yield clause, f"does not repeat the {rule['equals-argument']} of the request"
        if "type" in rule and (
            not isinstance(value, _TYPES[rule["type"]])
            or (isinstance(value, bool) and rule["type"] != "boolean")
        ):
            yield clause, f"is no {rule['type']}"


def _repeated(operation: Operation, texts: Mapping[str, str], body: Any) -> Iterator[tuple[str, str]]:
    """Yield each parameter that the answer repeats under the same name with another text, or with another number."""
    for field in operation.fields:
        if field.name not in texts or (
            field.schema.get("type") == "integer" and not _is_id(operation, field.name)
        ):
            continue
        for row in rows_of(operation, body):
            if field.name in row and not _same(
                texts[field.name], row[field.name], or_less=_may_be_partial(operation)
            ):
                yield (
                    f"{operation.id}: {field.name}",
                    "what comes back is about another one than was asked for",
                )
                break


def _is_id(operation: Operation, name: str) -> bool:
    return bool(operation.facts.get("x-pagination", {}).get("id") == name)


def _may_be_partial(operation: Operation) -> bool:
    """Return True if the document leaves open whether the exchange may do less than it was asked for."""
    questions = operation.facts.get("x-undocumented", ())
    return any({"partial", "clip"} & set(question.get("sandbox-values", ())) for question in questions)


def _same(text: str, value: Any, *, or_less: bool = False) -> bool:
    if is_list(value):
        return text.split(",") == [str(item) for item in value]
    if isinstance(value, bool):
        return text == str(value).lower()
    if (
        isinstance(value, str)
        and text != value
        and PLAIN_DECIMAL.fullmatch(text)
        and PLAIN_DECIMAL.fullmatch(value)
    ):
        return Decimal(text) == Decimal(value) or (or_less and 0 < Decimal(value) < Decimal(text))
    return text == str(value)


def _listed(operation: Operation, texts: Mapping[str, str], body: Any) -> Iterator[tuple[str, str]]:
    """Check the rows of a paged call: not more than fit, in the documented order, within the time window."""
    facts: Mapping[str, Any] = operation.facts.get("x-pagination", {})
    if not facts:
        return
    where = f"{operation.id}: x-pagination"
    rows = rows_of(operation, body)
    size = texts.get(facts.get("size", ""), str(facts.get("default-size", "")))
    if size.isdigit() and len(rows) > int(size):
        yield f"{where}.size", f"more rows than asked for: {len(rows)} for {size}"
    if facts.get("total") and is_object(body):
        total: Any = body.get(facts["total"])
        if isinstance(total, int) and total < len(rows):
            yield f"{where}.total", "less than the rows of one page"
    times: Sequence[Any] = [row.get(facts.get("time", "")) for row in rows]
    if not all(isinstance(each, int) for each in times):
        return
    if facts.get("order") == "newest-first" and list(times) != sorted(times, reverse=True):
        yield f"{where}.order: newest-first", "the rows come in another order"
    window: Mapping[str, Any] = facts.get("window", {})
    if facts.get("id") in texts:
        return  # an id wins over the times
    start, end = texts.get(window.get("start", ""), ""), texts.get(window.get("end", ""), "")
    if start.isdigit() and any(each < int(start) for each in times):
        yield f"{where}.window.start", "a row is older than the window"
    if end.isdigit() and any(each > int(end) for each in times):
        yield f"{where}.window.end", "a row is newer than the window"


def _weighed(operation: Operation, texts: Mapping[str, str], answer: Answer) -> Iterator[tuple[str, str]]:
    """Check that the used weight in the header counts at least the call itself."""
    weight: Mapping[str, Any] = operation.facts.get("x-weight", {})
    cost = weight.get("value")
    for case in weight.get("when", ()):
        if (case["parameter"] in texts) == case["present"]:
            cost = case["value"]
    headers: Mapping[str, Any] = operation.responses["200"].get("headers", {})
    for name, header in headers.items():
        if header.get("x-limit") not in ("ip-weight", "sapi-ip-weight") or not isinstance(cost, int):
            continue
        for key, value in answer.headers:
            if key.lower() == name.lower() and value.isascii() and value.isdigit() and int(value) < cost:
                yield f"{operation.id}: x-weight", f"{name} does not count the {cost} of the call itself"

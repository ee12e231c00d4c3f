"""Refuse a document that cannot be carried out, before anything is sent.

A document of other people may be well-formed and ask for the impossible: a pattern that is no pattern, an answer
without a schema, a text of a billion characters. Found in the middle of an examination, that would look like a clause
which the server breaks.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from typing import Any, Final

import jsonschema_rs

from paydown_contract.document import BrokenDocument, Document, Operation, in_words
from paydown_contract.json_types import is_list, is_object
from paydown_contract.requests.composer import Composer
from paydown_contract.requests.signing_key import Key
from paydown_contract.rules.allowed_answers import Oracle

# Python's own reading of a pattern; its stubs leave it out.
_parser: Final[Any] = import_module("re._parser")

# What a request is built to: longer texts and lists than this are no request of any exchange.
_LARGEST: Final = 10_000
_SIZES: Final = (
    *("minItems", "maxItems", "minLength", "maxLength"),
    *("max-integer-digits", "max-fraction-digits"),
)
# A repeat without an end counts as so many ways; two of them behind each other are tried in a second at the worst.
_LONG: Final = 1_000
_MOST_WAYS: Final = 10_000_000
_NOW_MS: Final = 1_700_000_000_000


def check_usable(document: Document) -> None:
    """Try everything that an examination needs of the document, without a server.

    Raises:
        BrokenDocument: Something in it cannot be carried out; the message names it.
    """
    key = Key("hmac", "k" * 64, b"s" * 64)
    composer, oracle = Composer(document, key, _NOW_MS), Oracle(document, (key,))
    for operation in document.operations:
        try:
            for schema in _schemas(operation):
                _check_schema(schema)
            request = composer.right(operation)
            verdict = oracle.expect(request, _NOW_MS)
        except BrokenDocument as error:
            raise BrokenDocument(f"{operation.id}: {error}") from error
        except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError, RecursionError) as error:
            raise BrokenDocument(f"{operation.id}: {in_words(error)}") from error
        if verdict.breaches:
            clauses = "; ".join(breach.clause for breach in verdict.breaches)
            raise BrokenDocument(f"{operation.id}: no request can be right: {clauses}")


def _schemas(operation: Operation) -> Iterator[Mapping[str, Any]]:
    for item in operation.fields:
        yield item.schema
    yield operation.success_schema()
    for response in operation.responses.values():
        for media in response.get("content", {}).values():
            if "schema" in media:
                yield media["schema"]


def _check_schema(schema: Mapping[str, Any]) -> None:
    if not is_object(schema):
        raise BrokenDocument("a schema that is no object")
    try:
        jsonschema_rs.Draft202012Validator(dict(schema))
    except jsonschema_rs.ValidationError as error:
        raise BrokenDocument(f"a schema that is none: {' '.join(error.message.split())[:200]}") from error
    pending: list[Any] = [schema]
    while pending:
        node = pending.pop()
        if is_list(node):
            pending += node
        elif is_object(node):
            pending += node.values()
            for name in _SIZES:
                size = node.get(name, 0)
                if isinstance(size, (int, float)) and not 0 <= size <= _LARGEST:
                    raise BrokenDocument(f"{name}: {size}; at most {_LARGEST} can be examined")
            pattern = node.get("pattern")
            if isinstance(pattern, str):
                try:
                    re.compile(pattern)
                    ways = _ways(_parser.parse(pattern))
                except (re.error, OverflowError, RecursionError) as error:
                    raise BrokenDocument(f"the pattern {pattern[:80]!r}: {error}") from error
                if ways > _MOST_WAYS:
                    raise BrokenDocument(
                        f"the pattern {pattern[:80]!r} could be tried in too many ways to end; write it without a "
                        "repeat inside of a repeat"
                    )


def _ways(parsed: Iterable[tuple[Any, Any]]) -> int:
    """Count the ways in which a backtracking engine may at most try a part of a pattern."""
    ways = 1
    for kind, about in parsed:
        name = str(kind)
        if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"):
            least, most, inner = about
            within = _ways(inner)
            # What may itself be tried in several ways, several times: two to the power of the text's length.
            ways *= (
                _MOST_WAYS + 1 if within > 1 and most > 1 else within * min(int(most) - int(least) + 1, _LONG)
            )
        elif name == "BRANCH":
            ways *= sum(_ways(one) for one in about[1])
        elif name == "SUBPATTERN":
            ways *= _ways(about[-1])
        elif name in ("ASSERT", "ASSERT_NOT"):
            ways *= _ways(about[1])
        elif name in ("ATOMIC_GROUP", "GROUPREF", "GROUPREF_EXISTS"):
            return _MOST_WAYS + 1
        ways = min(ways, _MOST_WAYS + 1)
    return ways

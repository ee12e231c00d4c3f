"""Read the bodies of answers, which may be anything."""

import re
from collections.abc import Sequence
from typing import Any, Final, Protocol

from paydown_contract.bounded_reader import answer_json
from paydown_contract.document import Operation
from paydown_contract.json_types import is_list, is_object

# A decimal written out in digits: no exponent, no plus, no bare point.
PLAIN_DECIMAL: Final = re.compile(r"-?[0-9]+(\.[0-9]+)?")


class Answer(Protocol):
    """What a server answered."""

    @property
    def status(self) -> int:
        """HTTP status."""
        ...

    @property
    def headers(self) -> Sequence[tuple[str, str]]:
        """All headers, in order."""
        ...

    @property
    def body(self) -> bytes:
        """The whole body."""
        ...


def json_of(body: bytes) -> Any:
    """Parse the JSON of a body; return None if it holds none."""
    try:
        return answer_json(body)
    except ValueError:
        return None


def members_of(body: bytes) -> dict[str, Any]:
    """Return the members of a JSON object; an empty dict if the body is anything else."""
    content = json_of(body)
    return content if is_object(content) else {}


def error_code_of(body: bytes) -> int | None:
    """Return the code of a JSON error body; None if the body holds none."""
    code = members_of(body).get("code")
    return code if isinstance(code, int) and not isinstance(code, bool) else None


def rows_of(operation: Operation, body: Any) -> list[dict[str, Any]]:
    """List the objects of an answer: its rows, or the answer itself as the only one.

    Args:
        operation: The operation that was called; `x-pagination` names the member that holds the rows.
        body: The parsed JSON of the answer.
    """
    name = operation.facts.get("x-pagination", {}).get("rows")
    found: Any = body.get(name, []) if name and is_object(body) else body
    return [row for row in (found if is_list(found) else [found]) if is_object(row)]

"""Read the `links` of the document: which call shows what another one has done, and what its answer must show.

A link of an answer 200 names a target operation, and for each of its parameters the place in the first request or in
its answer where the value stands. The target, called with these values, must show what the first call did.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from paydown_contract.document import BrokenDocument, Document, Operation
from paydown_contract.json_types import is_object
from paydown_contract.rules.answer_body import Answer, json_of, rows_of

BEYOND_A_LIMIT: Final = (429, 418)  # statuses that prove nothing about a request
_REQUEST: Final = ("$request.body#/", "$request.query.")
_ANSWER: Final = "$response.body#/"


@dataclass(frozen=True, slots=True)
class Link:
    """One link of the answer 200 of an operation."""

    name: str
    source: Operation
    target: Operation
    parameters: Mapping[str, str] = field(
        repr=False
    )  # of the target: a runtime expression, or the value itself

    @property
    def clause(self) -> str:
        """The place of the link in the document."""
        return f"{self.source.id}: responses.200.links.{self.name}"

    @property
    def by_id(self) -> bool:
        """Whether the link finds one record by the id in the first answer."""
        return self.target.facts.get("x-pagination", {}).get("id") in self.parameters

    def arguments(self, texts: Mapping[str, str], content: Mapping[str, Any]) -> dict[str, str] | None:
        """Collect the values to send to the target.

        Args:
            texts: Decoded parameters of the first request, by name.
            content: The members of its answer.

        Returns:
            None if request or answer lack a value that the link wants.
        """
        given: dict[str, str] = {}
        for name, source in self.parameters.items():
            value = _pointed(source, texts, content)
            if value is None:
                return None
            given[name] = value
        return given

    def symptom(self, texts: Mapping[str, str], given: Mapping[str, str], answer: Answer) -> str:
        """Describe how the target's answer fails to show what the first call did; empty if it shows that.

        Args:
            texts: Decoded parameters of the first request, by name.
            given: Values sent to the target, from `arguments`.
            answer: The target's answer.
        """
        if answer.status != 200:
            if self.by_id:
                return "0 records for the id that the answer gave"
            return f"{self.target.id} was answered {answer.status} when it was asked right afterwards"
        content = json_of(answer.body)
        if self.by_id:
            rows = rows_of(self.target, content)
            if len(rows) != 1:
                return f"{len(rows)} records for the id that the answer gave"
            if any(name in rows[0] and str(rows[0][name]) != value for name, value in given.items()):
                return "the record is that of something else"
            return "" if _adds_up(rows[0], texts) else "the record's amount is another one"
        if is_object(content):
            for name, text in texts.items():
                if isinstance(content.get(name), bool) and str(content[name]).lower() != text:
                    return f"{name} was set to {text}, and {self.target.id} does not show it"
        return ""


def links_of(document: Document, operation: Operation) -> tuple[Link, ...]:
    """List the links of an operation's answer 200, in document order.

    Args:
        document: Holds the targets.
        operation: The operation whose links are listed.

    Raises:
        BrokenDocument: A link leads to no operation.
    """
    found: list[Link] = []
    for name, link in operation.responses.get("200", {}).get("links", {}).items():
        wanted = link.get("operationId", "")
        target = next((each for each in document.operations if each.id == wanted), None)
        if target is None:
            raise BrokenDocument(
                f"{operation.id}: responses.200.links.{name} leads to no operation: {wanted!r}"
            )
        parameters = {str(key): str(value) for key, value in link.get("parameters", {}).items()}
        found.append(Link(name, operation, target, parameters))
    return tuple(found)


def _adds_up(row: Mapping[str, Any], texts: Mapping[str, str]) -> bool:
    """Return True if a record has the amount that was sent, as `amount`, or as `principal` if it has no amount."""
    try:
        return Decimal(row["amount"] if "amount" in row else row["principal"]) == Decimal(texts["amount"])
    except (KeyError, TypeError, ValueError, InvalidOperation):
        return False


def _pointed(source: str, texts: Mapping[str, str], content: Mapping[str, Any]) -> str | None:
    """Return the value of a runtime expression of a link; a text that is no expression is the value itself."""
    for start in _REQUEST:
        if source.startswith(start):
            return texts.get(source.removeprefix(start))
    if source.startswith(_ANSWER):
        value = content.get(source.removeprefix(_ANSWER))
        return None if value is None else str(value)
    return None if source.startswith("$") else source

# Written by `make generate` from openapi/ and generator/templates/operation.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""Define the classes of facts about an operation, and what a client must be able to do.

    resources/*.py ──(Operation, arguments, decode)──> Sender, written by hand ──> the exchange

This module imports only the standard library, so that the facts can be read without loading a client.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, Protocol, TypeVar, final

T = TypeVar("T")


@final
class Unset:
    """Mark an argument that is not sent at all, which is not the same as `None`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNSET"

    def __bool__(self) -> Literal[False]:
        return False

    def __reduce__(self) -> str:
        return "UNSET"


UNSET: Final = Unset()


class DecodeError(ValueError):
    """Report an answer that does not have the shape in the document.

    Attributes:
        path: Place of the value, such as "rows[3].principal"; "" is the answer itself.
        reason: What was expected there and what was found, without secrets.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path or 'the answer'}: {self.reason}"

    def inside(self, step: str) -> DecodeError:
        """Return the same error with one more step in front of its path."""
        if not self.path:
            return DecodeError(step, self.reason)
        dot = "" if self.path.startswith("[") else "."
        return DecodeError(f"{step}{dot}{self.path}", self.reason)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightCase:
    """Hold another weight, charged when a parameter is present (or absent)."""

    parameter: str
    present: bool
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """Hold what a call costs.

    Attributes:
        value: Charged against `budget` before sending.
        scope: What the weight counts against, as far as known: "ip", "order" or "uid".
        budget: Key in `error_codes.LIMITS`.
        observed: Weight that others measured, where it differs from the documented one.
        when: Other weights for other arguments. The first that fits replaces `value`.
    """

    value: int
    scope: str
    budget: str
    observed: int | None = None
    when: tuple[WeightCase, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """Hold one argument: how it is written, and what is refused before anything is sent.

    Attributes:
        name: Name on the wire.
        python_name: Name of the keyword argument.
        in_: The part of the request that holds it.
        kind: How a Python value becomes text.
        exclusive_minimum: Decimal text that a "decimal" must be greater than.
        pattern: Must match the whole text (`re.fullmatch`), for lists the text of each item.
        min_length: In characters, for lists of each item. The same holds for `max_length`.
        choices: The only texts an "enum" may take.
        excludes: Texts that are refused although they fit.
        unit: Unit of a number: "ms", "asset" (units of the asset named in the call), "USD", or "".
    """

    name: str
    python_name: str
    in_: Literal["query", "body"]
    kind: Literal["string", "decimal", "integer", "boolean_text", "enum", "string_list"]
    required: bool
    description: str
    minimum: int | None = None
    maximum: int | None = None
    exclusive_minimum: str | None = None
    max_integer_digits: int | None = None
    max_fraction_digits: int | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    choices: tuple[str, ...] = ()
    unit: str = ""
    min_items: int | None = None
    max_items: int | None = None
    unique_items: bool = False
    excludes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SuccessRule:
    """Hold a condition for a 200 to count as done.

    `field` of the answer is exactly `equals`, is the value sent as `equals_argument`, or is present with the JSON
    type `type`. One of the three is given.
    """

    field: str
    equals: str | int | bool | None = None
    equals_argument: str | None = None
    type: Literal["integer", "string", "boolean"] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """Hold a hard limit of one operation: the value that a call may move, or the calls per `interval_ms`."""

    id: str
    kind: Literal["value", "rate"]
    limit: str
    unit: str
    inclusive: bool
    text: str
    interval_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UnresolvedScope:
    """Hold what blocks a call: an unknown outcome in the same `group` with the same value of `argument`."""

    group: str
    argument: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PageWindow:
    """Hold the wire names of the ends of a time window, both included; its greatest and default width, ms."""

    start: str
    end: str
    max_ms: int | None = None
    default_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """Hold where old rows are: those older than `older_than_months` are found only with `parameter` true."""

    parameter: str
    older_than_months: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Pagination:
    """Hold how a list is read completely. Names are wire names; `None` means that the operation has none.

    Attributes:
        style: "page" counts pages, "time-window" has only the window, "from-id" goes on after the last id.
        page: Parameter with the page number, counted from 1.
        from_id: Parameter with the id to go on from.
        size: Parameter with the number of rows per page.
        default_size: Rows per page when it is not sent.
        max_size: Most rows that a page may have.
        rows: Member of the answer that holds the rows; `None` if the answer is the list.
        total: Member of the answer that counts all rows.
        id: Member of a row that identifies it.
        order: "newest-first", "oldest-first" or "undocumented".
        time: Member of a row with its time, ms UTC.
        window: The time window, if there is one.
        archive: Where old rows are, if the default query leaves them out.
        kept_ms: How long the exchange keeps rows.
    """

    style: Literal["page", "time-window", "from-id"]
    page: str | None = None
    from_id: str | None = None
    size: str | None = None
    default_size: int | None = None
    max_size: int | None = None
    rows: str | None = None
    total: str | None = None
    id: str | None = None
    order: Literal["newest-first", "oldest-first", "undocumented"]
    time: str | None = None
    window: PageWindow | None = None
    archive: Archive | None = None
    kept_ms: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """Hold one operation of the API, as data.

    Attributes:
        id: `operationId` in the document.
        name: "resource.method" in Python.
        server: Key in `error_codes.SERVERS`.
        api_key: Whether the key header is sent.
        signed: Whether timestamp and signature are added.
        mutates: Whether it changes anything at the exchange; such a call is sent at most once.
        connect_timeout_s: Seconds until the connection must stand.
        answer_timeout_s: Seconds until the answer must be complete.
        parameters: In the order of the document, which is the order on the wire; without those of the auth scheme.
        success: Every rule must hold for a 200 to count as done.
        requires_any: Wire names of parameters of which at least one must be sent.
    """

    id: str
    name: str
    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    server: str
    security_type: str
    api_key: bool
    signed: bool
    mutates: bool
    weight: Weight
    connect_timeout_s: float
    answer_timeout_s: float
    parameters: tuple[Parameter, ...] = ()
    success: tuple[SuccessRule, ...] = ()
    caps: tuple[Cap, ...] = ()
    requires_any: tuple[str, ...] = ()
    unresolved_scope: UnresolvedScope | None = None
    pagination: Pagination | None = None
    provenance: tuple[str, ...] = ()
    source: str = ""


class Sender(Protocol):
    """Send calls for the resources of a blocking client."""

    def send(self, operation: Operation, arguments: Mapping[str, object], decode: Callable[[object], T]) -> T:
        """Make one call and return its decoded answer.

        Args:
            operation: The operation to call.
            arguments: Values keyed by wire name; `UNSET` is not sent.
            decode: Reads the answer.
        """
        ...

    def iterate(
        self, operation: Operation, arguments: Mapping[str, object], decode_row: Callable[[object], T]
    ) -> Iterator[T]:
        """Read every page of `operation.pagination` and yield its rows, decoded.

        Args:
            operation: The operation to call for each page.
            arguments: Values keyed by wire name; `UNSET` is not sent.
            decode_row: Reads one row.
        """
        ...


class AsyncSender(Protocol):
    """Send calls for the resources of an awaited client."""

    async def send(
        self, operation: Operation, arguments: Mapping[str, object], decode: Callable[[object], T]
    ) -> T:
        """Make one call and return its decoded answer.

        Args:
            operation: The operation to call.
            arguments: Values keyed by wire name; `UNSET` is not sent.
            decode: Reads the answer.
        """
        ...

    def iterate(
        self, operation: Operation, arguments: Mapping[str, object], decode_row: Callable[[object], T]
    ) -> AsyncIterator[T]:
        """Read every page of `operation.pagination` and yield its rows, decoded.

        Args:
            operation: The operation to call for each page.
            arguments: Values keyed by wire name; `UNSET` is not sent.
            decode_row: Reads one row.
        """
        ...

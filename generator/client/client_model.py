"""Hold the facts of a client as plain data: already named, typed and sorted.

Every decision is made before a template sees one of these. Times are milliseconds where a name ends in `_ms`;
amounts stay the decimal text of the document.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from generator.client.python_types import Type
from generator.document.json_pointer import Json
from generator.quoting import string


@dataclass(frozen=True, slots=True)
class WeightCase:
    """Hold a weight that applies when a parameter is present, or when it is absent."""

    parameter: str
    present: bool
    value: int


@dataclass(frozen=True, slots=True)
class Weight:
    """Hold what an operation costs. `value` is charged; `label` holds the scope that each source prints."""

    value: int
    scope: str
    budget: str
    observed: int | None
    documented: int | None
    when: tuple[WeightCase, ...]
    label: Mapping[str, str]
    note: str


@dataclass(frozen=True, slots=True)
class Parameter:
    """Hold one argument of an operation: how it goes on the wire, and how Python spells it."""

    name: str
    python_name: str
    location: str  # query | body
    kind: str  # string | decimal | integer | boolean_text | enum | string_list
    required: bool
    description: str
    unit: str
    minimum: int | None = None
    maximum: int | None = None
    max_integer_digits: int | None = None
    max_fraction_digits: int | None = None
    exclusive_minimum: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    choices: tuple[str, ...] = ()
    min_items: int | None = None
    max_items: int | None = None
    unique_items: bool = False
    excludes: tuple[str, ...] = ()
    provenance: tuple[str, ...] = ()

    @property
    def annotation(self) -> str:
        """Return the Python type of the argument, without `Unset`."""
        if self.kind == "enum":
            return f"Literal[{', '.join(string(choice) for choice in self.choices)}]"
        return {
            "decimal": "Decimal | str",
            "integer": "int",
            "boolean_text": "bool",
            "string_list": "Sequence[str]",
        }.get(self.kind, "str")


@dataclass(frozen=True, slots=True)
class SuccessRule:
    """Hold one condition for a 200 to count as done: exactly one of the last three members is given."""

    field: str
    equals: Json = None
    equals_argument: str | None = None
    type: str | None = None


@dataclass(frozen=True, slots=True)
class Cap:
    """Hold a hard limit of one operation."""

    id: str
    kind: str  # value | rate
    limit: str
    unit: str
    inclusive: bool
    interval_ms: int | None
    text: str
    provenance: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """Hold a documented rule of an operation, in the words of this project."""

    id: str
    text: str
    provenance: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KnownError:
    """Hold an error that an operation was really seen to answer."""

    code: int
    text: str
    provenance: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """Hold a question that no documentation answers, and the assumption to work with."""

    id: str
    question: str
    reading: str


@dataclass(frozen=True, slots=True)
class PageWindow:
    """Hold the time parameters of a list, the widest window that it accepts and the one it takes by default (ms)."""

    start: str
    end: str
    max_ms: int | None
    default_ms: int | None


@dataclass(frozen=True, slots=True)
class Archive:
    """Hold where old rows are: those older than `older_than_months` are found only with `parameter` true."""

    parameter: str
    older_than_months: int


@dataclass(frozen=True, slots=True)
class Pagination:
    """Hold how a list is read page by page."""

    style: str  # page | time-window | from-id
    page: str | None
    from_id: str | None
    size: str | None
    default_size: int | None
    max_size: int | None
    rows: str | None
    total: str | None
    id: str | None
    order: str
    time: str | None
    window: PageWindow | None
    archive: Archive | None
    kept_ms: int | None
    facts: Mapping[str, Json]

    @property
    def walked(self) -> tuple[str, ...]:
        """Return the parameters that a walk over all rows sets by itself."""
        return tuple(name for name in (self.page, self.from_id) if name is not None)


@dataclass(frozen=True, slots=True)
class UnresolvedScope:
    """Hold what blocks an operation: an unknown outcome in the same `group`, with the same value of `argument`."""

    group: str
    argument: str


@dataclass(frozen=True, slots=True)
class Operation:
    """Hold everything about one operation of the API."""

    id: str
    name: str  # margin.repay_debt
    constant: str  # REPAY_DEBT
    python_name: str
    resource: str
    method: str
    path: str
    server: str
    security_type: str
    api_key: bool
    signed: bool
    mutates: bool
    weight: Weight
    connect_timeout_ms: int
    answer_timeout_ms: int
    parameters: tuple[Parameter, ...]
    owned: tuple[Parameter, ...]
    exposed: tuple[Parameter, ...]  # owned by the auth scheme, yet worth an argument: recvWindow
    success: tuple[SuccessRule, ...]
    caps: tuple[Cap, ...]
    rules: tuple[Rule, ...]
    questions: tuple[Question, ...]
    requires_any: tuple[str, ...]
    known_errors: tuple[KnownError, ...]
    unresolved_scope: UnresolvedScope | None
    pagination: Pagination | None
    polymorphic_by: str | None
    result: Type
    single_result: Type | None  # of a polymorphic call, with the argument present
    row: Type | None  # of a paginated call
    summary: str
    description: str
    provenance: tuple[str, ...]
    source: str
    file: str


@dataclass(frozen=True, slots=True)
class Resource:
    """Hold the operations of one tag, which become one class."""

    tag: str
    class_name: str
    module: str
    description: str
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """Hold one member of an object that the exchange sends."""

    name: str
    python_name: str
    type: Type
    required: bool
    description: str
    unit: str
    secret: bool
    provenance: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Model:
    """Hold an object that the exchange sends."""

    class_name: str
    module: str
    description: str
    fields: tuple[Field, ...]
    file: str
    source: str


@dataclass(frozen=True, slots=True)
class EnumMember:
    """Hold one value of an open enum."""

    name: str
    value: str
    description: str


@dataclass(frozen=True, slots=True)
class OpenEnum:
    """Hold a list of values to which the exchange may add."""

    class_name: str
    description: str
    members: tuple[EnumMember, ...]
    file: str


@dataclass(frozen=True, slots=True)
class UnionCase:
    """Hold the model that one value of a tag stands for."""

    value: str
    class_name: str


@dataclass(frozen=True, slots=True)
class TaggedUnion:
    """Hold objects that are distinguished by the value of one member."""

    class_name: str
    module: str
    description: str
    tag: str
    cases: tuple[UnionCase, ...]
    file: str


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """Hold an error code of the exchange, and what it means for a debt."""

    code: int
    name: str
    meaning: str
    executed: str
    retry: str
    category: str
    match: str
    http: tuple[int, ...]
    server: str | None
    listed: str
    provenance: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StatusOutcome:
    """Hold what an HTTP status proves about a call that moves money. The first row that fits decides."""

    status: str
    body: str
    text: str | None
    code: int | None
    overrides_codes: tuple[int, ...]
    executed: str
    category: str
    retry: str
    provenance: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Limit:
    """Hold a budget that the exchange counts."""

    id: str
    limit: int
    interval_ms: int
    per: str
    per_endpoint: bool
    header: str
    counted_on_error: bool
    window: str
    provenance: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Client:
    """Hold everything that the templates need."""

    title: str
    version: str
    resources: tuple[Resource, ...]
    models: tuple[Model, ...]
    enums: tuple[OpenEnum, ...]
    unions: tuple[TaggedUnion, ...]
    error_codes: tuple[ErrorCode, ...]
    status_outcomes: tuple[StatusOutcome, ...]
    limits: tuple[Limit, ...]
    servers: Mapping[str, str]
    clocks: tuple[str, ...]
    ban: Mapping[str, Json]
    stream: Mapping[str, Json]
    api_key_header: str
    signing: Mapping[str, Json]
    default_connect_timeout_ms: int
    default_answer_timeout_ms: int
    provenance_marks: Mapping[str, str]

    @property
    def operations(self) -> tuple[Operation, ...]:
        """Return every operation, by resource."""
        return tuple(operation for resource in self.resources for operation in resource.operations)

"""Run schemathesis, all its phases and checks, against a server, signed, and keeps what the document does not excuse.

schemathesis judges by the schema alone. It cannot know that a right repayment of an unknown asset may be refused, nor
that a missing key may be answered with 400: the oracle can, and a complaint about an answer that the document allows
is dropped. Everything else stays.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from schemathesis.core.failures import AcceptedNegativeData
from schemathesis.engine import events, from_schema
from schemathesis.engine.recorder import Request as RecordedRequest
from schemathesis.openapi.checks import (
    IgnoredAuth,
    MissingHeaderNotRejected,
    RejectedPositiveData,
    UnsupportedMethodResponse,
)

from paydown_contract.document import Document
from paydown_contract.requests.raw_request import Request
from paydown_contract.rules.allowed_answers import Oracle
from paydown_contract.rules.answer_body import error_code_of
from paydown_contract.rules.business_refusals import is_business_refusal
from tests.contract.support.stock_signing import Signer


@dataclass(slots=True)
class Complaint:
    """One check that failed, and the request that made it fail."""

    operation: str
    phase: str
    check: str
    message: str
    request: Request
    status: int | None
    body: bytes


@dataclass(slots=True)
class Outcome:
    """What a run saw."""

    complaints: list[Complaint] = field(default_factory=list[Complaint])
    errors: list[str] = field(default_factory=list[str])
    statuses: Counter[tuple[str, int]] = field(
        default_factory=Counter[tuple[str, int]]
    )  # (operation, status)
    cases: Counter[str] = field(default_factory=Counter[str])  # by phase

    def successes(self, operation: str) -> int:
        """How many real 2xx an operation gave."""
        return sum(
            count
            for (name, status), count in self.statuses.items()
            if name == operation and 200 <= status < 300
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to try."""

    phases: tuple[str, ...] = ("examples", "coverage", "fuzzing")
    max_examples: int = 10
    seed: int = 1
    derandomised: bool = True
    database: str = "none"  # a folder where found examples are kept, or none


def run(
    document: Document,
    bundled: Mapping[str, Any],
    signer: Signer | None,
    *,
    app: Any = None,
    base_url: str | None = None,
    operations: Sequence[str] = (),
    plan: Plan | None = None,
    tune: Callable[[Any], None] | None = None,
    excuse: bool = True,
    watch: Callable[[Any], None] = lambda recorder: None,
) -> Outcome:
    """Run schemathesis against `app` (ASGI) or `base_url`.

    Args:
        document: What the oracle judges by.
        bundled: The same document in one piece, as schemathesis reads it.
        signer: Signs the requests; None sends everything unsigned, which shows how little that proves.
        app: An ASGI application, called in process.
        base_url: Or the address of a server.
        operations: Ids to run; none means all.
        plan: How much to try.
        tune: Changes the schemathesis schema before the run.
        excuse: Drop complaints about answers that the document allows; without it schemathesis is alone.
        watch: Called with the record of every scenario.
    """
    plan = plan or Plan()
    schema: Any = schemathesis.openapi.from_dict(dict(bundled))
    if app is not None:
        schema.app = app
    if base_url is not None:
        schema.config.update(base_url=base_url)
    if operations:
        schema = schema.include(operation_id=list(operations))
    config = schema.config
    config.checks.positive_data_acceptance.expected_statuses = ["2xx"]  # by default a 401 counts as accepted
    # Through `update` alone: what is set as an attribute is forgotten where phases bring settings of their own.
    config.generation.update(
        with_security_parameters=False,
        max_examples=plan.max_examples,
        deterministic=plan.derandomised,
        database=plan.database,
    )
    config.seed = plan.seed
    config.continue_on_failure = True
    config.analysis.constants.enabled = False  # else the data depends on the code around it
    config.phases.update(phases=list(plan.phases))
    if signer is not None:
        schema.auth.set_from_requests(signer)
    if tune is not None:
        tune(schema)
    if signer is not None and excuse:
        _excuse(schema, document, signer)
    outcome = Outcome()
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            _note(event, outcome)
            watch(event.recorder)
        elif isinstance(event, events.NonFatalError):
            if "stateful" in str(event.phase).lower() and "stateful" not in plan.phases:
                continue
            outcome.errors.append(f"{event.label}: {event.value}")
        elif isinstance(event, events.FatalError):
            outcome.errors.append(f"fatal: {event.exception!r}")
    return outcome


def _excuse(schema: Any, document: Document, signer: Signer) -> None:
    """Drop complaints that the document does not share, before schemathesis spends time on making them small."""
    oracle = Oracle(document, (signer.key,))

    def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
        if not isinstance(failure, _ABOUT_ACCEPTANCE):
            return True
        request = raw_request(RecordedRequest.from_prepared_request(response.request))
        return not excused(
            request, response.status_code, response.content or b"", document, oracle, signer.now_ms()
        )

    schema.hook(filter_failure)


def _note(event: Any, outcome: Outcome) -> None:
    phase = event.phase.value
    for case_id, interaction in event.recorder.interactions.items():
        if interaction.response is None:
            continue
        case = event.recorder.cases[case_id].value
        operation = case.operation.definition.raw.get("operationId", case.operation.label)
        outcome.statuses[operation, interaction.response.status_code] += 1
        outcome.cases[phase] += 1
        for check in event.recorder.checks.get(case_id, ()):
            if check.failure_info is None:
                continue
            outcome.complaints.append(
                Complaint(
                    operation=operation,
                    phase=phase,
                    check=check.name,
                    message=check.failure_info.failure.message,
                    request=raw_request(interaction.request),
                    status=interaction.response.status_code,
                    body=interaction.response.content or b"",
                )
            )


def raw_request(recorded: Any) -> Request:
    """A recorded request as the bytes that were sent."""
    address, _, query = recorded.uri.partition("?")
    path = "/" + address.split("://", 1)[-1].partition("/")[2]
    headers = tuple((name, value) for name, values in recorded.headers.items() for value in values)
    return Request(recorded.method, path, query.encode("utf-8"), headers, recorded.body or b"")


# Failures about whether a request should have been accepted. The others judge the answer itself, which nothing
# excuses.
_ABOUT_ACCEPTANCE = (
    AcceptedNegativeData, RejectedPositiveData, MissingHeaderNotRejected, UnsupportedMethodResponse, IgnoredAuth
)  # fmt: skip


def excused(
    request: Request, status: int, body: bytes, document: Document, oracle: Oracle, now_ms: int
) -> bool:
    """Whether the document allows the answer that schemathesis complains about."""
    code = error_code_of(body)
    verdict = oracle.expect(request, now_ms)
    if verdict.allows(status, code):
        return True
    return (
        verdict.accepted
        and verdict.operation is not None
        and is_business_refusal(document, verdict.operation, status, code)
    )

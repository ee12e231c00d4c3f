"""Examine a server: send every variant of every request, and judge nothing but the answers.

What the document forbids must be refused with an allowed status and code. What it allows must be carried out, or
refused because of the state of the account. Every answer must have the documented form.
"""

import http.client
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

from paydown_contract.document import Document, Operation
from paydown_contract.examination.answer_check import AnswerCheck
from paydown_contract.examination.examination import Examination, Tally
from paydown_contract.examination.finding import Finding, without_implied
from paydown_contract.examination.link_checks import LinkChecker
from paydown_contract.examination.server_clock import ServerClock, clock_finding, read_clock
from paydown_contract.examination.timed_variants import timed_variants
from paydown_contract.requests.composer import Composer
from paydown_contract.requests.raw_request import Request
from paydown_contract.requests.signing_key import Key
from paydown_contract.requests.variants.tamperer import Variant
from paydown_contract.rules.allowed_answers import Oracle
from paydown_contract.rules.answer_body import Answer
from paydown_contract.rules.links import BEYOND_A_LIMIT

# After so many refusals by a limit in a row, the rest of an operation is left out: to go on would earn a ban and prove
# nothing. After so many requests in a row without an answer, the server is gone and the examination ends.
_PATIENCE: Final = 5


def examine(
    document: Document,
    send: Callable[[Request], Answer],
    key: Key,
    *,
    others: tuple[Key, ...] = (),
    frozen_at_ms: int | None = None,
    operations: Iterable[str] = (),
    between: Callable[[Operation, int], None] = lambda operation, number: None,
    progress: Callable[[str], None] = lambda text: None,
) -> Examination:
    """Send every variant of every request to a server and judge every answer.

    Args:
        document: The document that the server claims to keep.
        send: Sends one raw request and returns the answer.
        key: A key of the server with every permission.
        others: Further keys that the server knows.
        frozen_at_ms: Where the server's clock stands still, UTC milliseconds; None if it runs.
        operations: Ids of the operations to examine; none means all.
        between: Called before each request with its operation and number, to fill up a server that runs dry.
        progress: Called with a line of text after each operation.

    Raises:
        OSError: The server gave no answer several times in a row.
        HTTPException: The same, where what came was no HTTP.
    """
    begun = time.monotonic()
    examination = Examination()
    clock = read_clock(document, send) if frozen_at_ms is None else ServerClock(frozen_at_ms)
    chosen = frozenset(operations)
    _follow_links(LinkChecker(document, send, key, clock.now_ms), chosen, examination, progress)
    if frozen_at_ms is None and (stalled := clock_finding(document, send)) is not None:
        examination.add(stalled)
    examiner = _Examiner(document, send, key, others, clock, between, examination)
    for operation in document.operations:
        if not chosen or operation.id in chosen:
            tally = examiner.examine(operation)
            limited = f", {tally.limited} beyond a limit" if tally.limited else ""
            counts = f"{tally.sent} requests, {tally.accepted} accepted, {tally.refused} refused"
            progress(f"{operation.id}: {counts}{limited}")
    examination.findings = without_implied(examination.findings)
    examination.seconds = time.monotonic() - begun
    return examination


def _follow_links(
    checker: LinkChecker,
    chosen: Collection[str],
    examination: Examination,
    progress: Callable[[str], None],
) -> None:
    """Check the links first, while the account is as it was: thousands of variants will change it."""
    for finding in checker.findings(chosen):
        examination.add(finding)
    followed = list(dict.fromkeys(checker.followed))
    missed = [each for each in dict.fromkeys(checker.missed) if each not in followed]
    examination.links_followed, examination.links_missed = followed, missed
    if followed or missed:
        progress(f"links: {len(followed)} followed, {len(missed)} not followed")


@dataclass(slots=True)
class _Examiner:
    """Examines one operation after the other, and notices a server that is gone."""

    document: Document
    send: Callable[[Request], Answer]
    key: Key
    others: tuple[Key, ...]
    clock: ServerClock
    between: Callable[[Operation, int], None]
    examination: Examination
    unanswered: int = field(default=0, init=False)  # requests in a row without an answer

    def examine(self, operation: Operation) -> Tally:
        """Send every variant of one operation, and add what its answers break to the findings."""
        tally = self.examination.tallies[operation.id] = Tally()
        check = AnswerCheck(self.document, Oracle(self.document, (self.key, *self.others)), operation)
        preparing = _preparing_call(self.document, operation)
        limited_in_a_row = 0
        variants = timed_variants(self.document, self.key, self.others, operation, self.clock)
        for number, (variant, now_ms) in enumerate(variants):
            if limited_in_a_row >= _PATIENCE:
                tally.left_out += 1
                continue
            self.between(operation, number)
            if preparing is not None:
                self.send(Composer(self.document, self.key, now_ms).right(preparing))
            answer = self._answer(variant)
            if answer is None:
                continue
            limited_in_a_row = limited_in_a_row + 1 if answer.status in BEYOND_A_LIMIT else 0
            tally.sent += 1
            tally.statuses[answer.status] += 1
            checked = check.check(variant.request, answer, now_ms)
            checked.count_in(tally)
            label = f"{variant.group}: {variant.name}"
            for clause, symptom in checked.violations:
                self.examination.add(
                    Finding.of_answer(operation.id, clause, symptom, label, variant.request, answer)
                )
        if tally.accepted == 0 and not tally.left_out:
            self.examination.add(self._never_accepted(operation))
        return tally

    def _answer(self, variant: Variant) -> Answer | None:
        """Send one variant; a request without an answer is a finding, several in a row end the examination."""
        try:
            answer = self.send(variant.request)
        except (OSError, http.client.HTTPException) as error:
            self.unanswered += 1
            if self.unanswered >= _PATIENCE:
                raise
            clause = f"{variant.operation}: responses"
            symptom = f"no HTTP answer came ({type(error).__name__})"
            label = f"{variant.group}: {variant.name}"
            self.examination.add(Finding(variant.operation, clause, symptom, label, variant.request, 0, b""))
            return None
        self.unanswered = 0
        return answer

    def _never_accepted(self, operation: Operation) -> Finding:
        request = Composer(self.document, self.key, self.clock.frozen_at_ms or 0).right(operation)
        clause = f"{operation.id}: responses.200"
        return Finding(
            operation.id, clause, "no right request was ever accepted", "all of them", request, 0, b""
        )


def _preparing_call(document: Document, operation: Operation) -> Operation | None:
    """Return the call that creates what a PUT or DELETE needs to find: the POST of the same path without arguments."""
    if operation.method not in ("PUT", "DELETE"):
        return None
    post = document.operation("POST", operation.path)
    return post if post is not None and not any(item.required for item in post.fields) else None

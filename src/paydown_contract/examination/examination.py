"""The result of an examination: findings, and per operation how much was sent and judged."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from paydown_contract.examination.finding import Finding


class Result(StrEnum):
    """Whether a server keeps the document."""

    KEPT = "kept"
    BROKEN = "broken"
    UNDECIDED = "undecided"  # too few answers could be judged for either


@dataclass(slots=True)
class Tally:
    """How many requests were sent to one operation, and how they were answered."""

    sent: int = 0
    accepted: int = 0
    refused: int = 0
    business: int = 0  # valid requests that the state of the account refused
    silent: int = 0  # requests on which the document has no opinion
    limited: int = 0  # answered 429 or 418, which shows nothing about the request
    left_out: int = 0  # not sent any more after several 429 in a row
    statuses: Counter[int] = field(default_factory=Counter[int])

    @property
    def is_enough(self) -> bool:
        """Whether the absence of findings proves something: at least one success, and half of the requests judged."""
        judged = self.sent - self.limited
        return self.accepted > 0 and judged >= self.limited + self.left_out


@dataclass(slots=True)
class Examination:
    """The findings about one server, and what they rest on.

    Links are named by their clauses. A link is missed where its first call was refused or met a limit.
    """

    findings: list[Finding] = field(default_factory=list[Finding])
    tallies: dict[str, Tally] = field(default_factory=dict[str, Tally])
    links_followed: list[str] = field(default_factory=list[str])
    links_missed: list[str] = field(default_factory=list[str])
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether the server keeps the document, as far as its answers show."""
        return self.result is Result.KEPT

    @property
    def result(self) -> Result:
        """BROKEN with any finding; KEPT if every operation was examined enough; UNDECIDED otherwise."""
        if self.findings:
            return Result.BROKEN
        return Result.KEPT if self.tallies and not self.undecided else Result.UNDECIDED

    @property
    def undecided(self) -> list[str]:
        """Ids of the operations with too few answers to judge."""
        return [name for name, tally in self.tallies.items() if not tally.is_enough]

    def add(self, finding: Finding) -> None:
        """Keep a finding; of several with one clause and one kind, keep the one with the smallest request."""
        for at, other in enumerate(self.findings):
            if (other.operation, other.clause, other.kind) == (
                finding.operation,
                finding.clause,
                finding.kind,
            ):
                if finding.size < other.size:
                    self.findings[at] = finding
                return
        self.findings.append(finding)

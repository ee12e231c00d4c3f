"""What a run of the contract suite adds up to, and everything that makes it fail.

A run that touched little proves little. So it fails not only on a failed test, but also on an operation that
hardly ever succeeded, on a documented answer that nobody gave or nobody read, on a keyword that nothing touched, and on
a wrong idea that survived; each exception stands in `gaps.allow.toml` with its reason, and one that is no longer needed
is a failure as well.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Final

from paydown_contract.document import Document
from tests.contract.report.meter import Meter
from tests.contract.report.strength import Strength
from tests.contract.report.targets import CLIENT, EXCHANGE, KINDS, SIDES, kind_of, targets

# Real successes that each operation needs on each side in a whole run, and in each layer that tries to refuse as much
# as it accepts.
LEAST_SUCCESSES: Final = 20
LEAST_IN_LAYER: Final = {"matrix": 2, "schemathesis": 2}

# By the beginning of a test module's path below tests/, the longest that fits.
LAYERS: Final = {
    "contract/client/test_client_facts": "facts",
    "contract/client/test_client_events": "events",
    "contract/client/test_client_requests": "requests",
    "contract/client/test_client_responses": "answers",
    "contract/client/test_client_errors": "errors",
    "contract/client/test_client_signer": "signer",
    "contract/sandbox/test_sandbox_faults": "faults",
    "contract/sandbox/test_sandbox_limits": "limits",
    "contract/sandbox/test_sandbox_rules": "rules",
    "contract/sandbox/test_sandbox_answers": "answers",
    "contract/sandbox/test_sandbox_matrix": "matrix",
    "contract/sandbox/test_sandbox_stock": "schemathesis",
    "contract/sandbox/test_sandbox_time": "time",
    "contract/sandbox/test_sandbox_stream": "stream",
    "contract/sandbox/test_sandbox_ledger": "ledger",
    "contract/sandbox/test_sandbox_records": "records",
    "contract/sandbox/test_sandbox_ways_in": "ways in",
    "contract/document/": "evidence",
    "contract/server/": "server half",
    "contract/suite/": "strength",
    "client/": "client",
    "sandbox/": "exchange",
    "generator/": "generator",
    "faults/": "faults of others",
    "repay/": "repayment",
}


def layer_of(nodeid: str) -> str:
    """Return the layer that a test belongs to, by its folder and module."""
    path = nodeid.partition("::")[0].removesuffix(".py").removeprefix("tests/")
    fitting = [start for start in LAYERS if path.startswith(start)]
    return LAYERS[max(fitting, key=len)] if fitting else path.rpartition("/")[2].removeprefix("test_")


@dataclass(frozen=True, slots=True)
class Test:
    """One test that ran."""

    nodeid: str
    outcome: str  # passed, failed or skipped
    seconds: float
    message: str = ""
    text: str = ""  # the whole failure
    clause: str = ""  # of the document, as far as the last request shows it
    curl: str = ""
    answer: str = ""

    @property
    def layer(self) -> str:
        """The layer it belongs to."""
        return layer_of(self.nodeid)


@dataclass(frozen=True, slots=True)
class Row:
    """One operation."""

    operation: str
    method: str
    path: str
    requests: Mapping[tuple[str, str], Mapping[str, int]]  # (side, layer) -> {"2xx": n, "refused": n}
    covered: Mapping[tuple[str, str], tuple[int, int]]  # (side, kind) -> touched, of how many
    missing: tuple[str, ...]  # "side operation target", accepted gaps included

    def count(self, side: str, outcome: str = "") -> int:
        """Requests of one side, of one outcome or of both."""
        return sum(
            number
            for (each, _), outcomes in self.requests.items()
            for name, number in outcomes.items()
            if each == side and outcome in ("", name)
        )

    def in_layer(self, layer: str) -> int:
        """Successes of one layer at the exchange."""
        return self.requests.get((EXCHANGE, layer), {}).get("2xx", 0)

    def coverage(self, side: str) -> tuple[int, int]:
        """Targets touched and wanted on one side."""
        pairs = [pair for (each, _), pair in self.covered.items() if each == side]
        return sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)


@dataclass(frozen=True, slots=True)
class Complaint:
    """Something that makes a run fail, besides a failed test."""

    kind: str
    of: str
    said: str


@dataclass(slots=True)
class Report:
    """One run."""

    profile: str
    seed: int
    command: str
    seconds: float
    whole: bool  # the whole suite ran, so that what is missing is missing indeed
    tests: list[Test]
    rows: list[Row]
    strength: Strength
    gaps: Sequence[Mapping[str, Any]]
    crashed: list[str] = field(default_factory=list)
    complaints: list[Complaint] = field(default_factory=list)

    @property
    def failed(self) -> list[Test]:
        """The tests that failed, once each."""
        seen: dict[str, Test] = {}
        for test in self.tests:
            if test.outcome == "failed":
                seen.setdefault(test.nodeid, test)
        return list(seen.values())

    @property
    def result(self) -> str:
        """The result in words: a part that passes proves nothing about the rest."""
        if not self.passed:
            return "the contract is broken"
        return "the contract is kept" if self.whole else "what was tried of the contract is kept"

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.failed and not self.complaints and bool(self.tests)

    def outcomes(self) -> Counter[str]:
        """Tests by outcome."""
        counts = Counter(test.outcome for test in self.tests if test.outcome != "failed")
        if self.failed:
            counts["failed"] = len(self.failed)
        return counts

    def count(self, side: str, outcome: str = "") -> int:
        """Requests of one side, of one outcome or of both."""
        return sum(row.count(side, outcome) for row in self.rows)

    def requests(self) -> int:
        """All requests of both sides."""
        return sum(self.count(side) for side in SIDES)

    def coverage(self, side: str) -> tuple[int, int]:
        """Targets touched and wanted on one side, of all operations."""
        pairs = [row.coverage(side) for row in self.rows]
        return sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)

    def kind_coverage(self, side: str, kind: str) -> tuple[int, int]:
        """Targets of one kind touched and wanted on one side, of all operations."""
        pairs = [row.covered.get((side, kind), (0, 0)) for row in self.rows]
        return sum(pair[0] for pair in pairs), sum(pair[1] for pair in pairs)


def rows(document: Document, meter: Meter) -> list[Row]:
    """What was counted, operation by operation."""
    found: list[Row] = []
    by_operation: dict[str, dict[tuple[str, str], dict[str, int]]] = {}
    for key, number in meter.requests.items():
        side, name, layer, outcome = key.split("|")
        by_operation.setdefault(name, {}).setdefault((side, layer), {})[outcome] = number
    for operation in document.operations:
        covered: dict[tuple[str, str], tuple[int, int]] = {}
        missing: list[str] = []
        for side in SIDES:
            for target in targets(document, operation, side):
                hit = meter.hits[f"{side}|{operation.id}|{target}"] > 0
                done, wanted = covered.get((side, kind_of(target)), (0, 0))
                covered[side, kind_of(target)] = (done + hit, wanted + 1)
                if not hit:
                    missing.append(f"{side} {operation.id} {target}")
        ordered = {
            (side, kind): covered[side, kind] for side in SIDES for kind in KINDS if (side, kind) in covered
        }
        found.append(
            Row(
                operation.id,
                operation.method,
                operation.path,
                by_operation.get(operation.id, {}),
                ordered,
                tuple(missing),
            )
        )
    return found


def complaints(
    report_rows: Iterable[Row], strength: Strength, gaps: Sequence[Mapping[str, Any]], layers: Iterable[str]
) -> list[Complaint]:
    """Everything that is wrong with a whole run, besides its tests."""
    found: list[Complaint] = []
    used: set[int] = set()

    def accepted(kind: str, of: str) -> bool:
        fitting = [
            number for number, gap in enumerate(gaps) if gap["kind"] == kind and fnmatchcase(of, gap["of"])
        ]
        used.update(fitting)
        return bool(fitting)

    present = set(layers)
    for row in report_rows:
        if not accepted("sandbox", row.operation):
            for side in (CLIENT, EXCHANGE):
                count = row.count(side, "2xx")
                if count < LEAST_SUCCESSES and not accepted("successes", f"{side} {row.operation}"):
                    found.append(
                        Complaint(
                            "successes",
                            f"{side} {row.operation}",
                            f"{count} real successes, {LEAST_SUCCESSES} are needed",
                        )
                    )
            for layer, least in LEAST_IN_LAYER.items():
                if layer in present and row.in_layer(layer) < least:
                    found.append(
                        Complaint(
                            "successes",
                            f"{layer} {row.operation}",
                            f"{row.in_layer(layer)} real successes in this layer, {least} are needed",
                        )
                    )
        for target in row.missing:
            if not accepted("keyword", target):
                found.append(Complaint("keyword", target, _untouched(target)))
    found += [Complaint("mutant", name, "no test noticed it") for name in strength.overlooked]
    found += [Complaint("mutants", "RESULTS.md", text) for text in strength.stale]
    for number, gap in enumerate(gaps):
        if number not in used:
            found.append(
                Complaint(
                    gap["kind"], gap["of"], "stands in gaps.allow.toml and is no gap (any more): take it out"
                )
            )
    return found


def _untouched(target: str) -> str:
    side, _, text = target.split(" ", 2)
    if text.startswith("answers "):
        return "this documented answer was never " + ("read by the client" if side == CLIENT else "given")
    return "nothing touched it"

"""Try thirty-one faults on every client: which loop pays twice, and which exceptions name the outcome."""

from __future__ import annotations

from benchmarks.field import BASELINE, OURS, clients
from benchmarks.result import Section, Settings, Table
from tests.faults.fault_table import FAULTS
from tests.interop import census
from tests.interop.exchange import Fake
from tests.interop.peer import BY_NAME

QUICK = (OURS, BASELINE)


def run(settings: Settings) -> Section:
    """Take the census of each client."""
    section = Section("faults", f"{len(FAULTS)} faults and a caller who tries three times")
    peers = [peer for peer in clients(section, settings, QUICK) if "--budget" not in peer.arguments]
    with Fake.started() as exchange:
        taken = [census.take(peer, exchange) for peer in peers]
    section.tables.append(
        Table(
            f"Of {len(FAULTS)} faults",
            ["client", "repaid more than once", "type says neither yes nor no", "taken for done"],
            [
                [each.peer, len(each.repaid_twice), len(each.mixed_types), len(each.taken_for_done)]
                for each in taken
            ],
        )
    )
    section.tables.append(
        Table(
            "Repayments executed, by fault (at most one is right)",
            ["fault", *(each.peer for each in taken)],
            [[fault.name, *(_executed(each, fault.name) for each in taken)] for fault in FAULTS],
        )
    )
    section.notes += [
        "The exchange is `tests/doubles/independent_fake.py`; a fault strikes the first try only.",
        "Type says neither: the exception's type was also raised where the opposite is true.",
        "Taken for done: the call returned although the answer does not say that the repayment was done.",
    ]
    for each in taken:
        if BY_NAME[each.peer].ours and not each.peer.startswith("httpx"):
            section.at_most(
                f"faults in which a loop repaid twice, {each.peer}", len(each.repaid_twice), "", 0
            )
            section.at_most(f"faults whose type mixes yes and no, {each.peer}", len(each.mixed_types), "", 0)
    return section


def _executed(taken: census.Census, fault: str) -> int:
    return next(row.executed for row in taken.seen if row.fault.name == fault)

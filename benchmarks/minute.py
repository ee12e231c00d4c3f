"""How repayments use the minute, and what wrong clocks do: on virtual time, with the sandbox in this process.

Nothing here depends on the speed of a machine: the same seconds come out everywhere.
"""

from __future__ import annotations

from benchmarks.result import Section, Settings, Table
from paydown import PaydownError
from tests.client.support.internet import Internet, repay

REPAYMENTS = 20


def run(settings: Settings) -> Section:
    """Repay twenty times with a new client; then with clocks that are off, or jump."""
    section = Section("minute", "The minute and the clock, on virtual time")
    internet = Internet()
    pm = internet.client()
    done_s: list[float] = []
    for _ in range(REPAYMENTS):
        repay(pm, 1)
        done_s.append(internet.time.elapsed_ms / 1000)
    shown = (2, 3, 4, 5, REPAYMENTS)
    rows = [[number, done_s[number - 1] - done_s[0]] for number in shown]
    section.tables.append(
        Table("Repayments of a new client", ["repayment", "seconds after the first"], [*rows])
    )
    section.at_most("second repayment after the first", done_s[1] - done_s[0], "s", 1)
    section.at_most(f"{REPAYMENTS} repayments", done_s[-1], "s", 600)
    section.at_most("requests refused for their weight", len(internet.limited()), "", 0)

    failures = {
        "exchange 5 s ahead": failed(Internet(ahead_ms=5_000)),
        "exchange 8 s behind": failed(Internet(ahead_ms=-8_000)),
        "date of this machine set an hour ahead": failed(Internet(), date_by_ms=3_600_000),
        "date of this machine set an hour back": failed(Internet(), date_by_ms=-3_600_000),
        "a request arrives 8 s too late": failed(Internet(), skew_ms=8_000),
        "a request arrives 8 s too early": failed(Internet(), skew_ms=-8_000),
    }
    section.tables.append(
        Table(
            "Wrong clocks, four repayments each",
            ["what", "failures that the caller sees"],
            [*map(list, failures.items())],
        )
    )
    section.at_most("failures that a caller sees of wrong clocks", sum(failures.values()), "", 0)
    return section


def failed(internet: Internet, *, date_by_ms: int = 0, skew_ms: int = 0) -> int:
    """Return how many of four repayments fail when something happens after the second.

    Args:
        internet: Connects the client and the sandbox on virtual time.
        date_by_ms: Milliseconds by which the date of the client jumps.
        skew_ms: Milliseconds by which the clock of the exchange is off.
    """
    internet.sandbox.limit(10**9)  # its minute is another one when its clock is: this is about timestamps
    pm = internet.client()
    count = 0
    for number in range(4):
        if number == 2:
            internet.date_by_ms = date_by_ms
            if skew_ms:
                internet.sandbox.fail("clock_skew", match={"method": "POST"}, skew_ms=skew_ms)
        try:
            repay(pm, 1)
        except PaydownError:
            count += 1
    return count

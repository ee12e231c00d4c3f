"""Fail a run in which a test was skipped that may not be: `PAYDOWN_SKIPS=listed`, as `.ci/run` sets it.

A test that is skipped proves nothing, and a machine that lacks a tool skips in silence. `tests/skips.toml` lists the
reasons for which a test may be skipped on any machine; a reason that stands only for a missing tool is accepted where
`PAYDOWN_MISSING` names that tool, which `.ci/run` sets after it has tried to install it.
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

import pytest

LIST = Path(__file__).with_name("skips.toml")


class Skips:
    """Collects why tests were skipped, and finds those for which no entry of the list stands."""

    def __init__(self, text: str, missing: frozenset[str]) -> None:
        entries = tomllib.loads(text)["skip"]
        self._allowed = [
            re.compile(entry["reason"]) for entry in entries if entry.get("tool", "") in {"", *missing}
        ]
        self.unlisted: list[str] = []

    def add(self, nodeid: str, reason: str) -> None:
        """Note one skipped test.

        Args:
            nodeid: The test, as pytest names it.
            reason: Why it was skipped, as the test says it.
        """
        if not any(pattern.search(reason) for pattern in self._allowed):
            self.unlisted.append(f"{nodeid}: {reason}")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a report of any worker that says "skipped"; an expected failure is none."""
        if report.skipped and not hasattr(report, "wasxfail"):
            where = report.longrepr
            self.add(report.nodeid, where[2] if isinstance(where, tuple) else str(where))

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Turn a run that passed into one that failed if it skipped what it may not."""
        if self.unlisted and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Name the tests that were skipped without an entry in the list."""
        if self.unlisted:
            terminalreporter.section("skipped, and not in tests/skips.toml")
            for line in self.unlisted:
                terminalreporter.line(line)


def register(config: pytest.Config) -> None:
    """Watch the skips of this run if it must skip nothing but what is listed; workers leave that to their parent."""
    if os.environ.get("PAYDOWN_SKIPS") == "listed" and "PYTEST_XDIST_WORKER" not in os.environ:
        missing = frozenset(os.environ.get("PAYDOWN_MISSING", "").split())
        config.pluginmanager.register(Skips(LIST.read_text("utf-8"), missing), "listed-skips")

"""Gathers what the workers counted and what became of the tests, and writes the report at the end of a run.

Switched on by PAYDOWN_CONTRACT_REPORT, the folder to write to (`make contract` sets it).
"""

import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from paydown_contract.curl import as_curl
from paydown_contract.document import Document
from paydown_contract.rules.allowed_answers import Oracle
from tests.contract.report.meter import METER, Exchanged, Meter
from tests.contract.report.page import as_html
from tests.contract.report.strength import read
from tests.contract.report.summary import Complaint, Report, Test, complaints, rows
from tests.contract.report.targets import EXCHANGE
from tests.contract.report.text import as_junit, as_markdown, as_terminal
from tests.contract.support.exchange import NOW_MS
from tests.contract.support.gaps import gaps
from tests.contract.support.keys import signing_key
from tests.contract.support.places import ROOT
from tests.contract.support.profile import profile

_KEYS = ("S1", "S2", "S3", "E1", "R1")
_CLAUSE, _CURL, _ANSWER = "contract clause", "contract request", "contract answer"


def folder() -> Path | None:
    """Where to write; None if no report is wanted."""
    name = os.environ.get("PAYDOWN_CONTRACT_REPORT", "")
    return (ROOT / name).resolve() if name else None


def explain(last: Exchanged, document: Document) -> list[tuple[str, str]]:
    """The request that a failed test sent last, its answer, and the clauses that are at stake."""
    keys = tuple(signing_key(name) for name in _KEYS)
    allowed = Oracle(document, keys).expect(last.request, NOW_MS)
    operation = allowed.operation.id if allowed.operation else last.request.path
    clauses = "; ".join(dict.fromkeys(breach.clause for breach in allowed.breaches))
    if allowed.silent:
        clauses = f"{operation}: {allowed.silent}"
    elif not clauses and last.side == EXCHANGE:
        clauses = f"{operation}: responses.{last.status}, to a request that breaks no rule of form"
    elif not clauses:
        clauses = f"{operation}: what the client makes of {last.status}"
    secrets = tuple(
        text
        for key in keys
        for text in (
            key.api_key,
            key.secret.decode() if key.kind == "hmac" and isinstance(key.secret, bytes) else "",
        )
        if text
    )
    base_url = "http://127.0.0.1:8087" if last.side == EXCHANGE else document.content["servers"][-1]["url"]
    answer = f"{last.status} {last.body.decode('utf-8', 'replace')[:1000]}"
    for secret in secrets:
        answer = answer.replace(secret, secret[:4] + "…")
    return [(_CLAUSE, clauses), (_CURL, as_curl(last.request, base_url, secrets)), (_ANSWER, answer)]


class Collector:
    """The part that lives where the terminal is."""

    def __init__(self, config: pytest.Config, document: Document, out: Path) -> None:
        self.config = config
        self.document = document
        self.out = out
        self.meter = Meter()
        self.tests: list[Test] = []
        self.crashed: list[str] = []
        self.begun = time.monotonic()
        self.report: Report | None = None

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: Any) -> None:
        """A worker has ended: take over what it counted."""
        counted = getattr(node, "workeroutput", {}).get("contract")
        if counted is None:
            self.crashed.append(str(error or "a worker ended without a word"))
        else:
            self.meter.add(counted)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a test once: its call, or what failed or was skipped before it."""
        if report.when != "call" and not (report.failed or report.skipped):
            return
        properties = dict(report.user_properties)
        crash = getattr(report.longrepr, "reprcrash", None)
        message = str(getattr(crash, "message", "")) or (report.longreprtext if report.failed else "")
        if report.skipped and isinstance(report.longrepr, tuple):
            message = report.longrepr[2]
        self.tests.append(
            Test(
                report.nodeid,
                report.outcome,
                report.duration,
                message[:3000],
                report.longreprtext[:20_000] if report.failed else "",
                str(properties.get(_CLAUSE, "")),
                str(properties.get(_CURL, "")),
                str(properties.get(_ANSWER, "")),
            )
        )

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A module that cannot be read is a failed test."""
        if report.failed:
            text = report.longreprtext
            self.tests.append(Test(report.nodeid, "failed", 0.0, text[-3000:], text[:20_000]))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Add everything up, write it down, and let the run fail if something is missing."""
        self.meter.add(METER.dump())
        self.report = self._add_up()
        self.out.mkdir(parents=True, exist_ok=True)
        for name, text in (
            ("index.html", as_html(self.report)),
            ("report.md", as_markdown(self.report)),
            ("junit.xml", as_junit(self.report)),
        ):
            (self.out / name).write_text(text, "utf-8")
        if not self.report.passed and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def _add_up(self) -> Report:
        size = profile()
        strength = read()
        found = rows(self.document, self.meter)
        whole = self._is_whole()
        missing = (
            complaints(found, strength, gaps(), {test.layer for test in self.tests}) if whole else []
        ) + [Complaint("worker", "pytest-xdist", reason) for reason in self.crashed]
        command = f"PAYDOWN_CONTRACT_SEED={size.seed} make contract" + (
            "-deep" if size.name == "deep" else ""
        )
        if size.name == "fast":
            command = f"PAYDOWN_CONTRACT_PROFILE=fast {command}"
        return Report(
            profile=size.name,
            seed=size.seed,
            command=command,
            seconds=time.monotonic() - self.begun,
            whole=whole,
            tests=self.tests,
            rows=found,
            strength=strength,
            gaps=gaps(),
            crashed=self.crashed,
            complaints=missing,
        )

    def _is_whole(self) -> bool:
        """Whether every test of the suite was asked for."""
        chosen: Sequence[str] = self.config.args
        option = self.config.option
        folders = [Path(self.config.invocation_params.dir, each).resolve() for each in chosen]
        narrowed = option.keyword or getattr(option, "lf", False) or option.maxfail
        return ROOT / "tests" / "contract" in folders and not narrowed

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """The table that ends the run."""
        if self.report is None:
            return
        terminalreporter.section("contract")
        for line in as_terminal(self.report, shutil.get_terminal_size((100, 24)).columns):
            terminalreporter.write_line(line)
        place = os.path.relpath(self.out / "index.html")
        terminalreporter.write_line(
            f"{self.report.result}; the report: {place}",
            green=self.report.passed,
            red=not self.report.passed,
        )

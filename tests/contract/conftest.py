"""What every contract test stands on: the document, read without the generator's help; and the report."""

import os
from collections.abc import Iterator
from functools import cache

import pytest
from hypothesis import HealthCheck, Phase, settings

from paydown_contract import read_document
from paydown_contract.document import Document
from tests.contract.report import collector
from tests.contract.report.meter import METER
from tests.contract.report.summary import layer_of
from tests.contract.support.places import OPENAPI
from tests.contract.support.profile import is_asked_for, profile


@cache
def _contract() -> Document:
    return read_document(OPENAPI)


@pytest.fixture(scope="session")
def contract() -> Document:
    """The document in `openapi/`."""
    return _contract()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for `operation` runs once for each operation that the document has."""
    chosen_itself = any(
        "operation" in mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")
    )
    if "operation" in metafunc.fixturenames and not chosen_itself:
        operations = _contract().operations
        metafunc.parametrize("operation", operations, ids=[operation.id for operation in operations])


# ------------------------------------------------------------------------------------------------ report


def is_worker() -> bool:
    """Whether this process runs tests for another one."""
    return "PYTEST_XDIST_WORKER" in os.environ


# A slow machine is no finding: drawn examples have no deadline here, and are the same in every fast run.
settings.register_profile(
    "contract",
    deadline=None,
    derandomize=profile().name == "fast",
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much],
    phases=[
        phase
        for phase in Phase
        if phase is not Phase.shrink or "PAYDOWN_CONTRACT_NO_SHRINK" not in os.environ
    ],
)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Draw the seed before workers start, so that all have the same, and begin to count if a report is wanted."""
    if is_asked_for():  # `make test` has its own ways with the parts' checks
        settings.load_profile("contract")
        if profile().name != "fast":
            config.option.hypothesis_seed = str(profile().seed)
    out = collector.folder()
    if out is None:
        return
    METER.start(_contract())
    if not is_worker():
        config.pluginmanager.register(collector.Collector(config, _contract(), out), "contract-report")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A deep run takes as long as it takes."""
    if profile().name == "deep":
        for item in items:
            item.add_marker(pytest.mark.timeout(0), append=False)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """From here on requests belong to this test."""
    METER.enter(layer_of(item.nodeid))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    """A failed test says which request it sent last. Where a test makes its case small, that is the smallest."""
    report: pytest.TestReport = yield
    if report.failed and METER.document is not None and METER.last is not None:
        report.user_properties += collector.explain(METER.last, METER.document)
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker hands over what it counted."""
    if METER.document is not None and is_worker():
        session.config.workeroutput["contract"] = METER.dump()  # type: ignore[attr-defined]  # pytest-xdist adds it

"""A run that may skip nothing fails on a skip that is not listed, and on no other."""

from __future__ import annotations

import pytest

from tests.skips import LIST, Skips

pytest_plugins = ("pytester",)

ENTRIES = '[[skip]]\nreason = "^Skipped: no fork$"\n[[skip]]\nreason = "spin"\ntool = "spin"\n'


@pytest.mark.parametrize(
    ("reason", "missing", "unlisted"),
    [
        ("Skipped: no fork", "", False),
        ("Skipped: no fork here", "", True),
        ("Skipped: spin not installed", "", True),
        ("Skipped: spin not installed", "spin", False),
    ],
)
def test_a_skip_needs_an_entry_that_stands(reason: str, missing: str, unlisted: bool):
    """An entry covers its own reason, and an entry of a tool only where that tool is missing."""
    skips = Skips(ENTRIES, frozenset(missing.split()))
    skips.add("tests/test_one.py::test_one", reason)
    assert bool(skips.unlisted) is unlisted


def test_the_list_of_skips_can_be_read():
    """Every entry of the list is a regular expression, whatever is missing."""
    Skips(LIST.read_text("utf-8"), frozenset({"spin", "node", "ipv6", "chromium"}))


@pytest.mark.parametrize(
    ("setting", "code"), [("listed", pytest.ExitCode.TESTS_FAILED), ("", pytest.ExitCode.OK)]
)
def test_a_run_that_skips_what_is_not_listed_fails(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, setting: str, code: pytest.ExitCode
):
    """The run ends with 1 and names the test, if the skips are to be listed; otherwise it passes."""
    monkeypatch.setenv("PAYDOWN_SKIPS", setting)
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)
    pytester.makeconftest("from tests import skips\ndef pytest_configure(config): skips.register(config)\n")
    pytester.makepyfile(
        "import pytest\ndef test_one(): pytest.skip('no reason at all')\ndef test_two(): pass\n"
    )
    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-W", "ignore")
    assert result.ret == code
    assert ("test_one: Skipped: no reason at all" in result.stdout.str()) is bool(setting)

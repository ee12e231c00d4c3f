"""Failures of reads: balances, record lists, the time endpoint, and the host of index prices and capital flow."""

from __future__ import annotations

from paydown_sandbox.bundled_document import OperationFacts
from paydown_sandbox.choices.chances import Chances
from paydown_sandbox.choices.settings import Options
from paydown_sandbox.http_messages import RawResponse
from paydown_sandbox.operations.answers import Answers, Headers
from paydown_sandbox.request_log import RequestRecord

__all__ = ["Outages"]

_NAMES = ("balance-errors", "record-errors", "time-errors", "sapi-host")
_FAILS_ONE_IN = 4
_LISTS = frozenset({"borrowRecords", "repayRecords", "marginInterestHistory", "capitalFlow"})
_SAPI = "sapi"


class Outages:
    """Decide which reads fail, and how.

    Args:
        options: The choices.
        chances: Decides where an option leaves something to chance.
    """

    def __init__(self, options: Options, chances: Chances) -> None:
        self._chances = chances
        self._balance = options.is_set("balance-errors", "sometimes")
        self._lists = options.is_set("record-errors", "sometimes")
        self._time = options.text("time-errors")
        self._sapi = options.text("sapi-host")

    @staticmethod
    def wanted(options: Options) -> bool:
        """Return whether any of these choices differs from its default."""
        return options.any_open(*_NAMES)

    def response(
        self, answers: Answers, facts: OperationFacts, record: RequestRecord, headers: Headers
    ) -> RawResponse | None:
        """Return the failure of a read, or `None` if the read is answered.

        Args:
            answers: Writes errors and pages.
            facts: The operation.
            record: The request in the log.
            headers: Further headers.
        """
        failing = self._failing(facts)
        if failing is None:
            return None
        record.verdict = "not-executed"
        record.reason = "down by choice"
        if failing == 404:
            return answers.page(record, 404, "Not Found", headers)
        if failing == 502:
            return answers.page(record, 502, "Bad Gateway", headers)
        text = "Service Unavailable." if failing == 503 else None
        return answers.error(record, -1000, headers, status=failing, msg=text)

    def _failing(self, facts: OperationFacts) -> int | None:
        if facts.server == _SAPI and self._sapi != "yes":
            return 502 if self._sapi == "down" or self._chances.one_in(_FAILS_ONE_IN) else None
        if facts.id == "serverTime" and self._time != "never":
            if self._time == "404":
                return 404
            return 500 if self._chances.one_in(_FAILS_ONE_IN) else None
        reads = (facts.id == "accountBalance" and self._balance) or (facts.id in _LISTS and self._lists)
        if reads and self._chances.one_in(_FAILS_ONE_IN):
            return self._chances.pick((500, 502, 503))
        return None

"""Thirty-one ways in which one repayment can go wrong, and what may be concluded from each.

Written by hand from the protocol pages (`openapi/SOURCES.md` names them), never from our own code. `expected`
is what a caller must be able to tell by the type of the exception alone:

    done      the call returns a result
    not-sent  nothing left this machine
    rejected  the exchange said that nothing was executed
    unknown   it may have happened; only a look at the exchange can tell

`executes` is what really happens to the debt, which the caller cannot see. Every fault strikes the first
repayment only; the exchange is healthy before and after, so that a caller who tries again is heard.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Expected = Literal["done", "not-sent", "rejected", "unknown"]


class Fault(NamedTuple):
    """One row: its name, what happens to the debt, what the caller may conclude, and why."""

    name: str
    executes: bool
    expected: Expected
    why: str

    @property
    def may_have_happened(self) -> bool:
        """Whether a caller who sees this must reckon with a debt that is already paid."""
        return self.expected in ("done", "unknown")


# The faults that every client is measured with. The sandbox knows them by the same names; for the refused
# connection there must be no exchange at all.
FAULTS: tuple[Fault, ...] = (
    Fault("executed_then_503", True, "unknown", "503 'Unknown error, ...' may have succeeded"),
    Fault(
        "not_executed_503_unknown",
        False,
        "unknown",
        "the same text, the same answer: it cannot be told apart",
    ),
    Fault(
        "service_unavailable_503", False, "rejected", "503 'Service Unavailable.' is stated as not executed"
    ),
    Fault("throttled_1008", False, "rejected", "503 with -1008: refused by overload protection"),
    Fault("executed_then_reset", True, "unknown", "the connection was reset while the answer was awaited"),
    Fault("reset_before", False, "unknown", "the same reset seen from outside; the bytes had left"),
    Fault("executed_then_delay", True, "unknown", "no answer within the time-out"),
    Fault(
        "delay_before",
        True,
        "unknown",
        "executed only after the caller gave up: a look at once would have seen no trace",
    ),
    Fault("timeout_1007_executed", True, "unknown", "-1007: the back end did not answer, outcome not known"),
    Fault("timeout_1007_not_executed", False, "unknown", "-1007 says itself that the outcome is not known"),
    Fault("unexpected_1006_executed", True, "unknown", "-1006: odd internal answer, outcome not known"),
    Fault(
        "unexpected_1006_not_executed", False, "unknown", "-1006 says itself that the outcome is not known"
    ),
    Fault(
        "busy_51998_not_executed",
        False,
        "unknown",
        "51998 asks to try later and states nothing about execution",
    ),
    Fault("pending_51007", False, "rejected", "51007: another borrow or repayment is still running"),
    Fault("rate_limited_429", False, "rejected", "429: a limit is broken, the request was not executed"),
    Fault("banned_418", False, "rejected", "418: the IP is banned, the request was not executed"),
    Fault("waf_403_html", False, "rejected", "403: stopped by the firewall, in HTML"),
    Fault(
        "gateway_502_html_executed", True, "unknown", "502 of a CDN: the exchange behind it may have executed"
    ),
    Fault("success_without_amount", True, "done", "seen live: the answer to a repay-all has no amount"),
    Fault("malformed_json_executed", True, "unknown", "200 with a body that is not JSON"),
    Fault(
        "success_false_not_executed",
        False,
        "unknown",
        "200 with success false: the docs do not say what it means",
    ),
    Fault(
        "amount_as_number",
        True,
        "done",
        "a number where text is documented; nothing about the outcome is unclear",
    ),
    Fault("extra_field", True, "done", "a field that nobody documented yet"),
    Fault(
        "clock_skew",
        False,
        "rejected",
        "-1021: refused for its timestamp; with a fresh one the same call succeeds",
    ),
    # From here on: what the wire, a proxy or a back end can do besides.
    Fault("connection_refused", False, "not-sent", "no connection, so not a byte of the request was written"),
    Fault("executed_then_closed", True, "unknown", "closed in an orderly way without a byte of the answer"),
    Fault("truncated_body_executed", True, "unknown", "the body ends before its announced length"),
    Fault("timeout_1007_504_executed", True, "unknown", "the same code with the status of a gateway"),
    Fault(
        "internal_1001_503_executed",
        True,
        "unknown",
        "503 'Internal error; unable to process': also the text of -1001",
    ),
    Fault("empty_200_executed", True, "unknown", "200 without a body"),
    Fault(
        "redirect_307_not_executed",
        False,
        "unknown",
        "nobody documents a redirect; following it would post again",
    ),
)

# Stranger ones, asked of our own client only: each breaks one more rule of reading an answer.
STRANGER_FAULTS: tuple[Fault, ...] = (
    Fault("half_head_executed", True, "unknown", "the answer ends inside its header"),
    Fault("not_http_executed", True, "unknown", "the answer is no HTTP at all"),
    Fault("html_200_executed", True, "unknown", "a proxy's page with status 200"),
    Fault("array_200_executed", True, "unknown", "200 with a JSON array"),
    Fault("null_200_executed", True, "unknown", "200 with the JSON value null"),
    Fault("wrong_asset_executed", True, "unknown", "200 for another asset than the one asked for"),
    Fault("success_text_executed", True, "unknown", "success is the text 'true', not the value"),
    Fault("success_missing_executed", True, "unknown", "200 without the member that says it was done"),
    Fault("code_1007_in_200_executed", True, "unknown", "-1007 in a body with status 200"),
    Fault("code_1000_in_400_executed", True, "unknown", "-1000 says unknown, whatever the status"),
    Fault("html_400_executed", True, "unknown", "4XX without a JSON error did not come from the exchange"),
    Fault("unlisted_500_executed", True, "unknown", "5XX with a code that no list has"),
    Fault("unlisted_400", False, "rejected", "4XX with a JSON error: refused, whatever the code"),
    Fault("insufficient_2018", False, "rejected", "-2018: not enough balance"),
    Fault("key_2015", False, "rejected", "401 with -2015: the key may not"),
    Fault("html_404", False, "rejected", "unknown path, answered in HTML"),
    Fault("empty_202", False, "unknown", "what the dead testnet answers, and whoever does it later"),
    Fault("continue_100_first", True, "done", "an interim answer before the real one"),
    Fault("chunked_answer", True, "done", "the same answer in chunks"),
    Fault("answer_byte_by_byte", True, "done", "the same answer in as many pieces as it has bytes"),
)

BY_NAME: dict[str, Fault] = {fault.name: fault for fault in FAULTS + STRANGER_FAULTS}

"""Translate choices of the table into options: most choices are options themselves, some are other names of one.

An option that the document names is stable, so where the table asks the same question, its choice is another name
for that option: `{"repays-first": "principal"}` sets `repayment-order` to "principal-first". No question has two
options, and both names may be written.

    TRANSLATED   the options that a value of a choice sets; the choice is no option of its own unless it is
                 among them
    IMPLIED      options that a value of a choice sets as well, unless the same state document sets them
    RESHAPED     options that ask only the part of a choice that no older option answers, or whose default
                 differs from the table's ordinary reading
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["IMPLIED", "RESHAPED", "TRANSLATED", "Settings"]

Settings = Mapping[str, str]

# The bound below which a remaining debt counts as dust, where the table names one (see `dust-rule`).
_DUST = {"minimum-remaining-debt": "0.0001"}
_BOTH_LISTS = {"repay-debt-record": "record", "repay-debt-flow": "row"}

TRANSLATED: Mapping[str, Mapping[str, Settings]] = {
    "row-list": {
        "both": _BOTH_LISTS,
        "repay-records": {"repay-debt-record": "record", "repay-debt-flow": "none"},
        "capital-flow": {"repay-debt-record": "none", "repay-debt-flow": "row"},
    },
    "rows-total": {
        "all": {"record-total": "all-matches"},
        "page": {"record-total": "page"},
        "zero": {"record-total": "zero"},
    },
    "flow-order": {
        "newest-first": {"capital-flow-order": "newest-first"},
        "oldest-first": {"capital-flow-order": "oldest-first"},
    },
    "balance-list": {
        "all": {"balance-array-holds": "touched"},
        "no-zeros": {"balance-array-holds": "no-zeros"},
        "asset-missing": {"balance-array-holds": "asset-missing"},
        "empty": {"balance-array-holds": "empty"},
    },
    "execution-fee": {
        "none": {"execution-fee": "from-payers", "conversion-fee-rate": "0"},
        "from-payers": {"execution-fee": "from-payers", "conversion-fee-rate": "0.001"},
        "added-to-debt": {"execution-fee": "added-to-debt", "conversion-fee-rate": "0"},
    },
    "repays-first": {
        "interest": {"repayment-order": "interest-first"},
        "principal": {"repayment-order": "principal-first"},
        "in-proportion": {"repayment-order": "in-proportion"},
    },
    "payer-order": {
        "as-named": {"payment-order": "as-listed"},
        "reversed": {"payment-order": "reversed"},
        "largest-first": {"payment-order": "largest-first"},
        "all-share": {"payment-order": "all-share"},
    },
    "amount-above-debt": {
        "clipped": {"amount-above-debt": "clip"},
        "refused": {"amount-above-debt": "reject"},
    },
    "funds-short": {
        "refused": {"insufficient-amount": "reject", "insufficient-whole-debt": "reject"},
        "part": {"insufficient-amount": "partial", "insufficient-whole-debt": "partial"},
        "part-without-amount": {"insufficient-amount": "reject", "insufficient-whole-debt": "partial"},
    },
    "nothing-owed": {"refused": {"no-debt": "reject"}, "success": {"no-debt": "accept"}},
    "dust-rule": {
        "allowed": {"dust-rule": "refused", "minimum-remaining-debt": "0"},
        "refused": {"dust-rule": "refused", **_DUST},
        "cleared": {"dust-rule": "cleared", **_DUST},
    },
    "answer-time": {
        "20": {"debt-call-ms": "20"},
        "500..900": {"debt-call-ms": "500..900"},
        "3000..9000": {"debt-call-ms": "3000..9000"},
    },
    "pending-means": {"51007": {"concurrent-repay": "reject"}, "queued": {"concurrent-repay": "queue"}},
    "weight-scope": {
        "ip": {"repay-weight-scope": "ip", "repay-counts-as-order": "false"},
        "orders": {"repay-weight-scope": "orders", "repay-counts-as-order": "false"},
        "both": {"repay-weight-scope": "ip", "repay-counts-as-order": "true"},
    },
    "weight-window": {"sliding": {"limit-window": "sliding"}, "fixed": {"limit-window": "fixed"}},
    "retry-after": {"absent": {"retry-after": "absent"}, "seconds": {"retry-after": "present"}},
}

# By default the sandbox lists no repayment, and no asset pays that the request does not name. A test that chooses the
# shape of rows, or when unnamed assets pay, needs both to happen.
IMPLIED: Mapping[str, Mapping[str, Settings]] = {
    "repayment-rows": dict.fromkeys(("one", "per-payer", "interest-and-principal", "halves"), _BOTH_LISTS),
    "unnamed-payers": {
        who: {"payment-assets-absent": "any-asset"} for who in ("never", "when-short", "always")
    },
}

# For each option: its question, and its values with their effects, the default first.
RESHAPED: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "execution-fee": (
        "Who bears the fee of a conversion?",
        {
            "from-payers": "The payers, by `conversion-fee-rate`.",
            "added-to-debt": "0.05 % of what was repaid is added to the interest owed in the same instant.",
        },
    ),
    "dust-rule": (
        "What happens to a repayment that would leave less than `minimum-remaining-debt`?",
        {"refused": "It is refused.", "cleared": "What would be left is repaid as well."},
    ),
    "flow-from-id": (
        "Which rows of the capital flow does `fromId` ask for?",
        {"after": "Those with a higher id.", "from": "The row with this id, and those with a higher one."},
    ),
    "interest-rate": (
        "What is the daily rate?",
        {
            "as-stated": "The rate that `interest` of the state document sets.",
            "0.00024995": "As in the published example, for every asset.",
            "0.02": "Two percent a day: an asset in short supply.",
        },
    ),
}

"""What the words of the document mean, and the sentences that explain them.

A meaning is a field of `x-meanings` with a value out of a small vocabulary. `EXPLAINED` holds, for each field and
value, the words that explain it, where they must stand, and the words that would contradict it and may stand nowhere.
Another value needs other words, so that field and sentence cannot part unnoticed.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.docs.prose import contract

_DEBT = r"(?:crossMarginBorrowed|cross_margin_borrowed)` (?:\+|plus) `(?:crossMarginInterest|cross_margin_interest)"
_BOTH = r"\b[Pp]rincipal (?:and|plus) (?:accrued )?`?interest\b"
_SUFFICE = r"(?:on condition that|if) the payment assets suffice"
_NAMED = r"(?:whether or not `specifyRepayAssets` names it|named or not)"
_ROWS = "1balance/get/responses/200/content/application~1json/schema/oneOf/0/items"
_REQUEST = "repay-debt/post/requestBody/content/application~1x-www-form-urlencoded/schema/properties"
_ANSWER = "repay-debt/post/responses/200/content/application~1json/schema"


@dataclass(frozen=True)
class Explained:
    """How a meaning is put into words.

    Attributes:
        field: Path of the field below `x-meanings`.
        value: What it must hold for these words to be right.
        words: What a sentence that explains it contains.
        places: Ends of the places where such a sentence stands.
        denied: What no sentence anywhere may contain.
    """

    field: str
    value: object
    words: str
    places: tuple[str, ...]
    denied: str = ""


EXPLAINED = (
    Explained(
        "debt.sum",
        ["crossMarginBorrowed", "crossMarginInterest"],
        rf"\bThe debt (?:of an asset )?is `{_DEBT}`(?=\.|$)",
        (
            "1balance/get/description",
            f"{_ROWS}/description",
            ":AccountResource.balance",
            ":Balance",
        ),
        denied=rf"\b[Tt]he debt (?:of an asset )?is `(?!{_DEBT}`)",
    ),
    Explained(
        "debt.sum",
        ["crossMarginBorrowed", "crossMarginInterest"],
        _BOTH,
        (
            "evidence/snapshot.py:Holding.debt",
            "planning/plan.py:Plan.debt",
            "cli/debt_chart.py:terminal_chart",
            "link_checks.py:LinkChecker._debt",
            "ledger.py:Holding.debt",
            "tested_account.py:TestedAccount.debt",
            "state_builder.py:StateBuilder.owes",
        ),
        denied=r"\bprincipal (?:alone|only) is (?:the debt|owed)"
        r"|\bdebt (?:is|means) (?:the )?(?:principal|interest)(?! (?:and|plus))",
    ),
    Explained(
        "debt.sum",
        ["crossMarginBorrowed", "crossMarginInterest"],
        r"[Ss]end at most principal \+ interest\.",
        ("repay-debt/post/x-undocumented/2/reading", "1repayLoan/post/x-undocumented/0/reading"),
    ),
    Explained(
        "balance-fields.crossMarginBorrowed",
        "principal-owed",
        r"^Principal owed\.$",
        ("properties/crossMarginBorrowed/description",),
    ),
    Explained(
        "balance-fields.crossMarginInterest",
        "interest-owed",
        r"^Interest owed\.$",
        ("properties/crossMarginInterest/description",),
    ),
    Explained(
        "balance-fields.crossMarginFree",
        "spendable",
        r"^Spendable in the cross-margin wallet\.$",
        ("properties/crossMarginFree/description",),
    ),
    Explained(
        "balance-fields.crossMarginLocked",
        "held-by-open-orders",
        r"^Held by open orders\.$",
        ("properties/crossMarginLocked/description",),
    ),
    Explained(
        "repay-debt.amount-absent",
        "whole-debt",
        r"Absent means all of it\.|[Ww]ithout (?:`amount`|an amount) the whole debt (?:of `asset` )?is repaid, "
        + _SUFFICE,
        (
            f"{_REQUEST}/amount/description",
            "repay-debt/post/x-rules/1/text",
            "operations/repayment_rules.py:",
        ),
    ),
    Explained(
        "repay-debt.amount-absent",
        "whole-debt",
        r"`None` repays the whole debt\.",
        ("safe.py:SafeRepay.plan",),
    ),
    Explained(
        "repay-debt.amount-present",
        "exactly-that-much",
        r"With (?:`amount`|an amount) exactly that much is repaid, under the same condition\.",
        ("repay-debt/post/x-rules/2/text", "operations/repayment_rules.py:"),
    ),
    Explained(
        "repay-debt.pays-first",
        "the-owed-asset",
        r"`asset` itself (?:is always used|always pays) first[.;]"
        rf"|the account holds of (?:`asset`|the owed asset) is spent first, {_NAMED}",
        (
            f"{_REQUEST}/specifyRepayAssets/description",
            "repay-debt/post/x-rules/3/text",
            "operations/repayment_rules.py:",
            "planning/plan.py:Request",
            "safe.py:SafeRepay.plan",
        ),
        denied=r"`asset` itself (?:is (?:never|only)|(?:never|only) )"
        r"|(?:`asset`|the owed asset) is spent last|pays last",
    ),
    Explained(
        "repay-debt.payment-assets",
        "in-order-of-preference",
        r"^Assets to pay with, in order of preference\.",
        (f"{_REQUEST}/specifyRepayAssets/description",),
    ),
    Explained(
        "repay-debt.payment-assets-absent",
        "the-exchange-chooses",
        r"Absent leaves the choice to the exchange\.$",
        (f"{_REQUEST}/specifyRepayAssets/description",),
    ),
    Explained(
        "repay-debt.payment-assets-of-the-answer",
        "those-of-the-request",
        r"^Payment assets of the request, not what was really spent\.$",
        (f"{_ANSWER}/properties/specifyRepayAssets/description",),
    ),
    Explained(
        "repay-debt.found-again-by",
        [],
        r"\bno client id, no transaction id and (?:nothing to query the outcome by|no query by id)\b",
        ("repay-debt/post/description", "README.md", "docs/index.md", "docs/never-twice.md"),
        denied=r"\brepay-debt`? (?:has|takes|carries|answers with) (?:a|an) (?:client|transaction) id",
    ),
    Explained(
        "repay-debt.found-again-by",
        [],
        r"There is no transaction id, no list of assets spent, no price and no fee\.",
        (f"{_ANSWER}/description",),
    ),
    Explained(
        "repay-debt.repeated",
        "repays-again",
        r"\ba repeat is a second repayment\b",
        ("repay-debt/post/description", "paydown/errors.py:OutcomeUnknown"),
        denied=r"\brepeat(?:ing it)? is (?:safe|harmless)|\ba repeat is (?:no|not|the same)\b",
    ),
)


def meaning(field: str) -> object:
    """Return what the document says a word means."""
    node = contract()["x-meanings"]
    for step in field.split("."):
        node = node[step]
    return node


def fields() -> set[str]:
    """Return the path of every meaning."""
    found: set[str] = set()
    for name, group in contract()["x-meanings"].items():
        found |= {f"{name}.{key}" for key in group if key != "x-evidence"}
    return found

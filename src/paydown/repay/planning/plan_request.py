"""Make a plan: check the request, read the account, and let the planner cut. Reads only."""

from __future__ import annotations

import decimal
import secrets
from collections.abc import Mapping, Sequence
from decimal import Decimal

from paydown.errors import InvalidRequest, InvalidRequestType, PaydownError
from paydown.repay.amounts import to_text
from paydown.repay.errors import DebtNotListed, PlanRefused
from paydown.repay.execution.commands import ReadBalances, ReadPrices, ReadStatus
from paydown.repay.execution.run_context import Decisions
from paydown.repay.planning.plan import Plan, Price, Request
from paydown.repay.planning.planner import look_alike, make_plan, refuse_liquidation
from paydown.repay.planning.repay_facts import Facts
from paydown.repay.repay_options import Options

__all__ = ["checked_key", "checked_request", "new_key", "propose"]

_LONGEST_KEY = 200


def checked_request(
    asset: str,
    amount: Decimal | str | None,
    pay_with: Sequence[str],
    prices: Mapping[str, Decimal | str] | None,
    margin: Decimal | str,
) -> Request:
    """Check a request by the very rules by which the call itself will be checked.

    Args:
        asset: Asset owed.
        amount: How much to repay, in units of `asset`; `None` repays the whole debt.
        pay_with: Assets that may pay.
        prices: USD per unit, by asset.
        margin: Share of the value cap that every piece stays below.

    Raises:
        InvalidRequest: An asset, amount, price or margin cannot be used.
        InvalidRequestType: One of them has the wrong type: a float, say, or a lone text for `pay_with`.
    """
    from paydown.call.parameters import wire_texts
    from paydown_wire.operation import UNSET
    from paydown_wire.operations import REPAY_DEBT

    if isinstance(pay_with, str):
        raise InvalidRequestType(
            f'pay_with is a list of assets: ["{pay_with}"], not a text.', parameter="pay_with"
        )
    texts = wire_texts(
        REPAY_DEBT,
        {
            "asset": asset,
            "amount": UNSET if amount is None else amount,
            "specifyRepayAssets": list(pay_with) if pay_with else UNSET,
        },
    )
    share = _decimal(margin, "margin")
    if not 0 <= share < 1:
        raise InvalidRequest(
            f"margin is a share of the cap, at least 0 and below 1, not {to_text(share)}.", parameter="margin"
        )
    given = {name: _decimal(price, f"prices[{name!r}]") for name, price in (prices or {}).items()}
    for name, price in given.items():
        if price <= 0:
            raise InvalidRequest(
                f"The price of {name} must be above zero, not {to_text(price)}.", parameter="prices"
            )
    return Request(
        asset=texts["asset"],
        amount=None if amount is None else Decimal(texts["amount"]),
        pay_with=tuple(pay_with),
        given_prices=tuple(sorted(given.items())),
        margin=share,
    )


def _decimal(value: object, name: str) -> Decimal:
    if isinstance(value, str):
        try:
            value = Decimal(value)
        except decimal.InvalidOperation:
            raise InvalidRequest(f"{name} is no number: {value!r}.", parameter=name) from None
    if not isinstance(value, Decimal):
        raise InvalidRequestType(
            f"{name} must be Decimal or str, not {type(value).__name__}.", parameter=name
        )
    if not value.is_finite():
        raise InvalidRequest(f"{name} must be a finite number, not {value}.", parameter=name)
    return value


def checked_key(key: str) -> str:
    """Check that a plan key is one that people can type and logs can show.

    Raises:
        InvalidRequest: It is empty, too long, or holds blanks at its ends or control characters.
    """
    if not key or key != key.strip() or not key.isprintable() or len(key) > _LONGEST_KEY:
        raise InvalidRequest(
            f"A plan key is 1 to {_LONGEST_KEY} printable characters, no blanks around it, not {key!r:.80}.",
            parameter="key",
        )
    return key


def new_key(asset: str) -> str:
    """Make a key that no plan has used, for a plan that was given none."""
    return f"{asset.lower()}-{secrets.token_hex(5)}"


def propose(
    request: Request, key: str, facts: Facts, options: Options, *, used_weight: int
) -> Decisions[Plan]:
    """Read balances, status and prices, and make the plan.

    Args:
        request: The debt to repay, and the payment assets.
        key: Idempotency key of the plan.
        facts: The facts of the document.
        options: Margins of caution.
        used_weight: Request weight already used in the running minute.

    Raises:
        PlanRefused: It cannot be done; the numbers say why.
        ReadFailed: The account could not be read.
    """
    status = yield from ReadStatus().reply()
    refuse_liquidation(status)
    try:
        snapshot = yield from ReadBalances(request.asset).reply()
    except DebtNotListed as error:
        if not error.listed:
            raise
        message = f"{error}{look_alike(request.asset)}"
        raise PlanRefused("not-listed", message, {"asset": request.asset}) from error
    prices = {asset: Price(price, "given") for asset, price in request.given_prices}
    wanted = tuple(
        asset
        for asset in dict.fromkeys((request.asset, *request.pay_with))
        if asset not in prices and (asset == request.asset or snapshot[asset].held > 0)
    )
    if wanted:
        try:
            index = yield from ReadPrices(wanted).reply()
        except PaydownError:
            index = {}  # the planner refuses with the name of the price that is missing
        prices = {**index, **prices}
    return make_plan(
        request,
        snapshot,
        prices,
        key=key,
        account_status=status,
        facts=facts,
        options=options,
        now_ms=snapshot.answered_at_ms,
        used_weight=used_weight,
    )

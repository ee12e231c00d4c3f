"""Any sequence of calls: money is conserved, debts never fall below zero, an error changes nothing."""

from __future__ import annotations

from dataclasses import astuple
from decimal import Decimal
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from paydown_sandbox.books.ledger import Counterparty, Holding
from paydown_sandbox.bundled_document import load_document
from paydown_sandbox.exchange import Exchange
from paydown_sandbox.sandbox_clock import Clock
from tests.sandbox.signer import NOW_MS, Caller

DOCUMENT = load_document()
ASSETS = ("BNB", "BTC", "USDT", "ETH", "NOSUCH")
HELD = ASSETS[:4]
amounts = st.one_of(
    st.decimals("0.00000001", "0.001", places=8),
    st.decimals("0.001", "100", places=4),
    st.decimals("100", "100000", places=1),
).map(lambda amount: format(amount, "f"))
balances = st.decimals("0", "1000", places=9).map(lambda amount: format(amount, "f"))
prices = st.decimals("0.0001", "70000", places=7).map(lambda amount: format(amount, "f"))
faults = st.sampled_from(
    ["executed_then_503", "reset_before", "timeout_1007_not_executed", "executed_then_reset", "pending_51007"]
)


class Books(RuleBasedStateMachine):
    """Drives one exchange with two accounts through arbitrary calls, clock jumps, prices and faults."""

    @initialize(
        holdings=st.lists(
            st.fixed_dictionaries({"free": balances, "borrowed": balances}), min_size=8, max_size=8
        ),
        wallets=st.lists(
            st.fixed_dictionaries({"um": balances, "negative": balances}), min_size=4, max_size=4
        ),
        quotes=st.lists(prices, min_size=4, max_size=4),
        fee=st.sampled_from(["0", "0.001"]),
        partial=st.booleans(),
    )
    def begin(
        self, holdings: list[Any], wallets: list[Any], quotes: list[str], fee: str, partial: bool
    ) -> None:
        """Two accounts with arbitrary positions, arbitrary prices, and interest."""
        accounts = []
        for index, name in enumerate(("a", "b")):
            key = {"api_key": name, "type": "hmac", "secret_or_public_key": name}
            rows = {asset: holdings[4 * index + i] for i, asset in enumerate(HELD)}
            if index:
                rows = {asset: {**row, **wallets[i]} for i, (asset, row) in enumerate(rows.items())}
            accounts.append({"id": name, "keys": [key], "balances": rows})
        state = {
            "accounts": accounts,
            "prices_usd": dict(zip(HELD, quotes, strict=True)),
            "limits": {"weight_per_minute": 10**12},
            "interest": {"default_daily_rate": "0.001", "negative_daily_rate": "0.001"},
            "negative_thresholds": {"BNB": "1"},
            "options": {
                "conversion-fee-rate": fee,
                "insufficient-whole-debt": "partial" if partial else "reject",
                "payment-assets-absent": "any-asset" if partial else "same-asset-only",
            },
        }
        self.exchange = Exchange(state, document=DOCUMENT, clock=Clock(NOW_MS))
        self.callers = [Caller(self.exchange, key=name, secret=name) for name in ("a", "b")]
        self.issued = dict(self.exchange.world.ledger.issued)

    def whole(self) -> object:
        """Everything that an error must leave alone."""
        exchange = self.exchange
        ledger = exchange.world.ledger
        positions = {
            (account.id, asset): astuple(holding)
            for account in ledger.accounts.values()
            for asset, holding in account.holdings.items()
            if holding != Holding()
        }
        counterparties = {
            asset: astuple(h) for asset, h in ledger.counterparties.items() if h != Counterparty()
        }
        return positions, counterparties, ledger.dust_usd, exchange.next_line_id, len(list(exchange.records))

    def call(self, who: int, method: str, path: str, text: str) -> None:
        """One signed call; unless it was executed, nothing may have changed."""
        before = self.whole()
        answer = self.callers[who].signed(method, path, text)
        self.exchange.release("ab"[who])
        record = list(self.exchange.requests)[-1]
        if not record.moved_money and "switch" not in path:
            assert self.whole() == before, (path, text, answer.body)
        if record.fault is None:
            assert answer.status in (200, 400, 429), (path, text, answer.body)

    @rule(
        who=st.integers(0, 1),
        asset=st.sampled_from(ASSETS),
        amount=st.none() | amounts,
        named=st.lists(st.sampled_from(ASSETS), unique=True, max_size=3),
    )
    def repay_debt(self, who: int, asset: str, amount: str | None, named: list[str]) -> None:
        """Repay with conversion."""
        text = f"asset={asset}" + (f"&amount={amount}" if amount else "")
        self.call(
            who,
            "POST",
            "/papi/v1/margin/repay-debt",
            text + (f"&specifyRepayAssets={'%2C'.join(named)}" if named else ""),
        )

    @rule(
        who=st.integers(0, 1),
        path=st.sampled_from(["marginLoan", "repayLoan"]),
        asset=st.sampled_from(ASSETS),
        amount=amounts,
    )
    def borrow_or_repay(self, who: int, path: str, asset: str, amount: str) -> None:
        """Borrow, or repay in the asset itself."""
        self.call(who, "POST", f"/papi/v1/{path}", f"asset={asset}&amount={amount}")

    @rule(
        who=st.integers(0, 1),
        path=st.sampled_from(
            ["auto-collection", "repay-futures-negative-balance", "asset-collection?", "bnb-transfer?"]
        ),
        asset=st.sampled_from(ASSETS),
        amount=amounts,
        side=st.sampled_from(["TO_UM", "FROM_UM"]),
    )
    def futures(self, who: int, path: str, asset: str, amount: str, side: str) -> None:
        """Move and repay futures balances."""
        text = {
            "asset-collection?": f"asset={asset}",
            "bnb-transfer?": f"amount={amount}&transferSide={side}",
        }
        self.call(who, "POST", f"/papi/v1/{path.rstrip('?')}", text.get(path, ""))

    @rule(
        who=st.integers(0, 1),
        path=st.sampled_from(["balance", "account", "margin/maxBorrowable?", "rateLimit/order"]),
    )
    def read(self, who: int, path: str) -> None:
        """Reads change nothing."""
        self.call(who, "GET", f"/papi/v1/{path.rstrip('?')}", "asset=BNB" if path.endswith("?") else "")

    @rule(by_ms=st.integers(0, 5 * 3_600_000))
    def wait(self, by_ms: int) -> None:
        """Time passes, interest accrues."""
        self.exchange.clock.advance(by_ms)
        self.exchange.advance_to_now()

    @rule(asset=st.sampled_from(HELD), price=prices)
    def reprice(self, asset: str, price: str) -> None:
        """A price moves."""
        self.exchange.set_prices({asset: Decimal(price)})

    @rule(name=faults)
    def break_something(self, name: str) -> None:
        """The next call that fits meets a fault."""
        self.exchange.faults.arm({"fault": name, "match": {"method": "POST"}})

    @invariant()
    def money_is_conserved(self) -> None:
        """For each asset, what everybody holds is what was issued; nothing was issued by a call."""
        if hasattr(self, "exchange"):
            ledger = self.exchange.world.ledger
            assert ledger.imbalance() == {}
            assert {asset: total for asset, total in ledger.issued.items() if total} == {
                asset: total for asset, total in self.issued.items() if total
            }
            assert ledger.dust_usd >= 0

    @invariant()
    def nothing_is_below_zero(self) -> None:
        """Neither balances nor debts."""
        if hasattr(self, "exchange"):
            for account in self.exchange.world.ledger.accounts.values():
                for holding in account.holdings.values():
                    parts = (
                        holding.free,
                        holding.locked,
                        holding.borrowed,
                        holding.interest,
                        holding.um,
                        holding.negative,
                    )
                    assert min(parts) >= 0


Books.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)
TestBooks = Books.TestCase

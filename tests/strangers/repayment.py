"""What the exchange does with a repay-debt: whether it can, how much, when, who pays. It keeps the truth about each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_DOWN, Decimal

from tests.strangers.books import ZERO, Books, Holding, down
from tests.strangers.choices import Chosen
from tests.strangers.records import Records, Repaid, Row

CAP_USD = Decimal(50_000)
DUST = Decimal("0.0001")
FEE = Decimal("0.001")
FEE_ON_DEBT = Decimal("0.0005")
TWICE_GAP_MS = 700


@dataclass(frozen=True, slots=True)
class Refusal:
    """Hold a refusal: HTTP status, code and text; code 0 stands for an HTML page, code 1 for `success` false."""

    status: int
    code: int
    text: str = ""


@dataclass(slots=True)
class Arrival:
    """Hold the truth about one repay-debt that reached the exchange.

    Attributes:
        number: From 1.
        at: When it arrived.
        asset: The asset owed.
        amount: What it asked for; `None` for the whole debt.
        payers: The payment assets named.
        timestamp: As signed.
        owed: What was owed when it arrived.
        executed: When how much of the debt was repaid by it.
        answered_at: When the client had its answer, or lost it.
        told: What the client was told, in a few words.
        attempt: The client's own name for it; set by whoever plays the client.
    """

    number: int
    at: int
    asset: str
    amount: Decimal | None
    payers: tuple[str, ...]
    timestamp: int
    owed: Decimal
    executed: list[tuple[int, Decimal]] = field(default_factory=list[tuple[int, Decimal]])
    answered_at: int = 0
    told: str = ""
    attempt: str = ""

    @property
    def asked(self) -> Decimal:
        """Return the amount asked for; the whole debt at arrival, if none was named."""
        return self.owed if self.amount is None else self.amount

    @property
    def moved(self) -> Decimal:
        """Return how much of the debt it repaid in all."""
        return self.moved_since(0)

    def moved_since(self, moment: int) -> Decimal:
        """Return how much of the debt it repaid at or after a moment."""
        return sum((amount for at, amount in self.executed if at >= moment), ZERO)


class Repayments:
    """Execute repayments on the books."""

    def __init__(self, books: Books, records: Records, chosen: Chosen, prices: Mapping[str, Decimal]) -> None:
        """Begin with none."""
        self._books = books
        self._clock = books.clock
        self._records = records
        self._chosen = chosen
        self._prices = prices
        self._busy_until = 0
        self.arrivals: list[Arrival] = []

    # ------------------------------------------------------------ may it be executed?

    def problem(self, arrival: Arrival) -> Refusal | None:
        """Return why a repayment cannot be executed; `None` if it can."""
        owed, amount = arrival.owed, arrival.asked
        if arrival.asset not in self._prices:
            return Refusal(400, -1108, "Invalid asset.")
        if arrival.amount is not None and arrival.amount <= 0:
            return Refusal(400, -4055, "Amount must be positive.")
        if owed <= 0:
            return (
                None
                if self._chosen["nothing-owed"] == "success"
                else Refusal(400, -3015, "Nothing to repay.")
            )
        if amount > owed and self._chosen["amount-above-debt"] == "refused":
            return Refusal(400, -3015, "The repay amount exceeds the liability.")
        amount = min(amount, owed)
        if "rounded-down" in self._chosen.possible("execution-amount") and amount < DUST:
            return Refusal(400, -3016, "The repay amount is below the minimum.")
        if amount * self._prices[arrival.asset] > CAP_USD:
            return Refusal(400, -10040, "The repay amount is above the limit of 50000 USD.")
        if ZERO < owed - amount < DUST and self._chosen["dust-rule"] == "refused":
            return Refusal(400, -3024, "The remaining debt is too small after repayment.")
        affordable = self.affordable(arrival)
        if affordable <= 0 or (affordable < amount and self._short(arrival) == "refused"):
            return Refusal(400, -3041, "Balance is not enough.")
        return self._pending()

    def _short(self, arrival: Arrival) -> str:
        """Return what happens when the payers do not suffice: "refused" or "part"."""
        form = self._chosen["funds-short"]
        if form == "part-without-amount":
            return "part" if arrival.amount is None else "refused"
        return form

    def _pending(self) -> Refusal | None:
        if self._clock.now >= self._busy_until or self._chosen["pending-means"] == "queued":
            return None
        return Refusal(400, 51007, "You have a pending transaction. Please try again later.")

    # ------------------------------------------------------------ who pays?

    def _worth(self, asset: str) -> Decimal:
        return self._books[asset].free * self._prices.get(asset, ZERO)

    def payers(self, arrival: Arrival) -> list[str]:
        """Return who pays, in order."""
        held = [asset for asset in self._books.assets if self._books[asset].free > 0]
        richest = sorted(held, key=self._worth, reverse=True)
        named = [asset for asset in arrival.payers if asset in self._prices] or richest
        order = self._chosen["payer-order"]
        if order == "reversed":
            named = named[::-1]
        elif order == "largest-first":
            named = sorted(named, key=self._worth, reverse=True)
        unnamed = self._chosen["unnamed-payers"]
        if unnamed == "when-short":
            named = named + [asset for asset in richest if asset not in named]
        elif unnamed == "always" and richest:
            named = richest[:1] + [asset for asset in named if asset != richest[0]]
        rest = [asset for asset in named if asset != arrival.asset]
        own = [arrival.asset]
        return own + rest if self._chosen["own-asset"] == "first" else rest + own

    def _price(self, asset: str) -> Decimal:
        """Return USD that one unit of debt costs when another asset pays, without a fee taken on top."""
        form = self._chosen["conversion-price"]
        worse = self._chosen.share("conversion-price", "0", "0.005")
        factor = {"index": Decimal(1), "spread": 1 + worse, "better": 1 - worse}[form]
        fee = 1 + FEE if self._chosen["execution-fee"] == "from-payers" else Decimal(1)
        return self._prices[asset] * factor * fee

    def affordable(self, arrival: Arrival) -> Decimal:
        """Return how much of the debt the payers could repay at index prices."""
        price = self._prices[arrival.asset]
        return sum((self._worth(asset) for asset in self.payers(arrival)), ZERO) / price

    def _spend(self, arrival: Arrival, amount: Decimal) -> tuple[dict[str, Decimal], dict[str, Decimal]]:
        """Choose what each payer gives for an amount, as far as it goes: units given, and debt covered by it."""
        asset, price = arrival.asset, self._price(arrival.asset)
        payers = self.payers(arrival)
        limit = dict.fromkeys(payers, amount)
        if self._chosen["payer-order"] == "all-share":
            others = [payer for payer in payers if payer != asset]
            worth = sum((self._worth(payer) for payer in others), ZERO)
            left = amount - min(self._books[asset].free, amount)
            if worth > 0:
                # The last one takes what rounding leaves.
                limit |= {payer: down(left * self._worth(payer) / worth) for payer in others[:-1]}
        spent: dict[str, Decimal] = {}
        covered: dict[str, Decimal] = {}
        for payer in payers:
            left = min(amount - sum(covered.values(), ZERO), limit[payer])
            free = self._books[payer].free
            rate = Decimal(1) if payer == asset else price / self._prices[payer]
            part = min(left, down(free / rate))
            if part > 0:
                spent[payer] = min(free, (part * rate).quantize(Decimal("0.00000001")))
                covered[payer] = part
        return spent, covered

    # ------------------------------------------------------------ execution

    def begin(self, arrival: Arrival, *, delayed: bool) -> None:
        """Execute a repayment, now or later.

        Args:
            arrival: What arrived; `problem` has found none.
            delayed: Whether `execution-delay` concerns it: its answer is lost, or comes first.
        """
        now = self._clock.now
        delay = self._chosen.number("execution-delay") if delayed else 0
        when = max(now + delay, self._busy_until if now < self._busy_until else 0)
        announced = self._records.announce(arrival.asset, arrival.asked) if when > now else None
        self._busy_until = max(self._busy_until, when)
        self._clock.at(when, lambda: self._execute(arrival, announced))
        if self._chosen["execution-times"] == "twice" and self._chosen.chance("execution-times", 0.5):
            self._clock.at(when + TWICE_GAP_MS, lambda: self._execute(arrival, None))

    def _execute(self, arrival: Arrival, announced: Row | None) -> None:
        owed = self._books[arrival.asset].owed
        amount = owed if arrival.amount is None else min(arrival.amount, owed)
        amount = self._really(arrival, amount, owed)
        if self._chosen["execution-steps"] == "two" and amount > DUST:
            half = down(amount / 2)
            rest = amount - half
            later = self._clock.now + self._chosen.source("execution-steps").randrange(200, 5_000)
            self._pay(arrival, half, announced)
            self._clock.at(later, lambda: self._pay(arrival, rest, None))
        else:
            self._pay(arrival, amount, announced)

    def _really(self, arrival: Arrival, amount: Decimal, owed: Decimal) -> Decimal:
        """Return how much is repaid where so much was asked for."""
        form = self._chosen["execution-amount"]
        if form == "a-little-less":
            amount = down(amount * (1 - self._chosen.share(form, "0.001", "0.02")))
        elif form == "a-little-more":
            amount = down(amount * (1 + self._chosen.share(form, "0.001", "0.02")))
        elif form == "a-part":
            amount = down(amount * self._chosen.share(form, "0.1", "0.9"))
        elif form == "rounded-down" and arrival.amount is not None:
            amount = amount.quantize(DUST, ROUND_DOWN)
        if ZERO < owed - amount < DUST and self._chosen["dust-rule"] == "cleared":
            return owed
        return min(amount, owed)

    def _split(self, asset: str, amount: Decimal) -> tuple[Decimal, Decimal]:
        """Return how much interest and how much principal an amount repays."""
        holding = self._books[asset]
        first = self._chosen["repays-first"]
        if first == "interest":
            interest = min(holding.interest, amount)
        elif first == "principal":
            interest = amount - min(holding.borrowed, amount)
        else:
            interest = down(amount * holding.interest / holding.owed)
            interest = max(interest, amount - holding.borrowed)
        return interest, amount - interest

    def _pay(self, arrival: Arrival, amount: Decimal, announced: Row | None) -> None:
        amount = min(amount, self._books[arrival.asset].owed)
        spent, covered = self._spend(arrival, amount)
        amount = sum(covered.values(), ZERO)
        if amount <= 0:
            if announced is not None:
                announced.fields["status"], announced.confirmed_at = "FAILED", self._clock.now
            return
        interest, principal = self._split(arrival.asset, amount)
        changes = {payer: Holding(free=-units) for payer, units in spent.items()}
        fall = Holding(borrowed=-principal, interest=-interest)
        changes[arrival.asset] = changes.get(arrival.asset, Holding()) + fall
        self._books.move(f"repay-debt {arrival.number}", changes)
        if self._chosen["execution-fee"] == "added-to-debt":
            self._books.move("fee", {arrival.asset: Holding(interest=down(amount * FEE_ON_DEBT))})
        arrival.executed.append((self._clock.now, amount))
        self._records.repaid(
            Repaid(arrival.asset, interest, principal, max(arrival.asked, amount), spent, covered), announced
        )

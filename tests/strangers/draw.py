"""Draw a history from a seed: the choices of its world, the account, the plans, what others do, and deaths.

A world says which kinds of surprise may happen together, so that a wrong conclusion can be laid to one of them.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from tests.strangers.books import START_MS, Holding, down
from tests.strangers.choices import Value, table
from tests.strangers.exchange import PRICES

Values = dict[str, Value]

WORLDS = {
    "strict": "All published rules hold; a repayment leaves no row or one exact row; nobody else acts.",
    "strict-strangers": "The same, and others borrow, repay, trade and transfer near our attempts.",
    "shapes": "A repayment leaves several rows, or one with a fee, later, elsewhere or under another asset.",
    "times": "Rows or balances are off by less than two seconds.",
    "old-looks": "Balances are up to five seconds old, and not all answers are of the same age.",
    "borrowings": "Others borrow, and that is listed late, under another time, before the debt rises, or never.",
    "less": "Less is repaid than was asked for, although the funds suffice.",
    "late": "A repayment whose answer was lost is executed up to two minutes later.",
    "lies": "Refusals that executed, `success` false that executed, and odd answers.",
    "answers": "Every field of every answer may be odd; the exchange is strict otherwise.",
    "anything": "All choices are drawn freely among the values that a correct client must bear.",
    "beyond": "The same, with the values that are assumed away.",
}

# What varies in every world, because nothing published is touched by it.
HARMLESS: dict[str, tuple[str, ...]] = {
    "row-list": ("both", "repay-records", "capital-flow"),
    "flow-note": ("absent", "empty", "repay-debt", "null"),
    "flow-sign": ("negative", "positive"),
    "row-ids": ("rising", "huge"),
    "row-digits": ("eight", "plain", "nine"),
    "rows-total": ("all", "page"),
    "rows-bounds": ("included", "end-left-out"),
    "flow-order": ("newest-first", "oldest-first"),
    "flow-from-id": ("from", "after"),
    "failed-rows": ("never", "refused"),
    "balance-update-time": ("changed", "zero", "now"),
    "balance-list": ("all", "no-zeros"),
    "balance-digits": ("full", "eight-down"),
    "balance-one-form": ("object", "list"),
    "balance-members": ("all", "no-cross-margin-asset"),
    "balance-unknown-asset": ("zeros", "empty-object", "refused"),
    "conversion-price": ("index", "spread"),
    "execution-fee": ("none", "from-payers"),
    "execution-delay": ("0", "0..5000"),
    "repays-first": ("interest", "principal"),
    "payer-order": ("as-named", "reversed", "largest-first", "all-share"),
    "amount-above-debt": ("clipped", "refused"),
    "funds-short": ("refused", "part", "part-without-amount"),
    "nothing-owed": ("refused", "success"),
    "answer-amount": ("repaid", "echo", "missing"),
    "answer-payers": ("list", "missing"),
    "answer-extra": ("none", "some"),
    "answer-time": ("20", "500..900", "3000..9000"),
    "weight-scope": ("ip", "orders", "both"),
    "weight-window": ("sliding", "fixed"),
    "retry-after": ("absent", "seconds"),
    "pending-means": ("51007", "queued"),
    "interest-charged": ("hourly", "never"),
    "interest-on-borrow": ("at-once", "next-hour"),
    "interest-paid-in": ("owed", "BNB"),
    "borrow-proceeds": ("kept", "spent"),
}

# What makes a world; some of these are drawn together.
SPICES: dict[str, dict[str, tuple[str, ...]]] = {
    "strict": {},
    "strict-strangers": {},
    "shapes": {
        "repayment-rows": ("per-payer", "interest-and-principal", "halves"),
        "row-amount": ("dust-above", "dust-below", "with-fee", "less-fee", "principal-only"),
        "row-asset": ("payer",),
        "row-lists-apart": ("3000", "0..10000"),
        "row-stamped-late": ("0..30000",),
        "row-listed-late": ("0..5000", "0..30000", "30000..120000"),
        "row-first-status": ("PENDING",),
        "row-repeated": ("same-id",),
        "failed-rows": ("first-try",),
        "flow-conversion-rows": ("sell-and-buy", "with-commission"),
        "rows-empty": ("sometimes",),
    },
    "times": {
        "row-clock-offset": ("-2000..2000",),
        "row-stamped-late": ("0..2000",),
        "borrow-row-time": ("-2000..2000",),
        "balance-age": ("0..2000",),
        "time-endpoint": ("jumps-back", "second-ahead", "second-behind"),
        "time-errors": ("404", "sometimes"),
    },
    "old-looks": {
        "balance-age": ("0..2000", "5000", "0..5000"),
        "balance-replicas": ("alternating",),
        "balance-parts": ("debt-first", "payers-first"),
    },
    "borrowings": {
        "borrow-rows": ("none", "several"),
        "borrow-list": ("loan-records", "capital-flow"),
        "borrow-listed-late": ("0..5000", "0..30000", "30000..120000"),
        "borrow-row-time": ("-2000..2000", "-30000..30000"),
        "borrow-debt-late": ("0..5000", "0..60000"),
        "borrow-first-status": ("PENDING",),
        "other-repayment-rows": ("none", "capital-flow"),
        "other-movement-rows": ("late", "none"),
        "interest-on-borrow": ("soon",),
    },
    "less": {
        "execution-amount": ("a-little-less", "a-part", "rounded-down"),
        "execution-steps": ("two",),
        "execution-fee": ("added-to-debt",),
        "funds-short": ("part",),
    },
    "late": {
        "execution-delay": ("5000..60000", "60000..120000"),
        "row-first-status": ("PENDING",),
        "execution-steps": ("two",),
    },
    "lies": {
        "refusal-executed": ("limiter", "unavailable", "coded", "html"),
        "answer-success": ("false",),
        "answer-amount": ("zero", "echo", "in-usdt"),
    },
    "answers": {
        "answer-amount": (
            "zero",
            "minus-one",
            "principal-only",
            "in-usdt",
            "number",
            "exponent",
            "empty",
            "null",
            "owed-before",
        ),
        "answer-success": ("false", "missing", "text", "null"),
        "answer-asset": ("payer", "lower-case", "missing", "other"),
        "answer-payers": ("text", "used"),
        "answer-update-time": ("zero", "missing", "year-old", "ahead", "text"),
        "answer-status": (
            "200-empty",
            "202-empty",
            "202",
            "201",
            "200-html",
            "200-list",
            "200-wrapped",
            "200-code",
            "302",
        ),
    },
}

# In these worlds a choice of the spices is drawn anew for each answer or row.
DRAWN_EACH_TIME = ("answers", "lies", "shapes")

# How often others act, by world: no entry means never.
OTHERS = {
    "strict-strangers": 1.0,
    "times": 0.5,
    "old-looks": 0.5,
    "borrowings": 1.0,
    "less": 0.3,
    "late": 0.5,
    "lies": 0.2,
    "anything": 0.5,
    "beyond": 0.5,
}

TRUE_REFUSALS = ("400-code", "51007", "1021", "418", "429", "503-unavailable", "1008", "403-html", "401")


@dataclass(frozen=True, slots=True)
class Deed:
    """Hold what somebody else does.

    Attributes:
        what: "borrow", "repay", "sell-and-repay", "trade", "transfer-out" or "deposit".
        asset: The asset owed, or the one that moves.
        ours: Share of the amount of our last repayment; `None` takes `amount`.
        amount: How much, in units of `asset`.
        when: "at" so many ms after the start, "near" a repayment of ours, near one whose answer gets "lost", or after
            a "read" of balances.
        number: Which repayment or read, from 1; 0 for each of them.
        after_ms: How long after that.
    """

    what: str
    asset: str
    ours: Decimal | None
    amount: Decimal
    when: str
    number: int
    after_ms: int


@dataclass(frozen=True, slots=True)
class Death:
    """Hold where a process dies.

    Attributes:
        where: "repay-before", "repay-after" (its own repayment was answered), "request-before", "request-after",
            "sleep" or "step".
        number: At which one.
    """

    where: str
    number: int


@dataclass(frozen=True, slots=True)
class Wish:
    """Hold a plan that is asked for."""

    key: str
    asset: str
    amount: Decimal | None
    pay_with: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Life:
    """Hold one process: how long after the last one it starts, what it is asked to do, where it dies."""

    pause_ms: int
    command: str
    death: Death | None


@dataclass(frozen=True, slots=True)
class History:
    """Hold everything that a seed decides."""

    world: str
    seed: int
    values: Mapping[str, Value]
    start_ms: int
    opening: Mapping[str, Holding]
    lose: float
    refuse: float
    unsent: float
    wishes: tuple[Wish, ...]
    deeds: tuple[Deed, ...]
    lives: tuple[Life, ...]
    wall_off_ms: int
    shared_budget: bool


def _free(source: random.Random, *, beyond: bool) -> Values:
    """Draw all choices freely: in some histories a few are out of the ordinary, in some most."""
    often = source.choice((0.05, 0.15, 0.4))
    values: Values = {}
    for name, choice in table().items():
        allowed = choice.values if beyond else choice.considered
        others = [value for value in allowed if value != choice.default]
        if others and source.random() < often:
            several = source.random() < 0.4
            values[name] = tuple(allowed) if several else source.choice(others)
    return values


def values_of(world: str, source: random.Random) -> Values:
    """Draw the choices of a world."""
    values: Values = {
        name: source.choice(allowed) for name, allowed in HARMLESS.items() if source.random() < 0.25
    }
    values["repayment-rows"] = source.choice(("one", "one", "none"))
    if world in ("anything", "beyond"):
        values |= _free(source, beyond=world == "beyond")
    else:
        spices = SPICES[world]
        how_many = source.choice((2, 3, 4) if world == "borrowings" else (1, 1, 2, 3))
        for name in source.sample(list(spices), min(len(spices), how_many)):
            allowed = spices[name]
            each = world in DRAWN_EACH_TIME and source.random() < 0.5
            values[name] = (table()[name].default, *allowed) if each else source.choice(allowed)
    if "row-first-status" in values:
        values["row-pending-ms"] = source.choice(("100", "3000", "0..60000"))
    values["lost-answer"] = table()["lost-answer"].values
    refusals = TRUE_REFUSALS
    if world in ("answers", "lies", "anything", "beyond"):
        refusals = tuple(value for value in table()["refusal"].values if value != "none")
    values["refusal"] = refusals if source.random() < 0.9 else "none"
    return values


def _amount(source: random.Random, low_usd: float, high_usd: float, price: Decimal) -> Decimal:
    """Draw an amount worth something between two values; small ones are as likely as large ones."""
    usd = low_usd * (high_usd / low_usd) ** source.random()
    units = Decimal(f"{usd:.4f}") / price
    return units.quantize(Decimal(source.choice(("0.00000001", "0.0001", "0.01")))) or Decimal("0.01")


def _account(source: random.Random) -> tuple[dict[str, Holding], tuple[Wish, ...]]:
    """Draw what is owed and held, and what is to be repaid."""
    asset = source.choice(("BNB", "BNB", "ETH", "BTC"))
    price = PRICES[asset]
    debt = _amount(source, 60, 180_000, price)
    interest = down(debt * Decimal(source.choice(("0", "0", "0.0001", "0.003", "0.02"))))
    own = down(debt * Decimal(source.choice(("0", "0", "0", "0.05", "0.3", "0.9", "1.5"))))
    usdt = (debt + interest) * price * Decimal(source.choice(("1.05", "1.3", "3", "10"))) + 100
    opening = {asset: Holding(debt, interest, own), "USDT": Holding(free=usdt.quantize(Decimal("0.01")))}
    payers: tuple[str, ...] = ("USDT",)
    if source.random() < 0.35:
        other = source.choice([name for name in PRICES if name not in opening])
        opening[other] = Holding(free=_amount(source, 50, 20_000, PRICES[other]))
        if source.random() < 0.3:
            opening[other] += Holding(borrowed=_amount(source, 50, 20_000, PRICES[other]))
        payers = source.choice((("USDT", other), (other, "USDT"), ("USDT",), ()))
    amount = None
    if source.random() < 0.65:
        share = Decimal(source.choice(("0.05", "0.1", "0.3", "0.5", "0.7", "0.9", "1")))
        amount = (debt * share).quantize(Decimal(source.choice(("0.00000001", "0.0001")))) or debt
    wishes = [Wish("first", asset, amount, payers)]
    if source.random() < 0.25:
        second = _amount(source, 20, 60_000, price)
        wishes.append(Wish("second", asset, source.choice((None, min(second, debt))), payers))
    return opening, tuple(wishes)


def _deed(source: random.Random, wish: Wish, *, borrows: bool) -> Deed:
    kinds = ("borrow", "repay", "sell-and-repay", "trade", "transfer-out", "deposit")
    what = source.choice(("borrow", "borrow", "borrow", *kinds) if borrows else kinds)
    asset = wish.asset
    if what in ("trade", "transfer-out", "deposit"):
        asset = source.choice((wish.asset, "USDT", "USDT"))
    same = source.random()
    ours: Decimal | None = None
    if same < 0.3:
        ours = Decimal(1)
    elif same < 0.5:
        ours = Decimal(source.choice(("0.999", "1.001", "0.99", "1.01", "0.98", "1.02")))
    elif same < 0.8:
        ours = Decimal(str(round(source.uniform(0.001, 1.5), 4)))
    amount = _amount(source, 5, 30_000, PRICES[asset])
    when = source.choice(("lost", "lost", "lost", "near", "read", "read", "at"))
    after = source.choice((0, 1, 100, 700, 3_000, 8_000, 12_000, 26_000, 40_000, 60_000))
    if when == "at":
        after = source.randrange(600_000)
    return Deed(what, asset, ours, amount, when, source.choice((0, 1, 1, 1, 1, 2, 2, 3, 4)), after)


def _death(source: random.Random) -> Death:
    where = source.choice(
        (
            "repay-before",
            "repay-after",
            "repay-after",
            "request-before",
            "request-after",
            "sleep",
            "step",
            "step",
        )
    )
    last = {
        "repay-before": 3,
        "repay-after": 3,
        "request-before": 30,
        "request-after": 30,
        "sleep": 8,
        "step": 50,
    }
    return Death(where, source.randint(1, last[where]))


def _lives(source: random.Random) -> tuple[Life, ...]:
    """Draw the processes: the first one plans and runs, the others go on, the last one never dies."""
    mortal = source.choice((0.0, 0.3, 0.6))
    lives = [Life(0, "run", _death(source) if source.random() < mortal else None)]
    for _ in range(source.choice((0, 0, 1, 1, 2, 3))):
        pause = source.choice((200, 3_000, 20_000, 100_000, 700_000, 7_200_000))
        command = source.choice(("resume", "reconcile-resume", "run", "reconcile"))
        lives.append(Life(pause, command, _death(source) if source.random() < mortal else None))
    lives.append(Life(source.choice((30_000, 1_000_000)), "reconcile-resume", None))
    lives.append(Life(1_000_000, "run", None))
    return tuple(lives)


def draw(world: str, seed: int, given: Mapping[str, Value] | None = None) -> History:
    """Draw a history.

    Args:
        world: Its world, one of `WORLDS`.
        seed: Where the draws begin; the same seed draws the same history.
        given: Values of choices that win over those drawn.

    Raises:
        ValueError: There is no such world.
    """
    if world not in WORLDS:
        raise ValueError(f"there is no world {world!r}; there are {', '.join(WORLDS)}")
    source = random.Random(f"{world}/{seed}")
    values = values_of(world, source)
    opening, wishes = _account(source)
    deeds: list[Deed] = []
    if source.random() < OTHERS.get(world, 0.0):
        for _ in range(source.choice((1, 1, 2, 3))):
            deeds.append(_deed(source, wishes[0], borrows=world == "borrowings"))
    return History(
        world=world,
        seed=seed,
        values={**values, **(given or {})},
        start_ms=START_MS + source.randrange(3_600_000),
        opening=opening,
        lose=source.choice((0.25, 0.5, 0.9)),
        refuse=source.choice((0.0, 0.1, 0.5 if world == "lies" else 0.2)),
        unsent=source.choice((0.0, 0.0, 0.05)),
        wishes=wishes,
        deeds=tuple(deeds),
        lives=_lives(source),
        wall_off_ms=source.choice((0, 0, 300, -300, 5_000, -90_000)),
        shared_budget=source.random() < 0.7,
    )

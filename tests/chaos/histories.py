"""Was it really undecidable? Look for a second history of the exchange, the other way round, that looks the same.

    what happened      [attempt executed]      strangers' deeds   ──replayed──▶  balances, lists   ┐
                                                                                                  ├─ the very same?
    what else might    [attempt not executed]  others' deeds      ──replayed──▶  balances, lists   ┘

Both histories are played on exchanges of their own, from the balances that the attempt's first look showed, and
what a client could read at the end is compared. Nothing of `paydown.repay.reconcile` is used here: this is the
opposite side, which knows what happened and tries to build an alibi.

The other history may differ in what nobody publishes: the conversion price (by the repayer's tolerance), which of
the assets pays first, whether only the named ones pay, whether interest or principal is repaid first, when a
request is executed that waits, whether a repayment leaves a row, and how much interest was charged and when in its hour
(by the repayer's bound). Nor does anybody see whether a row whose time is as near to a look as the clocks are
uncertain was in that look. And it may have other strangers, doing anything in any amount, but no more of them than
there really were, and the rows that they leave must be the rows that were read. (With as many strangers as one
likes everything can be explained, and nothing would ever be decided.)
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from paydown.repay import Options
from paydown.repay.facts import Facts
from paydown.repay.journal import AttemptRecord
from paydown_sandbox import Clock, Exchange
from tests.chaos.arena import PRICES, Arena, Entry, do

_HOUR_MS = 3_600_000
_ROUNDING = Decimal("1e-6")
_KINDS = {"loan": "loan-record", "repay": "repay-record", "flow": "capital-flow"}
# How many deeds the other history may replace at once: with more of them the search would take long.
_MOST_REPLACED = 3
# The options by which an exchange writes rows for this call; no page says whether the real one does.
_WRITTEN = {"repay-record": "repay-debt-record", "capital-flow": "repay-debt-flow"}
_DEEDS = ("borrow", "repay-debt", "repay-loan", "move")
# A deed and the row that it left are stamped within this.
_SAME_MOMENT_MS = 200

Holdings = dict[str, tuple[Decimal, ...]]


class CannotReplay(Exception):
    """The window of an attempt could not be found on the tape, or what happened does not replay."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What a client could read at the end of a history."""

    holdings: Holdings
    rows: Counter[tuple[str, str, str, Decimal]]
    converted_usd: Decimal


@dataclass(frozen=True, slots=True)
class Telling:
    """How a history is told where no page says how it is.

    Attributes:
        pay: The payment assets of the attempt, in the order in which they are taken.
        paid: The same of our earlier repayments.
        begin_ms, look_ms: When the two looks saw the account. What happened before the first is in it.
        at_ms: When the exchange executed the attempt, if it did.
        rate: Whether interest is charged by the real rate, or not at all.
        listed: The lists in which the attempt, if executed, leaves a row; `None`: where this exchange writes one.
        turned: Whether interest and principal are repaid in the other order than here.
    """

    pay: tuple[str, ...]
    paid: tuple[str, ...]
    begin_ms: int
    look_ms: int
    at_ms: int
    rate: bool = True
    listed: tuple[str, ...] | None = None
    turned: bool = False


@dataclass(frozen=True, slots=True)
class Window:
    """The part of the tape between the look before an attempt and the last reading that was judged."""

    first: Entry
    last: Entry
    deeds: tuple[Entry, ...]
    ours: tuple[Entry, ...]
    attempt: Entry
    ends_ms: dict[str, int]


class Historian:
    """Knows what happened to one attempt, and looks for what might have happened instead.

    Args:
        arena: Where it happened.
        attempt: The attempt, as the journal knows it.
        sighting: The last sighting of the stored evidence, as JSON.
        executed: Whether the exchange executed the attempt.
        executions: (account, stamp) -> (moment, amount) of everything of ours that was executed.
    """

    def __init__(
        self,
        arena: Arena,
        account: str,
        attempt: AttemptRecord,
        sighting: dict[str, Any],
        executed: bool,
        executions: dict[tuple[str, int], tuple[int, Decimal]],
    ) -> None:
        self.arena = arena
        self.account = account
        self.attempt = attempt
        self.intent = attempt.intent
        self.read = frozenset(sighting["read"])
        self.sighting = sighting
        self.executed = executed
        self.executions = executions
        self.nearby: tuple[Entry, ...] = ()
        self.window = self._window()
        pay_with = attempt.intent.pay_with
        done = executions.get((account, attempt.intent.signed_at_ms))
        at_ms = self.window.attempt.at_ms if done is None else done[0]
        self.true = Telling(pay_with, pay_with, self.window.first.at_ms, self.window.last.at_ms, at_ms)
        self._played: dict[tuple[object, ...], Shown | None] = {}

    def other(self, more: int = 0) -> str | None:
        """Another history, the other way round, with the same evidence: in words, or `None` if there is none.

        Args:
            more: How many strangers there may be beyond those that there really were.

        Raises:
            CannotReplay: What really happened does not give the evidence that was stored.
        """
        if not self._same(self._play(self.executed, self.window.deeds, self.true), self.true):
            raise CannotReplay(f"the history of attempt {self.attempt.id} does not replay: {self.words()}")
        for telling in self._tellings():
            deeds = self._within(telling)
            for size in range(min(len(deeds), _MOST_REPLACED) + 1):
                for left_out in itertools.combinations(deeds, size):
                    kept = [deed for deed in deeds if deed not in left_out]
                    found = self._explain(kept, size + more, telling)
                    if found is not None:
                        return found
        return None

    def _tellings(self) -> list[Telling]:
        """All ways to tell it, the likely ones first."""
        mine, others = [self.intent.pay_with], [self.intent.pay_with]
        if not self.executed:  # then the other history has the attempt executed
            mine = list(itertools.permutations(self.intent.pay_with))
            mine += [payer for payer in self._payers() if payer and payer not in mine]
        if self.window.ours:
            others = list(itertools.permutations(self.intent.pay_with))
        looks = itertools.product(self._begins(), self._looks())
        listed = [None] if self.executed else [None, *self._may_be_listed()]
        hour_struck = self.window.first.at_ms // _HOUR_MS < self.window.last.at_ms // _HOUR_MS
        charged = hour_struck or any(deed.kind == "borrow" for deed in (*self.nearby, *self.window.deeds))
        asset = self.intent.asset
        owes_interest = charged or self.window.first.seen.get(asset, (0, 0, 0, 0))[1]
        ways = itertools.product(
            looks,
            (False, True) if owes_interest else (False,),
            (True, False) if charged else (True,),
            listed,
            [self.true.at_ms] if self.executed else self._executed_at(),
            others,
            mine,
        )
        return [
            Telling(pay, paid, begin, look, at_ms, rate, listed, turned)
            for (begin, look), turned, rate, listed, at_ms, paid, pay in ways
        ]

    def _executed_at(self) -> list[int]:
        """When the exchange may have executed the attempt: at once, or behind what others did before its deadline."""
        at_ms, facts = self.window.attempt.at_ms, Facts.documented()
        last_ms = self.intent.signed_at_ms + facts.answer_timeout_ms
        later = [deed.at_ms + 1 for deed in self.window.deeds if at_ms <= deed.at_ms < last_ms]
        return list(dict.fromkeys([at_ms, *later]))

    def _may_be_listed(self) -> list[tuple[str, ...]]:
        """In which lists the attempt may have left a row: in those that show one of its amount, or in none."""
        amount = self.intent.amount
        fitting = {
            row["source"]
            for row in self.sighting["rows"]
            if row["kind"] == "REPAY"
            and row["asset"] == self.intent.asset
            and (amount is None or abs(Decimal(row["amount"])) == amount)
        }
        some = sorted(fitting & {"repay-record", "capital-flow"})
        return [pair for size in range(len(some) + 1) for pair in itertools.combinations(some, size)]

    def _begins(self) -> list[int]:
        """When the first look can have been: a listed deed that is near to it was before or after it."""
        at_ms, slack = self.window.first.at_ms, Options().clock_slack_ms
        before = [deed.at_ms for deed in self.nearby if self._listed(deed)]
        after = [deed.at_ms + 1 for deed in self.window.deeds if deed.at_ms <= at_ms + slack]
        return list(dict.fromkeys([at_ms, *reversed(before), *after]))

    def _looks(self) -> list[int]:
        """When the last look can have been, in the same way."""
        at_ms, slack = self.window.last.at_ms, Options().clock_slack_ms
        near = [deed.at_ms for deed in self.window.deeds if abs(deed.at_ms - at_ms) <= slack]
        moments = [each - 1 if each <= at_ms else each for each in near]
        return list(dict.fromkeys([at_ms, *(each for each in moments if each > self.window.attempt.at_ms)]))

    def _listed(self, deed: Entry) -> bool:
        """Whether a row was read that a deed left."""
        return any(
            row["asset"] == deed.asset
            and abs(Decimal(row["amount"])) == abs(deed.amount)
            and abs(row["at_ms"] - deed.at_ms) < _SAME_MOMENT_MS
            for row in self.sighting["rows"]
        )

    def _within(self, telling: Telling) -> list[Entry]:
        return [deed for deed in (*self.nearby, *self.window.deeds) if deed.at_ms >= telling.begin_ms]

    def _payers(self) -> list[tuple[str, ...]]:
        """With what somebody else can have repaid: as we would have, with one asset, or with his own holdings."""
        others = [name for name in ("USDT", "BTC") if self.window.first.seen.get(name, (0, 0, 0))[2]]
        return list(dict.fromkeys([self.intent.pay_with, *((name,) for name in others), ()]))

    def _moments(self) -> list[int]:
        """When somebody else can have acted: beside the attempt, or just before the last look."""
        return list(dict.fromkeys([self.window.attempt.at_ms + 1, self.window.last.at_ms - 1]))

    def _explain(self, deeds: list[Entry], most: int, telling: Telling) -> str | None:
        """Flip the attempt, and let at most `most` other deeds explain what is left over."""
        shown = self._play(not self.executed, deeds, telling)
        if shown is None or self._same(shown, telling):
            return None if shown is None else self._words([])
        asset = self.intent.asset
        missing = self._missing(shown, asset, 0) + self._missing(shown, asset, 1)
        if 0 < missing <= self._most_interest(asset):
            charge = Entry("interest", telling.begin_ms + 1, self.account, asset, missing)
            charged = self._fill_assets([*deeds, charge], [charge], 0, most, telling)
            if charged is not None:
                return charged
        if not missing or self._of_interest(missing):
            return self._fill_assets(deeds, [], 0, most, telling)
        spent = -self._missing(shown, asset, 2)
        if spent > 0 and most and 0 < missing + spent <= self._most_interest(asset):
            charge = Entry("interest", telling.begin_ms + 1, self.account, asset, missing + spent)
            both = [charge, *self._deeds("repay-debt", asset, spent, (), self.window.attempt.at_ms + 1)]
            found = self._fill_assets([*deeds, *both], both, 1, most, telling)
            if found is not None:
                return found
        if not most or (missing > 0 and not self._may_have_borrowed()):
            return None
        for pay_with, at_ms in itertools.product(self._payers() if missing < 0 else [()], self._moments()):
            added = self._owed(deeds, missing, pay_with, at_ms, telling)
            found = self._fill_assets([*deeds, *added], added, 1, most, telling)
            if found is not None:
                return found
        return None

    def _owed(
        self, deeds: list[Entry], missing: Decimal, pay_with: tuple[str, ...], at_ms: int, telling: Telling
    ) -> list[Entry]:
        """What one stranger borrowed or repaid so that just as much is owed."""
        asset = self.intent.asset
        added: list[Entry] = []
        kind, amount = ("borrow", missing) if missing > 0 else ("repay-debt", -missing)
        for _ in range(3):  # interest makes the first guess a little wrong
            added = self._deeds(kind, asset, amount, pay_with, at_ms)
            shown = self._play(not self.executed, [*deeds, *added], telling)
            if shown is None:
                break
            principal = self._missing(shown, asset, 0)
            if not principal or amount <= abs(principal):
                break
            amount += principal if missing > 0 else -principal
        return added

    def _may_have_borrowed(self) -> bool:
        """Whether a row allows for it: borrowing is listed, unlike repaying."""
        listed = self.read & {"loan-record", "capital-flow"}
        return not listed or any(row["kind"] == "BORROW" for row in self.sighting["rows"])

    def _fill_assets(
        self, deeds: list[Entry], added: list[Entry], hands: int, most: int, telling: Telling
    ) -> str | None:
        """Let strangers move what is left over of the assets."""
        shown = self._play(not self.executed, deeds, telling)
        if shown is None or hands > most:
            return None
        moves: list[Entry] = []
        for name in sorted({*self.window.last.seen, *shown.holdings}):
            change = self._missing(shown, name, 2)
            if abs(change) > self._slack(name, shown):
                moves += self._deeds("move", name, change, (), self.window.attempt.at_ms + 1)
        if hands + len(moves) > most or (moves and shown.rows - self._rows(telling.begin_ms)):
            return None
        if moves:
            shown = self._play(not self.executed, [*deeds, *moves], telling)
        return self._words([*added, *moves]) if self._same(shown, telling) else None

    def _missing(self, shown: Shown, asset: str, place: int) -> Decimal:
        """How much more was seen than a history shows: of principal (0), interest (1) or what is free (2)."""
        return self._seen(asset)[place] - shown.holdings.get(asset, (Decimal(0),) * 4)[place]

    def _deeds(
        self, kind: str, asset: str, amount: Decimal, pay_with: tuple[str, ...], at_ms: int
    ) -> list[Entry]:
        """What one stranger did: one deed, or a repayment in the pieces that the exchange's cap asks for."""
        pieces = 1
        if kind == "repay-debt":
            pieces = int(amount * Decimal(PRICES[asset]) // Facts.documented().cap_usd) + 1
        share = (amount / pieces).quantize(Decimal("1e-8"))
        shares = [share] * (pieces - 1) + [amount - share * (pieces - 1)]
        return [Entry(kind, at_ms, self.account, asset, each, pay_with) for each in shares]

    def words(self) -> str:
        """What really happened, for a person who wants to know why it was not told."""
        window, intent = self.window, self.intent
        deeds = "; ".join(
            f"{deed.kind} {deed.amount} {deed.asset} {'/'.join(deed.pay_with)}" for deed in window.deeds
        )
        return (
            f"{intent.amount} {intent.asset} by {'/'.join(intent.pay_with)} after {len(window.ours)} others, "
            f"{'executed' if self.executed else 'not executed'}, strangers: {deeds or 'none'}; "
            f"before {_shortly(window.first.seen)}; after {_shortly(window.last.seen)}; read {sorted(self.read)}"
        )

    def _words(self, added: Iterable[Entry]) -> str:
        others = ", ".join(f"{deed.kind} {deed.amount} {deed.asset}" for deed in added) or "nobody else"
        return f"{'not executed' if self.executed else 'executed'}, and {others}"

    # The tape

    def _window(self) -> Window:
        tape = [entry for entry in self.arena.tape if entry.account == self.account]
        first = self._find(tape, self.intent.before.to_json())
        last = self._find(tape, self.sighting["look"])
        start, stop = tape.index(first), tape.index(last)
        end = stop
        while end + 1 < len(tape) and tape[end + 1].kind != "look" and tape[end + 1].kind != "repay":
            end += 1
        rows = [number for number in range(stop, end + 1) if tape[number].kind == "rows"]
        end = rows[-1] if rows else stop
        between = tape[start + 1 : end + 1]
        repayments = [entry for entry in between if entry.kind == "repay"]
        slack = Options().clock_slack_ms
        self.nearby = tuple(
            entry for entry in tape[:start] if entry.kind in _DEEDS and first.at_ms - entry.at_ms <= slack
        )
        mine = [entry for entry in repayments if entry.stamp == self.intent.signed_at_ms]
        attempt = mine[-1] if mine else Entry("repay", self.intent.signed_at_ms + 1, self.account)
        return Window(
            first=first,
            last=last,
            deeds=tuple(entry for entry in between if entry.kind in _DEEDS),
            ours=tuple(entry for entry in repayments if entry.stamp != self.intent.signed_at_ms),
            attempt=attempt,
            # Each list shows what had happened when it was read, one after the other.
            ends_ms={entry.source: entry.at_ms for entry in tape[stop : end + 1] if entry.kind == "rows"},
        )

    def _find(self, tape: Sequence[Entry], look: dict[str, Any]) -> Entry:
        """The reading that a look was made from: the nearest in time that shows just that."""
        wanted = {
            asset: tuple(Decimal(row[name]) for name in ("borrowed", "interest", "free", "locked"))
            for asset, row in look["assets"].items()
        }
        fitting = [
            entry
            for entry in tape
            if entry.kind == "look"
            and {asset: seen for asset, seen in entry.seen.items() if any(seen)} == wanted
            and abs(entry.at_ms - look["answered_at_ms"]) < 5_000
        ]
        if not fitting:
            raise CannotReplay(f"no look on the tape for attempt {self.attempt.id}")
        return min(fitting, key=lambda entry: abs(entry.at_ms - look["answered_at_ms"]))

    # Playing

    def _play(self, executed: bool, deeds: Sequence[Entry], telling: Telling) -> Shown | None:
        """Let it happen on an exchange of its own; `None` if the exchange would not have let it."""
        told = tuple((deed.kind, deed.at_ms, deed.asset, deed.amount, deed.pay_with) for deed in deeds)
        key = (executed, told, telling)
        if key not in self._played:
            self._played[key] = self._let_happen(executed, deeds, telling)
        return self._played[key]

    def _let_happen(self, executed: bool, deeds: Sequence[Entry], telling: Telling) -> Shown | None:
        window, account = self.window, self.account
        events: list[tuple[int, int, Entry]] = [(deed.at_ms, 1, deed) for deed in deeds]
        for entry in window.ours:
            done = self.executions.get((account, entry.stamp))
            if done is not None:
                events.append((done[0], 1, self._ours(done[0], done[1], telling.paid)))
        mine: Entry | None = None
        if executed:
            mine = self._ours(telling.at_ms, self.intent.amount or Decimal(0), telling.pay)
            events.append((telling.at_ms, 1, mine))
        events.append((telling.look_ms, 2, window.last))
        events.sort(key=lambda event: event[:2])
        begin_ms = min(window.first.at_ms, telling.begin_ms)
        exchange = Exchange(self._state(telling), clock=Clock(frozen_at_ms=begin_ms))
        elsewhere = _Elsewhere(exchange)
        holdings: Holdings = {}
        converted = by_us = Decimal(0)
        for at_ms, _, event in events:
            exchange.clock.set(max(at_ms, exchange.clock.now_ms()))
            exchange.advance_to_now()
            if event.kind == "look":
                holdings = _holdings(exchange, account)
            elif event.kind == "interest":
                ledger = exchange.world.ledger
                ledger.charge(ledger.accounts[account], event.asset, event.amount, exchange.clock.now_ms())
            elif not do(exchange, event, elsewhere.stranger(account)):
                return None
            elif event.kind == "repay-debt":
                line = exchange.lines[-1]
                moved = line.interest + line.principal
                converted += moved * Decimal(PRICES[event.asset])
                if event is mine:
                    by_us = moved
        rows: Counter[tuple[str, str, str, Decimal]] = Counter()
        for kind, source in _KINDS.items():
            if source not in self.read:
                continue
            end_ms = window.ends_ms.get(source, window.last.at_ms)
            for record in exchange.records.between(account, kind, telling.begin_ms, end_ms):
                if source != "capital-flow" and record.asset != self.intent.asset:
                    continue
                row = record.row
                what = {"loan": "BORROW", "repay": "REPAY"}.get(kind) or str(row["type"])
                amount = Decimal(str(row["principal" if kind == "loan" else "amount"]))
                rows[(source, what, record.asset, abs(amount))] += 1
        if by_us and telling.listed is not None:
            options = self.arena.state["options"]
            for source, option in _WRITTEN.items():
                row = (source, "REPAY", self.intent.asset, by_us)
                rows -= Counter([row] if option in options and source in self.read else [])
                rows += Counter([row] if source in telling.listed else [])
        return Shown(holdings, rows, converted)

    def _state(self, telling: Telling) -> dict[str, Any]:
        state = self.arena.state
        here = state["options"].get("repayment-order")
        other = "interest-first" if here == "principal-first" else "principal-first"
        accounts = [
            {
                **account,
                "balances": {
                    asset: {
                        "borrowed": format(seen[0], "f"),
                        "interest": format(seen[1], "f"),
                        "free": format(seen[2], "f"),
                        "locked": format(seen[3], "f"),
                    }
                    for asset, seen in self.window.first.seen.items()
                },
            }
            for account in state["accounts"]
            if account["id"] == self.account
        ]
        return {
            **state,
            "accounts": accounts,
            "limits": {"weight_per_minute": 10**9, "orders_per_minute": 1200},
            **({} if telling.rate else {"interest": {"default_daily_rate": "0"}}),
            "options": {**state["options"], **({"repayment-order": other} if telling.turned else {})},
        }

    def _ours(self, at_ms: int, amount: Decimal, pay_with: tuple[str, ...]) -> Entry:
        return Entry("repay-debt", at_ms, self.account, self.intent.asset, amount, pay_with)

    # Comparing

    def _seen(self, asset: str) -> tuple[Decimal, ...]:
        return self.window.last.seen.get(asset, (Decimal(0),) * 4)

    def _rows(self, since_ms: int) -> Counter[tuple[str, str, str, Decimal]]:
        """The rows that were read, of what happened since then."""
        return Counter(
            (row["source"], row["kind"], row["asset"], abs(Decimal(row["amount"])))
            for row in self.sighting["rows"]
            if row["at_ms"] >= since_ms
        )

    def _same(self, shown: Shown | None, telling: Telling) -> bool:
        if shown is None or shown.rows != self._rows(telling.begin_ms):
            return False
        for asset in {*self.window.last.seen, *shown.holdings}:
            seen, now = self._seen(asset), shown.holdings.get(asset, (Decimal(0),) * 4)
            if seen[0] != now[0] or seen[3] != now[3]:
                return False
            if seen[1] != now[1] and not self._of_interest(seen[1] - now[1], asset):
                return False
            if abs(seen[2] - now[2]) > self._slack(asset, shown):
                return False
        return True

    def _of_interest(self, change: Decimal, asset: str | None = None) -> bool:
        """Whether another rate could have charged that much more, or less, than the real one did."""
        hours = self.window.last.at_ms // _HOUR_MS - self.window.first.at_ms // _HOUR_MS
        if not hours:
            return False
        owed = self.window.first.seen.get(asset or self.intent.asset, (Decimal(0),) * 4)[0]
        charged = owed * Decimal(self.arena.state["interest"]["default_daily_rate"]) / 24 * hours
        most = owed * Options().max_daily_interest / 24 * hours
        return -charged - _ROUNDING <= change <= most

    def _most_interest(self, asset: str) -> Decimal:
        """The most that can have been charged, at whatever moment of its hour, as the repayer reckons it."""
        hours = self.window.last.at_ms // _HOUR_MS - self.window.first.at_ms // _HOUR_MS + 1
        owed = sum(self.window.first.seen.get(asset, (Decimal(0),) * 4)[:2], Decimal(0))
        return owed * Options().max_daily_interest / 24 * hours

    def _slack(self, asset: str, shown: Shown) -> Decimal:
        """What the unpublished conversion price can explain, in units of a payment asset."""
        if asset == self.intent.asset:
            return _ROUNDING
        return _ROUNDING + Options().price_tolerance * shown.converted_usd / Decimal(PRICES[asset])


class _Elsewhere(Arena):
    """Just enough of an arena to have a stranger on another exchange."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.clock = exchange.clock

    def sleep(self, seconds: float) -> None:
        self.clock.advance(max(1, round(seconds * 1000)))


def _holdings(exchange: Exchange, account: str) -> Holdings:
    return {
        asset: (holding.borrowed, holding.interest, holding.free, holding.locked)
        for asset, holding in exchange.world.ledger.accounts[account].holdings.items()
    }


def _shortly(holdings: Holdings) -> str:
    return ", ".join(
        f"{asset} {' '.join(f'{each:f}' for each in seen[:3])}" for asset, seen in holdings.items()
    )

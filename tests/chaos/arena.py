"""One exchange on a clock that stands still, its accounts, the hands that use them, and a tape of what happened.

    Process ──Line──> Exchange <── strangers: borrow, repay, move assets, at any moment
       │                 │
       └─ dies anywhere  └─ Tape: every deed, look and repayment in the order in which it took place

The tape is the truth that the exchange knows and no repayer sees. The count at the end is made from it and from
the exchange's own request log, never from what a repayer reports.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import random
import re
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx

from paydown import Client, Credentials
from paydown.budget import MemoryBudget
from paydown.clock import ExchangeClock
from paydown.errors import PaydownError
from paydown.repay import AccountBusy, JournalUnusable, Options, OutcomeNotRecorded, SafeRepay
from paydown.repay.execution.commands import Step
from paydown.repay.journal.journal import Journal
from paydown.repay.journal.journal_records import AttemptRecord
from paydown_sandbox import Clock, Exchange, ExchangeTransport

BASE_URL = "http://sandbox"
REPAY_PATH = "/papi/v1/margin/repay-debt"
OUR_IP = "127.0.0.1"
START_MS = 1_795_000_000_000
SECRET = "S" * 64
PRICES = {"BNB": "600", "ETH": "3000", "USDT": "1", "BTC": "60000"}
DEBTS = ("BNB", "ETH")
LISTS = {"repayLoan": "repay-record", "marginLoan": "loan-record", "capital-flow": "capital-flow"}

# Each stranger sits behind an address of his own, so that nobody takes weight from anybody.
_strangers = itertools.count()
_STAMP = re.compile(rb"(?:^|&)timestamp=(\d+)")


class Killed(BaseException):
    """The process is gone, in the middle of its own code."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the tape.

    Attributes:
        kind: "borrow", "repay-debt", "repay-loan", "move" (deeds of strangers), "look", "rows" (what a repayer
            read) or "repay" (a repayment of ours that was about to leave).
        at_ms: The exchange's time.
        account: Whose.
        asset: Asset, for deeds.
        amount: Amount, for deeds; signed for "move".
        seen: {asset: (borrowed, interest, free, locked)}, for looks.
        stamp: Timestamp in the request, for repayments.
        source: Which list, for rows.
    """

    kind: str
    at_ms: int
    account: str
    asset: str = ""
    amount: Decimal = Decimal(0)
    pay_with: tuple[str, ...] = ()
    seen: dict[str, tuple[Decimal, ...]] = field(default_factory=dict)
    stamp: int = 0
    source: str = ""


@dataclass(frozen=True, slots=True)
class Chances:
    """How rough the world is: chances per step, and bounds in milliseconds."""

    stranger: float = 0.004
    death: float = 0.12
    intruder: float = 0.002
    stop: float = 0.002
    unreachable: float = 0.02
    late: float = 0.02
    latency_ms: tuple[int, int] = (1, 40)
    late_ms: tuple[int, int] = (100, 5_000)


class Arena:
    """Everything that exists: one exchange, its accounts, one journal, one weight ledger, one clock."""

    def __init__(
        self, folder: Path, rng: random.Random, chances: Chances, *, accounts: int, options: Any
    ) -> None:
        self.folder = folder
        self.rng = rng
        self.chances = chances
        self.clock = Clock(frozen_at_ms=START_MS + rng.randrange(3_600_000))
        self.names = [f"a{number}" for number in range(accounts)]
        self.state = {
            "accounts": [
                {"id": name, "keys": [_key(our_key(name)), _key(strangers_key(name))], "balances": {}}
                for name in self.names
            ],
            "prices_usd": PRICES,
            "limits": {"weight_per_minute": 6000, "orders_per_minute": 1200},
            "interest": {"default_daily_rate": rng.choice(["0", "0.0002", "0.001", "0.01"])},
            "options": {"limit-window": rng.choice(["fixed", "sliding"]), **options},
        }
        self.exchange = Exchange(self.state, clock=self.clock)
        self.tape: list[Entry] = []
        self.late: list[tuple[int, int, httpx.Request]] = []
        self._late_number = itertools.count()
        self.budget = MemoryBudget(clock=self.exchange_clock(), ticks=self.clock.now_ms)
        self.quiet = False
        self.two_writers = 0
        self.deaths = 0
        self.intruders = 0
        self.depth = 0

    # Time

    def exchange_clock(self) -> ExchangeClock:
        ticks = self.clock.now_ms
        return ExchangeClock((f"{BASE_URL}/papi/v1/time",), ticks=ticks, wall=ticks)

    def elapse(self, duration_ms: int) -> None:
        """Let time pass, and what is late on the wire arrive meanwhile."""
        until = self.clock.now_ms() + duration_ms
        while self.late and self.late[0][0] <= until:
            due, _, request = heapq.heappop(self.late)
            self.clock.set(max(due, self.clock.now_ms()))
            with contextlib.suppress(httpx.TransportError):  # nobody waits for the answer
                ExchangeTransport(self.exchange, OUR_IP).handle_request(request)
        self.clock.set(max(until, self.clock.now_ms()))

    def sleep(self, seconds: float) -> None:
        self.elapse(max(1, round(seconds * 1000)))

    def latency(self) -> None:
        self.elapse(self.rng.randint(*self.chances.latency_ms))

    # Accounts

    def holding(self, account: str, asset: str) -> Any:
        return self.exchange.world.ledger.accounts[account].holding(asset)

    def give(self, account: str, asset: str, place: str, amount: Decimal) -> None:
        """Bring an amount into the books from outside, unseen by any list. Only while nothing is in doubt."""
        ledger = self.exchange.world.ledger
        ledger.issue(ledger.accounts[account], asset, place, amount)

    # Strangers

    def stranger(self, account: str) -> Client:
        clock = self.exchange_clock()
        return Client(
            Credentials.hmac(strangers_key(account), SECRET),
            base_url=BASE_URL,
            transport=ExchangeTransport(self.exchange, f"10.0.{next(_strangers) % 65536}"),
            clock=clock,
            budget=MemoryBudget(clock=clock, ticks=self.clock.now_ms),
            ticks=self.clock.now_ms,
            sleep=self.sleep,
        )

    def somebody_acts(self, account: str, near: AttemptRecord | None) -> None:
        """A person, a robot or another program uses the account; sometimes with exactly our amount."""
        rng = self.rng
        asset = rng.choice(DEBTS) if near is None else near.intent.asset
        amount = Decimal(rng.randrange(1, 20_000_000)).scaleb(-6)
        if near is not None and near.intent.amount is not None and rng.random() < 0.4:
            amount = near.intent.amount
        kind = rng.choice(["borrow", "repay-debt", "repay-loan", "move", "move"])
        pay_with = tuple(rng.choice([["USDT"], ["BTC"], ["USDT", "BTC"]]))
        if kind == "move":
            paid_in = rng.choice(["USDT", "USDT", "BTC", asset])
            worth = amount * Decimal(PRICES[asset]) / Decimal(PRICES[paid_in])
            change = worth.quantize(Decimal("1e-8")) * rng.choice([1, -1])
            asset = paid_in
            deed = Entry("move", self.clock.now_ms(), account, asset, change)
        else:
            deed = Entry(kind, self.clock.now_ms(), account, asset, amount, pay_with)
        if do(self.exchange, deed, self.stranger(account)):
            self.tape.append(deed)
        self.elapse(1)


def our_key(account: str) -> str:
    return f"ours-{account}".ljust(64, "K")


def strangers_key(account: str) -> str:
    return f"strangers-{account}".ljust(64, "L")


def _key(api_key: str) -> dict[str, object]:
    permissions = ["TRADE", "USER_DATA", "MARGIN"]
    return {
        "api_key": api_key,
        "type": "hmac",
        "secret_or_public_key": SECRET,
        "permissions": permissions,
        "ip_allow": [],
    }


def do(exchange: Exchange, deed: Entry, stranger: Client) -> bool:
    """Carry out what a stranger does; False if the exchange did not let him."""
    try:
        if deed.kind == "move":
            ledger = exchange.world.ledger
            account = ledger.accounts[deed.account]
            if account.holding(deed.asset).free + deed.amount < 0:
                return False
            ledger.issue(account, deed.asset, "free", deed.amount)
            exchange.market.write_flow(
                account,
                "TRANSFER",
                deed.asset,
                deed.amount,
                exchange.market.history.ids.next_transaction(),
                exchange.clock.now_ms(),
            )
        elif deed.kind == "borrow":
            stranger.margin.borrow(asset=deed.asset, amount=deed.amount)
        elif deed.kind == "repay-loan":
            stranger.margin.repay_loan(asset=deed.asset, amount=deed.amount)
        else:
            whole = deed.amount == 0
            stranger.margin.repay_debt(
                asset=deed.asset,
                **({} if whole else {"amount": deed.amount}),
                **({"specify_repay_assets": list(deed.pay_with)} if deed.pay_with else {}),
            )
    except PaydownError:
        return False
    return True


class Line(httpx.BaseTransport):
    """The wire between one process and the exchange: slow, sometimes cut, and written to the tape."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.inner = ExchangeTransport(process.arena.exchange, OUR_IP)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        process, arena = self.process, self.process.arena
        rng, chances, path = arena.rng, arena.chances, request.url.path
        process.mark("before the first byte")
        arena.latency()
        repaying = path == REPAY_PATH
        if repaying:
            stamp = _STAMP.search(request.read())
            assert stamp is not None
            arena.tape.append(Entry("repay", arena.clock.now_ms(), process.account, stamp=int(stamp[1])))
        if not arena.quiet:
            if rng.random() < chances.unreachable:
                raise httpx.ConnectError("nobody listens", request=request)
            if repaying and rng.random() < chances.late:
                # The caller gives up, or is killed; the request arrives all the same.
                due = arena.clock.now_ms() + rng.randint(*chances.late_ms)
                copy = httpx.Request(
                    request.method, request.url, headers=request.headers.raw, content=request.read()
                )
                heapq.heappush(arena.late, (due, next(arena._late_number), copy))
                arena.elapse(rng.randint(*chances.latency_ms))
                process.mark("sent, and late")
                raise httpx.ReadError("the connection broke", request=request)
        at_ms = arena.clock.now_ms()
        response = self.inner.handle_request(request)
        if path == "/papi/v1/balance" and response.status_code == 200:
            self._remember_look(response, at_ms)
        elif (source := LISTS.get(path.rpartition("/")[2])) is not None:
            arena.tape.append(Entry("rows", at_ms, process.account, source=source))
        arena.latency()
        process.mark("answered")
        return response

    def _remember_look(self, response: httpx.Response, at_ms: int) -> None:
        try:
            rows = response.json()
        except ValueError:
            return  # a fault spoilt it: nobody saw anything
        if not isinstance(rows, list):
            return
        names = ("crossMarginBorrowed", "crossMarginInterest", "crossMarginFree", "crossMarginLocked")
        seen = {row["asset"]: tuple(Decimal(row[name]) for name in names) for row in rows}
        arena = self.process.arena
        arena.tape.append(Entry("look", at_ms, self.process.account, seen=seen))


class Process:
    """One process that repays for one account. It knows nothing but the journal, and may die at any step."""

    def __init__(self, arena: Arena, account: str) -> None:
        self.arena = arena
        self.account = account
        self.die_in: int | None = None
        self.dead = False
        clock = arena.exchange_clock()
        client = Client(
            Credentials.hmac(our_key(account), SECRET),
            base_url=BASE_URL,
            transport=Line(self),
            clock=clock,
            budget=arena.budget,
            ticks=arena.clock.now_ms,
            sleep=arena.sleep,
            max_wait_s=100_000,
        )
        self.repay = SafeRepay(
            client,
            Journal(arena.folder / "repay.db", synchronous="OFF"),  # a killed process loses nothing by that
            account=account,
            new_account=True,  # each name is another account there, whatever is in doubt for the others
            options=Options(max_wait_ms=10**9),
            lock_directory=arena.folder / "locks",
            sleep=arena.sleep,
            signals=False,
            trace=lambda step, side: self.mark(f"{side} {step}"),
        )

    @property
    def working(self) -> bool:
        """Whether it holds its account just now."""
        return self.repay.hold.lock.held

    def mark(self, name: str) -> None:
        """A place at which anything may happen."""
        if self.dead:
            return  # its own clean-up after the death, which a real one does not live to do
        arena = self.arena
        if self.die_in is not None:
            self.die_in -= 1
            if self.die_in < 0:
                self.dead = True
                self.repay.journal.close()  # not a word more is written
                raise Killed(name)
        if arena.quiet or arena.depth or name == f"before {Step.TAKE_LOCK}":
            return
        rng, chances = arena.rng, arena.chances
        # Near a look is where a stranger does most harm: nobody can say whether the look has seen him.
        near_look = name in ("before the first byte", f"after {Step.READ_BALANCES}")
        if rng.random() < chances.stranger * (3 if near_look else 1):
            arena.somebody_acts(self.account, self.last_attempt())
        if self.working and rng.random() < chances.stop:
            self.repay.stop()
        if self.working and rng.random() < chances.intruder:
            self._intrude()

    def last_attempt(self) -> AttemptRecord | None:
        """The newest attempt of the account."""
        found = self.repay.journal.attempts.since(self.repay.account, 0)
        return found[-1] if found else None

    def _intrude(self) -> None:
        """A second process wants the account that this one is working for: it must be told so."""
        arena = self.arena
        arena.depth += 1
        arena.intruders += 1
        try:
            other = Process(arena, self.account)
            try:
                other.repay.resume()
                arena.two_writers += 1
            except AccountBusy:
                pass
            finally:
                other.close()
        finally:
            arena.depth -= 1

    def guarded(self, action: Any) -> Any:
        """Do it. If the process dies in it, `None`, and what the kernel does for the dead: the lock is free."""
        try:
            return action()
        except (Killed, JournalUnusable, OutcomeNotRecorded):
            if not self.dead:
                raise
            self.arena.deaths += 1
            self.repay.hold.lock.release(clean=False)
            return None

    def close(self) -> None:
        self.repay.close()
        self.repay.journal.close()

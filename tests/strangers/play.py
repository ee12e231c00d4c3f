"""Play a history that was drawn, and hold the client's journal and reports to the exchange's own truth."""

from __future__ import annotations

import logging
import random
import shutil
import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from paydown.errors import PaydownError
from paydown.repay import AttemptState, Plan, PlanState, Report, SafeRepay
from tests.strangers.books import ZERO
from tests.strangers.choices import Value, assumed_away
from tests.strangers.draw import Deed, History, Wish, draw
from tests.strangers.exchange import PRICES, Exchange
from tests.strangers.process import Process
from tests.strangers.repayment import Arrival
from tests.strangers.tally import Tally

if TYPE_CHECKING:
    from paydown.repay.journal.journal_records import AttemptRecord, EvidenceRecord

QUIET_MS = 900_000  # after the last process, so that whatever was late has happened
NEAR_MS = 2_000
TINY = Decimal("0.0000001")
ABOUT = Decimal("0.02")
SHM = Path("/dev/shm")

ADDED = ("interest", "fee", "other-borrow")  # what makes a debt grow, by its name in the books

SAID_EXECUTED = (AttemptState.EXECUTED, AttemptState.PROVEN_EXECUTED)
SAID_NOT = (AttemptState.REJECTED, AttemptState.NOT_SENT, AttemptState.PROVEN_NOT_EXECUTED)
JUDGED = (
    AttemptState.PROVEN_EXECUTED,
    AttemptState.PROVEN_NOT_EXECUTED,
    AttemptState.UNKNOWN,
    AttemptState.INTENT,
)


@dataclass(slots=True)
class Told:
    """Hold one thing that a process told its user.

    Attributes:
        since: When the command began.
        at: When it ended.
        command: What was asked.
        report: The report, if there was one.
        error: The error, if there was one.
    """

    since: int
    at: int
    command: str
    report: Report | None = None
    error: Exception | None = None


@dataclass(slots=True)
class Start:
    """Hold what was true when a plan was made."""

    at: int
    owed: Decimal
    plan: Plan


@dataclass(slots=True)
class Played:
    """Hold a history that was played, with everything needed to judge it.

    Attributes:
        history: As drawn.
        exchange: The exchange, with its truth.
        told: Everything that the processes told.
        starts: What was true when each plan was made, by its key.
        deaths: When processes died.
        attempts: The journal's attempts at the end.
        evidence: The journal's evidence, by attempt.
        lines: What happened, for people; empty unless asked for.
    """

    history: History
    exchange: Exchange
    told: list[Told] = field(default_factory=list[Told])
    starts: dict[str, Start] = field(default_factory=dict[str, Start])
    deaths: list[int] = field(default_factory=list[int])
    attempts: list[AttemptRecord] = field(default_factory=list["AttemptRecord"])
    evidence: dict[str, list[EvidenceRecord]] = field(default_factory=dict[str, list["EvidenceRecord"]])
    lines: list[tuple[int, str]] = field(default_factory=list[tuple[int, str]])

    def arrivals(self, attempt: str) -> list[Arrival]:
        """Return what arrived for an attempt."""
        return [arrival for arrival in self.exchange.arrivals if arrival.attempt == attempt]


@contextmanager
def _folder() -> Generator[Path]:
    path = Path(tempfile.mkdtemp(prefix="strangers-", dir=SHM if SHM.is_dir() else None))
    try:
        yield path
    finally:
        shutil.rmtree(path)


class _Deeds:
    """Let others act when their time has come."""

    def __init__(self, exchange: Exchange, deeds: tuple[Deed, ...], say: Callable[[str], None]) -> None:
        self._exchange = exchange
        self._deeds = deeds
        self._say = say
        self._counts = {"near": 0, "read": 0, "lost": 0}
        self._last = ZERO
        for deed in deeds:
            if deed.when == "at":
                self._later(deed)
        exchange.watchers.append(self._watch)

    def _watch(self, what: str, arrival: Arrival | None) -> None:
        when = {"repay-debt": "near", "balance": "read", "lost": "lost"}[what]
        self._counts[when] += 1
        if arrival is not None:
            self._last = arrival.asked
        for deed in self._deeds:
            if deed.when == when and deed.number in (0, self._counts[when]):
                self._later(deed)

    def _later(self, deed: Deed) -> None:
        clock = self._exchange.clock
        clock.at(clock.now + deed.after_ms, lambda: self._act(deed))

    def _act(self, deed: Deed) -> None:
        others = self._exchange.others
        amount = deed.amount if deed.ours is None or not self._last else self._last * deed.ours
        if deed.asset == "USDT" and deed.ours is not None:
            amount *= max(PRICES.values())
        known = len(others.deeds)
        if deed.what == "borrow":
            others.borrow(deed.asset, max(amount, Decimal("0.00000001")))
        elif deed.what == "repay":
            others.repay(deed.asset, amount)
        elif deed.what == "sell-and-repay":
            others.repay(deed.asset, amount, "USDT")
        elif deed.what == "trade":
            bought = "USDT" if deed.asset != "USDT" else "BNB"
            others.trade(deed.asset, bought, amount * PRICES[deed.asset])
        else:
            others.transfer(deed.asset, amount if deed.what == "deposit" else -amount)
        for _, _, text in others.deeds[known:]:
            self._say(f"somebody else: {text}")


class _Player:
    """Play one history."""

    def __init__(self, history: History, folder: Path, *, loud: bool) -> None:
        self._history = history
        self._folder = folder
        self._loud = loud
        exchange = Exchange(
            history.values,
            seed=history.seed,
            opening=history.opening,
            start_ms=history.start_ms,
            lose=history.lose,
            refuse=history.refuse,
            unsent=history.unsent,
        )
        self._exchange = exchange
        self.played = Played(history, exchange)
        _Deeds(exchange, history.deeds, self._say)

    def _say(self, text: str) -> None:
        if self._loud:
            self.played.lines.append((self._exchange.now, text))

    def play(self) -> Played:
        budget = None
        for number, life in enumerate(self._history.lives):
            self._exchange.clock.pass_ms(life.pause_ms)
            process = Process(
                self._exchange,
                self._folder,
                life.death,
                wall_off_ms=self._history.wall_off_ms,
                budget=budget if self._history.shared_budget else None,
            )
            budget = process.budget
            self._say(f"process {number + 1} starts: {life.command}; it dies at {life.death}")
            try:
                self._command(process, life.command)
                if process.died_at is not None:
                    self._say("the process is killed")
                    self.played.deaths.append(process.died_at)
                if number == len(self._history.lives) - 1:
                    self._read_journal(process)
            finally:
                process.end()
        self._exchange.clock.pass_ms(QUIET_MS)
        return self.played

    def _read_journal(self, process: Process) -> None:
        journal = process.journal
        self.played.attempts = journal.attempts.since(process.repay.account, 0)
        self.played.evidence = {one.id: journal.evidence.of(one.id) for one in self.played.attempts}

    def _command(self, process: Process, command: str) -> None:
        if command == "run":
            for wish in self._history.wishes:
                if not process.dead:
                    self._ask(process, f"run {wish.key}", lambda repay, wish=wish: [self._run(repay, wish)])
            return
        if command.startswith("reconcile"):
            self._ask(process, "reconcile", self._reconcile)
        if command.endswith("resume") and not process.dead:
            self._ask(process, "resume", lambda repay: repay.resume())

    def _reconcile(self, repay: SafeRepay) -> list[Report]:
        for found in repay.reconcile():
            rule = found.verdict.rule if found.verdict else "-"
            self._say(f"reconcile: {found.attempt.id} {found.attempt.state.value} by {rule} {found.trouble}")
        return []

    def _run(self, repay: SafeRepay, wish: Wish) -> Report:
        plan = repay.plan(wish.asset, wish.amount, pay_with=wish.pay_with, key=wish.key)
        if wish.key not in self.played.starts:
            owed = self._exchange.books[wish.asset].owed
            self.played.starts[wish.key] = Start(self._exchange.now, owed, plan)
        return repay.run(plan)

    def _ask(self, process: Process, command: str, what: Callable[[SafeRepay], list[Report]]) -> None:
        since = self._exchange.now
        told = self.played.told
        try:
            reports: list[Report] = process.do(what) or []
            for report in reports:
                told.append(Told(since, self._exchange.now, command, report=report))
                said = f"{report.state.value} {report.cause}, exit code {report.exit_code}"
                self._say(f"{command}: {said}, repaid {report.repaid}")
        except PaydownError as error:
            told.append(Told(since, self._exchange.now, command, error=error))
            self._say(f"{command}: {type(error).__name__}, exit code {error.exit_code}: {error}")
        except Exception as error:  # noqa: BLE001 - a bug of the client is counted, not raised
            told.append(Told(since, self._exchange.now, command, error=error))
            self._say(f"{command}: {type(error).__name__}: {error}")


def play(history: History, *, loud: bool = False) -> Played:
    """Play a history.

    Args:
        history: As drawn.
        loud: Whether to write down what happens, for people.
    """
    logger = logging.getLogger("paydown")
    level, before = logger.level, random.getstate()
    logger.setLevel(logging.CRITICAL)  # the client logs every fault that it meets
    # Whatever the client draws, its pauses say, is repeatable too.
    random.seed(f"{history.world}/{history.seed}")
    try:
        with _folder() as folder:
            return _Player(history, folder, loud=loud).play()
    finally:
        random.setstate(before)
        logger.setLevel(level)


# ---------------------------------------------------------------- judging


def _same(one: Decimal, other: Decimal) -> bool:
    return abs(one - other) <= TINY + abs(other) / 1_000_000


def _window(played: Played, attempt: AttemptRecord) -> tuple[int, int]:
    """Return the moments of the base reading and of the last one of an attempt, a little widened."""
    taken = [record.taken_at_ms for record in played.evidence.get(attempt.id, [])]
    last = max([*taken, attempt.closed_at_ms or 0, attempt.opened_at_ms])
    return attempt.intent.before.sent_at_ms - NEAR_MS, last + NEAR_MS


def _somebody_near(played: Played, attempt: AttemptRecord) -> bool:
    start, end = _window(played, attempt)
    payers = attempt.intent.pay_with or tuple(PRICES)
    concerned = {attempt.intent.asset, *payers}
    if any(start <= at <= end and asset in concerned for at, asset, _ in played.exchange.others.deeds):
        return True
    return any(
        start <= entry.at <= end and entry.asset in concerned and entry.why.startswith("other-")
        for entry in played.exchange.books.entries
    )


def _lowered_by_others(played: Played, attempt: AttemptRecord) -> bool:
    """Return whether others lowered the debt by about what was said to be repaid, in one go or together."""
    start, end = _window(played, attempt)
    falls = [
        -entry.change.owed
        for entry in played.exchange.books.entries
        if start <= entry.at <= end
        and entry.asset == attempt.intent.asset
        and entry.why.startswith("other-")
        and entry.change.owed < 0
    ]
    said = attempt.repaid or attempt.intent.expected
    return any(abs(fall - said) <= said * ABOUT for fall in [*falls, sum(falls, ZERO)])


def _judge_attempt(played: Played, attempt: AttemptRecord, tally: Tally) -> None:
    seed, state = played.history.seed, attempt.state
    moved = sum((arrival.moved for arrival in played.arrivals(attempt.id)), ZERO)
    if state in SAID_NOT and moved:
        tally.blame("said-not-but-was", seed)
        if state is not AttemptState.PROVEN_NOT_EXECUTED:
            tally.add("said-not-by-answer")
    if state in SAID_EXECUTED and not moved:
        explained = _lowered_by_others(played, attempt)
        tally.blame("said-executed-explained" if explained else "said-executed-unexplained", seed)
    if state in SAID_EXECUTED and moved and attempt.repaid is not None and not _same(attempt.repaid, moved):
        tally.blame("wrong-amount", seed)
    if state not in JUDGED:
        return
    tally.add("judged")
    near = _somebody_near(played, attempt)
    tally.add("judged-near" if near else "judged-alone")
    if state in (AttemptState.UNKNOWN, AttemptState.INTENT):
        tally.blame("undecided-near" if near else "undecided-alone", seed)
    elif attempt.closed_at_ms is not None:
        answered = max(
            (arrival.answered_at for arrival in played.arrivals(attempt.id)), default=attempt.opened_at_ms
        )
        if not any(attempt.opened_at_ms <= at <= attempt.closed_at_ms for at in played.deaths):
            tally.times.append((attempt.closed_at_ms - answered) / 1000)
    if not moved and not near:
        tally.add("not-executed-alone")
        tally.add("not-executed-proven", int(state is AttemptState.PROVEN_NOT_EXECUTED))


def _moved(played: Played, plan_key: str, before: int = 1 << 62) -> Decimal:
    """Return how much was executed of what a plan sent before a moment."""
    names = {attempt.id for attempt in played.attempts if attempt.plan_key == plan_key}
    return sum(
        (one.moved for one in played.exchange.arrivals if one.attempt in names and one.at < before), ZERO
    )


def _judge_plan(played: Played, wish: Wish, tally: Tally) -> None:
    start = played.starts.get(wish.key)
    if start is None:
        return
    seed, books = played.history.seed, played.exchange.books
    attempts = [attempt for attempt in played.attempts if attempt.plan_key == wish.key]
    names = {attempt.id for attempt in attempts}
    arrivals = [arrival for arrival in played.exchange.arrivals if arrival.attempt in names]
    moved = sum((arrival.moved for arrival in arrivals), ZERO)
    added = books.total(ADDED, wish.asset, start.at)
    asked = start.owed + added if wish.amount is None else wish.amount
    # What one repayment did beyond its own request is not the client's doing.
    beyond = sum((max(ZERO, arrival.moved - arrival.asked) for arrival in arrivals), ZERO)
    excess = moved - beyond - asked
    if excess > TINY + asked / 1_000_000:
        tally.blame("overpaid", seed)
        largest = max(attempt.intent.expected for attempt in attempts)
        tally.most_pieces = max(tally.most_pieces, excess / largest)
    done_at = _done_at(played, wish.key)
    if done_at is not None:
        tally.add("done")
        # What was already on its way counts as repaid.
        coming = sum(
            (one.moved_since(done_at + 1) for one in played.exchange.arrivals if one.at <= done_at), ZERO
        )
        added = books.total(ADDED, wish.asset, start.at, done_at)
        left = books.then(done_at)[wish.asset].owed - added - coming
        leaves = ZERO if wish.amount is None else max(ZERO, start.owed - wish.amount)
        if left > leaves + TINY + start.owed / 1_000_000:
            tally.blame("done-too-early", seed)


def _done_at(played: Played, key: str) -> int | None:
    """Return when a plan was first called DONE."""
    for told in played.told:
        if told.report and told.report.plan_key == key and told.report.state is PlanState.DONE:
            return told.at
    return None


def _judge_told(played: Played, told: Told, tally: Tally) -> None:
    seed = played.history.seed
    if told.report is not None:
        if told.report.exit_code in (3, 4) and _moved(played, told.report.plan_key, told.at):
            tally.blame("nothing-sent-but-moved", seed)
    elif isinstance(told.error, PaydownError):
        during = [one for one in played.exchange.arrivals if told.since <= one.at <= told.at]
        if told.error.exit_code in (3, 4) and any(one.moved for one in during):
            tally.blame("nothing-sent-but-moved", seed)
    else:
        tally.blame("crashes", seed)


def judge(played: Played) -> Tally:
    """Count what a history showed."""
    tally = Tally()
    tally.add("histories")
    tally.add("requests", played.exchange.requests)
    tally.add("deaths", len(played.deaths))
    tally.add("attempts", len(played.attempts))
    for attempt in played.attempts:
        _judge_attempt(played, attempt, tally)
    for wish in played.history.wishes:
        _judge_plan(played, wish, tally)
    for told in played.told:
        _judge_told(played, told, tally)
    for arrival in played.exchange.arrivals:
        if not arrival.attempt:
            tally.blame("without-intent", played.history.seed)
    return tally


def count(
    world: str,
    seeds: range,
    given: Mapping[str, Value] | None = None,
    faults: Callable[[Played], None] | None = None,
) -> dict[str, Tally]:
    """Play histories of a world and count; those with a choice that is assumed away under a name of their own.

    Args:
        world: The world.
        seeds: Which histories.
        given: Values of choices that win over those drawn.
        faults: Changes each played history before it is judged: for tests of the count itself.
    """
    tallies: dict[str, Tally] = {}
    for seed in seeds:
        history = draw(world, seed, given)
        played = play(history)
        if faults is not None:
            faults(played)
        name = f"{world} *" if assumed_away(history.values) else world
        tallies.setdefault(name, Tally()).merge(judge(played))
    return tallies

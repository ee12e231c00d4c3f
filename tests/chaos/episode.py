"""One episode: processes repay, die and come back, the exchange fails, strangers meddle. Then everything is counted.

What counts as what:

    asked      attempts in the journal: INTENT was durable
    executed   requests of ours that moved money, by the exchange's own log
    twice      executions of one attempt beyond the first, and executions of what the journal calls not executed
               (it was, or will be, asked for again)
    overpaid   plans for an exact amount of which the exchange executed more than that
    lost       executions that no attempt of the journal stands for
    undecided  attempts that the evidence did not settle, so that a person had to: alone, or with a stranger near
    mistaken   attempts taken for executed that were not. A stranger who repaid about as much explains it: the account
               owes what it should, and nothing was paid twice
    over the limit   answers 429 that no fault made
"""

from __future__ import annotations

import logging
import random
import re
import shutil
import tempfile
import traceback
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field, fields
from decimal import Decimal
from pathlib import Path
from typing import Any

from paydown.errors import PaydownError
from paydown.repay.execution.stopping import StopAsked
from paydown.repay.journal.journal_records import AttemptRecord
from paydown.repay.journal.states import AttemptState, PlanState
from paydown_sandbox.choices.choice_table import draw
from paydown_sandbox.faults.faults import FAULTS
from tests.chaos.arena import DEBTS, OUR_IP, PRICES, REPAY_PATH, Arena, Chances, Entry, Process

# Each world by itself: fixed options that the document names, or what the table of choices leaves open about a topic.
# What an execution, an answer, a refusal or the clock may do besides is drawn by the exchange of `tests/strangers`.
WORLDS: dict[str, dict[str, str] | tuple[str, ...]] = {
    "plain": {},
    "rows": ("rows",),
    "looks": ("looks",),
    "borrowings": ("borrowings",),
    "interest": ("interest",),
    "principal-first": {"repayment-order": "principal-first", "whole-debt-answer-amount": "present"},
    "partial": {"insufficient-amount": "partial", "insufficient-whole-debt": "partial"},
    "fee": {"conversion-fee-rate": "0.01"},
}
READS = (
    "/papi/v1/balance",
    "/papi/v1/account",
    "/papi/v1/time",
    "/papi/v1/margin/repayLoan",
    "/papi/v1/margin/marginLoan",
    "/sapi/v1/margin/capital-flow",
    "/sapi/v1/portfolio/asset-index-price",
)
READ_FAULTS = (
    "gateway_502_html_executed",
    "service_unavailable_503",
    "executed_then_reset",
    "malformed_json_executed",
)
_STAMP = re.compile(rb"(?:^|&)timestamp=(\d+)")
_ZERO = Decimal(0)


@dataclass
class Tally:
    """What was counted. Adds up over episodes."""

    asked: int = 0
    arrived: int = 0
    executed: int = 0
    twice: int = 0
    overpaid: int = 0
    lost: int = 0
    undecided: int = 0
    undecided_alone: int = 0
    mistaken: int = 0
    mistaken_unexplained: int = 0
    left_open: int = 0
    two_writers: int = 0
    over_the_limit: int = 0
    plans: int = 0
    plans_done: int = 0
    deaths: int = 0
    intruders: int = 0
    deeds: int = 0
    faults: int = 0
    lost_answers: int = 0
    proven: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    trouble: list[str] = field(default_factory=list)

    def __iadd__(self, other: Tally) -> Tally:
        for item in fields(self):
            setattr(self, item.name, getattr(self, item.name) + getattr(other, item.name))
        return self

    @property
    def sound(self) -> bool:
        """Whether everything that must be zero is."""
        return not (
            self.twice or self.overpaid or self.lost or self.left_open or self.two_writers or self.over_the_limit
            or self.mistaken_unexplained or self.trouble
        )  # fmt: skip


def options_of(world: str, rng: random.Random) -> dict[str, str]:
    """The options of a world of the sandbox; those of a topic are drawn among the readings that are considered."""
    known = WORLDS[world]
    return dict(known) if isinstance(known, dict) else draw(rng, known)


class Episode:
    """A few hundred repayments on one exchange.

    Args:
        seed: The same seed, the same episode.
        repayments: How many attempts, at least.
        chances: How rough it is.
    """

    def __init__(self, seed: int, repayments: int, chances: Chances | None = None) -> None:
        self.seed = seed
        self.rng = rng = random.Random(seed)
        self.world = tuple(WORLDS)[seed % len(WORLDS)]
        self.repayments = repayments
        shm = Path("/dev/shm")
        self.folder = Path(tempfile.mkdtemp(prefix="chaos-", dir=shm if shm.is_dir() else None))
        self.arena = Arena(
            self.folder,
            rng,
            chances or Chances(),
            accounts=rng.randint(1, 3),
            options=options_of(self.world, rng),
        )
        self.asked: dict[tuple[str, str], dict[str, Any]] = {}
        self.processes = {name: Process(self.arena, name) for name in self.arena.names}
        self.tally = Tally()

    def run(self) -> Tally:
        """Let it happen, clean up, and count."""
        try:
            # In some worlds next to nothing can be sent: balances that never show the debt, say.
            for _ in range(5 + self.repayments // 4):
                if sum(entry.kind == "repay" for entry in self.arena.tape) >= self.repayments:
                    break
                for _ in range(20):
                    self._step()
            self._clean_up()
            self._count()
        finally:
            for process in self.processes.values():
                process.close()
            shutil.rmtree(self.folder, ignore_errors=True)
        return self.tally

    # What happens

    def _step(self) -> None:
        rng, arena = self.rng, self.arena
        account = rng.choice(arena.names)
        what = rng.choices(
            ["repay", "resume", "reconcile", "restart", "break", "blind", "mend", "time", "stranger"],
            [40, 14, 4, 4, 14, 3, 8, 6, 3],
        )[0]
        if what == "repay":
            self._act(account, self._repay)
        elif what == "resume":
            self._act(account, lambda process: process.repay.resume())
        elif what == "reconcile":
            self._act(account, lambda process: process.repay.reconcile())
        elif what == "restart":
            self.processes[account].close()
            self.processes[account] = Process(arena, account)
        elif what == "break":
            name = rng.choice(sorted(FAULTS))
            self._fault(name, REPAY_PATH, times=rng.randint(1, 3), skip=rng.randint(0, 6))
        elif what == "blind":
            self._fault(rng.choice(READ_FAULTS), rng.choice(READS), times=rng.randint(1, 12))
        elif what == "mend":
            arena.exchange.faults.disarm()
        elif what == "time":
            arena.elapse(rng.choice([5_000, 60_000, 600_000, 4_000_000, 20_000_000]))
        else:
            arena.somebody_acts(account, self.processes[account].last_attempt())

    def _fault(self, name: str, path: str, *, times: int, skip: int = 0) -> None:
        self.arena.exchange.faults.arm(
            {"match": {"path": path, "ip": OUR_IP}, "fault": name, "times": times, "skip": skip}
        )

    def _act(self, account: str, action: Any, *, may_die: bool = True) -> Any:
        process = self.processes[account]
        process.die_in = (
            self.rng.randint(0, 200) if may_die and self.rng.random() < self.arena.chances.death else None
        )
        try:
            result = process.guarded(lambda: action(process))
        except PaydownError:
            result = None  # refused, in doubt, or unreadable: what it means is counted at the end
        process.die_in = None
        if process.dead:
            process = self.processes[account] = Process(self.arena, account)
        elif self._stuck(process):
            self._look_again(process)
        return result

    def _look_again(self, process: Process) -> None:
        """Nobody believes the first look: when it still does not decide on a healthy line, a person is asked."""
        for _ in range(3):
            with suppress(PaydownError):
                if all(one.decided for one in process.repay.reconcile()):
                    return
            self.arena.exchange.faults.disarm()
            self.arena.elapse(60_000)
        self._person(process.account)

    def _repay(self, process: Process) -> None:
        rng, account = self.rng, process.account
        if not process.repay.in_doubt:
            self._fund(account)
        known = [key for name, key in self.asked if name == account]
        if known and rng.random() < 0.1:
            key = rng.choice(known)
        else:
            key = f"{account}-{len(known)}"
        asset = rng.choice(DEBTS)
        amount = (
            None if rng.random() < 0.2 else Decimal(rng.randrange(1, 10**8)).scaleb(-rng.choice([5, 6, 8]))
        )
        request = self.asked.setdefault(
            (account, key),
            {
                "asset": asset,
                "amount": amount,
                "pay_with": rng.choice([["USDT"], ["USDT", "BTC"], ["BTC", "USDT"]]),
            },
        )
        plan = process.repay.plan(request["asset"], request["amount"], pay_with=request["pay_with"], key=key)
        process.repay.run(plan)

    def _fund(self, account: str) -> None:
        """Debts to repay and something to repay them with."""
        arena = self.arena
        for asset in DEBTS:
            price = Decimal(PRICES[asset])
            if arena.holding(account, asset).debt * price < 100_000:
                worth = Decimal(self.rng.randrange(50_000, 900_000))
                arena.give(account, asset, "borrowed", (worth / price).quantize(Decimal("1e-8")))
        for asset in ("USDT", "BTC"):
            price = Decimal(PRICES[asset])
            if arena.holding(account, asset).free * price < 1_500_000:
                arena.give(account, asset, "free", 3_000_000 / price)

    def _stuck(self, process: Process) -> bool:
        journal = process.repay.journal
        return any(
            attempt.state is AttemptState.UNKNOWN and journal.evidence.of(attempt.id)
            for attempt in process.repay.in_doubt
        )

    def _person(self, account: str) -> None:
        """The evidence did not decide. Somebody looks into the exchange's books."""
        process = self.processes[account]
        for attempt in process.repay.in_doubt:
            evidence = process.repay.journal.evidence.of(attempt.id)
            if not evidence:
                continue
            executed = (account, attempt.intent.signed_at_ms) in self._executions()
            self.tally.undecided += 1
            self.tally.rules[f"undecided: {evidence[-1].body['verdict']['rule']}"] += 1
            self.tally.undecided_alone += not self._deeds_near(account, attempt, evidence[-1].taken_at_ms)
            self.arena.elapse(300_000)
            process.repay.settle(attempt.id, executed=executed, note="looked into the exchange's books")

    def _deeds_near(self, account: str, attempt: AttemptRecord, until_ms: int) -> list[Entry]:
        """What strangers did to the account from just before the base look to the last look at an attempt."""
        since_ms = attempt.intent.before.sent_at_ms - 60_000
        return [
            entry
            for entry in self.arena.tape
            if entry.account == account
            and entry.kind in ("borrow", "repay-debt", "repay-loan", "move")
            and since_ms <= entry.at_ms <= until_ms
        ]

    def _explained(self, account: str, attempt: AttemptRecord, until_ms: int) -> bool:
        """Whether strangers repaid about as much as an attempt asked, one of them or several together."""
        asked = attempt.intent.expected
        repaid = [
            deed.amount
            for deed in self._deeds_near(account, attempt, until_ms)
            if deed.asset == attempt.intent.asset and deed.kind in ("repay-debt", "repay-loan")
        ]
        # A stranger who names no amount repays the whole debt.
        return any(
            amount == 0 or abs(amount - asked) <= asked / 10 for amount in (*repaid, sum(repaid, _ZERO))
        )

    def _clean_up(self) -> None:
        """Everything heals, everybody comes back, and what was begun is finished."""
        arena = self.arena
        arena.exchange.faults.disarm()
        arena.quiet = True
        arena.elapse(600_000)
        for account in arena.names:
            for _ in range(8):
                process = self.processes[account]
                if not process.repay.in_doubt:
                    self._fund(account)
                reports = self._act(account, lambda process: process.repay.resume(), may_die=False)
                if reports is not None and all(reports):
                    break

    # The count

    def _executions(self) -> dict[tuple[str, int], tuple[int, Decimal]]:
        return {key: found[0] for key, found in self._all_executions().items()}

    def _all_executions(self) -> dict[tuple[str, int], list[tuple[int, Decimal]]]:
        """What the exchange executed for us: (account, timestamp of the request) -> (moment, amount)."""
        exchange = self.arena.exchange
        amounts = {line.id: line.interest + line.principal for line in exchange.lines}
        found: dict[tuple[str, int], list[tuple[int, Decimal]]] = {}
        for record in exchange.requests:
            if record.ip != OUR_IP or record.path != REPAY_PATH or not record.ledger_ids:
                continue
            stamp = _STAMP.search(record.body or record.query)
            assert stamp is not None
            assert record.account is not None
            moved = sum((amounts[line] for line in record.ledger_ids), _ZERO)
            line = next(line for line in exchange.lines if line.id == record.ledger_ids[0])
            found.setdefault((record.account, int(stamp[1])), []).append((line.time_ms, moved))
        return found

    def _count(self) -> None:
        tally, arena = self.tally, self.arena
        executions = self._all_executions()
        unclaimed = dict(executions)
        for account, process in self.processes.items():
            journal = process.repay.journal
            for plan in journal.plans.newest_first(process.repay.account):
                tally.plans += 1
                tally.plans_done += plan.state is PlanState.DONE
                moved = _ZERO
                for attempt in journal.attempts.of_plan(plan.id):
                    found = executions.get((account, attempt.intent.signed_at_ms), [])
                    unclaimed.pop((account, attempt.intent.signed_at_ms), None)
                    moved += sum((amount for _, amount in found), _ZERO)
                    self._count_attempt(account, process, attempt, len(found))
                asked = self.asked[(account, plan.key)]["amount"]
                if asked is not None and moved > asked:
                    tally.overpaid += 1
                    tally.trouble.append(
                        f"seed {self.seed}: plan {plan.key} asked {asked}, {moved} was repaid"
                    )
        tally.lost += len(unclaimed)
        tally.executed += sum(len(found) for found in executions.values())
        ours = [record for record in arena.exchange.requests if record.ip == OUR_IP]
        tally.arrived += sum(record.path == REPAY_PATH for record in ours)
        tally.over_the_limit += sum(record.status == 429 and record.fault is None for record in ours)
        tally.faults += sum(record.fault is not None for record in ours)
        tally.deaths += arena.deaths
        tally.intruders += arena.intruders
        tally.two_writers += arena.two_writers
        tally.deeds += sum(
            entry.kind in ("borrow", "repay-debt", "repay-loan", "move") for entry in arena.tape
        )

    def _count_attempt(self, account: str, process: Process, attempt: AttemptRecord, executions: int) -> None:
        tally = self.tally
        tally.asked += 1
        tally.twice += max(0, executions - 1)
        evidence = process.repay.journal.evidence.of(attempt.id)
        if evidence:
            tally.lost_answers += 1
            verdict = evidence[-1].body.get("verdict")
            if verdict is not None:
                tally.proven += 1
                tally.rules[verdict.get("rule", "refusal doubted")] += 1
        if attempt.state.open:
            tally.left_open += 1
        elif attempt.state.paid and not executions:
            tally.mistaken += 1
            seen_ms = evidence[-1].taken_at_ms if evidence else attempt.opened_at_ms
            if not self._explained(account, attempt, seen_ms):
                tally.mistaken_unexplained += 1
                rule = evidence[-1].body.get("verdict", {}).get("rule") if evidence else "answered"
                tally.trouble.append(
                    f"seed {self.seed} ({self.world}): attempt {attempt.id} is {attempt.state} by {rule}, was not "
                    "executed, and no stranger explains it"
                )
        elif not attempt.state.paid and executions:
            tally.twice += 1
            tally.trouble.append(
                f"seed {self.seed} ({self.world}): attempt {attempt.id} is {attempt.state}, and was executed"
            )


def play(seed: int, repayments: int, chances: Chances | None = None) -> Tally:
    """One episode from its seed."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # the client logs every fault that it meets
    try:
        return Episode(seed, repayments, chances).run()
    except (Exception, StopAsked):  # noqa: BLE001  # the other episodes still have something to tell; this one fails the run
        return Tally(trouble=[f"seed {seed}: {traceback.format_exc()}"])
    finally:
        logging.disable(before)

"""What the exchange writes down: ledger lines, records and stream events, and what is still to be stored."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from decimal import ROUND_HALF_UP, Context, Decimal

from paydown_sandbox.books.collateral import status_of
from paydown_sandbox.books.exact_amounts import ZERO, exact_text, wire_text
from paydown_sandbox.books.ledger import Account, Transfer
from paydown_sandbox.books.listen_keys import Event, Streams
from paydown_sandbox.books.records import Record, RecordBook, RecordKind
from paydown_sandbox.call_record import Call, LedgerLine
from paydown_sandbox.choices.settings import Options
from paydown_sandbox.request_log import RequestRecord
from paydown_sandbox.state.world import World

__all__ = ["LINES_IN_MEMORY", "Books", "Changes"]

LINES_IN_MEMORY = 50_000

# Scattered ids: within a block of ids the places are taken in strides, so that each is taken once.
_BLOCK, _STRIDE = 1024, 389
_HUGE = 1 << 53
_NINE = Decimal("1e-9")
_NEAREST = Context(prec=60, rounding=ROUND_HALF_UP)


# What a note names, where it names the call.
_NOTES = {"REPAY": "repay-debt", "BORROW": "marginLoan", "TRANSFER": "bnb-transfer"}


def _nine_digits(amount: Decimal) -> str:
    return format(_NEAREST.quantize(amount, _NINE), "f")


_ROW_TEXTS: dict[str, Callable[[Decimal], str]] = {
    "eight": wire_text,
    "plain": exact_text,
    "nine": _nine_digits,
}

# What the stream calls each account status. It has no name for what lies behind FORCE_LIQUIDATION, and an account
# that falls there at once must be told something: it is told the worst that there is a name for.
_LEVELS = ("", "MARGIN_CALL", "REDUCE_ONLY", "FORCE_LIQUIDATION")
_LEVEL_OF = {
    "NORMAL": 0,
    "MARGIN_CALL": 1,
    "SUPPLY_MARGIN": 1,
    "REDUCE_ONLY": 2,
    "ACTIVE_LIQUIDATION": 3,
    "FORCE_LIQUIDATION": 3,
    "BANKRUPTED": 3,
}


class Changes:
    """What happened since it was last taken, for whoever makes it durable."""

    __slots__ = ("amended", "lines", "records", "requests", "settled", "world")

    def __init__(self) -> None:
        self.lines: list[LedgerLine] = []
        self.records: list[Record] = []
        self.requests: list[RequestRecord] = []
        # Records and requests that were written down before, and say something else now.
        self.amended: list[Record] = []
        self.settled: list[RequestRecord] = []
        self.world = False


class Books:
    """The written side of an exchange. `Exchange` adds the side that answers."""

    world: World

    def __init__(self, key_lifetime_ms: int) -> None:
        self._key_lifetime_ms = key_lifetime_ms
        self.fresh = True

    def start_over(self, world: World) -> None:
        """Forget everything that was written."""
        self.lines: deque[LedgerLine] = deque(maxlen=LINES_IN_MEMORY)
        self.records = RecordBook()
        self.streams = Streams(self._key_lifetime_ms)
        self.changes = Changes()
        self._next_line = 1
        # Of the sizes seen on the wire: a 64-bit id must not pass through a double.
        self._next_tran = 154_266_068_121
        self._next_interest = 1_352_286_576_452_864_727
        self._next_update = 1_027_053_479_517
        self._risk: dict[str, int] = {}
        self._ids = "rising"
        for record in world.records:
            self.records.add(record)
            # Ids go on behind those that a state document brings along.
            if record.kind in ("loan", "repay"):
                self._next_tran = max(self._next_tran, record.id + 1)
            else:
                self._next_interest = max(self._next_interest, record.id + 1)

    def book_counters(self) -> dict[str, str]:
        """Ids and open keys, to be written down."""
        return {
            "line": str(self._next_line),
            "tran": str(self._next_tran),
            "interest": str(self._next_interest),
            "update": str(self._next_update),
            "dust_usd": str(self.world.ledger.dust_usd),
            "streams": json.dumps(self.streams.dump()),
        }

    def restore_book_counters(self, counters: Mapping[str, str]) -> None:
        """Take back what `book_counters` gave."""
        self._next_line = int(counters["line"])
        self._next_tran = int(counters["tran"])
        self._next_interest = int(counters["interest"])
        self._next_update = int(counters["update"])
        self.world.ledger.dust_usd = Decimal(counters["dust_usd"])
        self.streams.restore(json.loads(counters["streams"]))

    def take_changes(self) -> Changes:
        """Hand over what happened since the last call."""
        taken = self.changes
        self.changes = Changes()
        return taken

    def forget_changes(self) -> None:
        """Drop what was collected, where nothing makes it durable."""
        self.changes = Changes()
        self.world.ledger.touched.clear()
        self.world.ledger.house_touched.clear()

    @property
    def next_line_id(self) -> int:
        """The id that the next ledger line will get."""
        return self._next_line

    def next_tran(self) -> int:
        """A fresh id of a loan, repayment or transfer."""
        self._next_tran += 1
        return self._next_tran - 1 if self._ids == "rising" else self._shaped(self._next_tran - 1)

    def next_interest(self) -> int:
        """A fresh id of a charge; above 2**53, as on the wire."""
        self._next_interest += 1
        return self._next_interest - 1 if self._ids == "rising" else self._shaped(self._next_interest - 1)

    def shape_rows(self, options: Options) -> None:
        """Read how ids and amounts of rows look."""
        ids = options.text("row-ids")
        if ids != self._ids:
            # Scattered ids are a whole block in another order: a new block, so that no id comes twice.
            self._ids = ids
            self._next_tran = -(-self._next_tran // _BLOCK) * _BLOCK
            self._next_interest = -(-self._next_interest // _BLOCK) * _BLOCK
        self.row_text = _ROW_TEXTS[options.text("row-digits")]
        self._flow_note = options.text("flow-note")
        self._flow_positive = options.is_set("flow-sign", "positive")

    def _shaped(self, counted: int) -> int:
        if self._ids == "huge":
            return counted + _HUGE if counted < _HUGE else counted
        block, place = divmod(counted, _BLOCK)
        return block * _BLOCK + place * _STRIDE % _BLOCK

    # ------------------------------------------------------------------------ writing

    def book(
        self,
        call: Call,
        asset: str | None,
        transfers: list[Transfer],
        *,
        interest: Decimal = ZERO,
        principal: Decimal = ZERO,
        tran_id: int | None = None,
    ) -> LedgerLine:
        """Write down what a call has executed. `interest` and `principal` are what the debt fell by."""
        line = LedgerLine(
            self._next_line, call.now_ms, call.owner.id, call.facts.id, asset, call.request,
            interest, principal, transfers, tran_id,
        )  # fmt: skip
        call.lines.append(line)
        self._write(line)
        return line

    def book_by_itself(
        self, account: Account, operation: str, asset: str, transfers: list[Transfer], at_ms: int
    ) -> None:
        """Write down what the exchange did without being asked."""
        self._write(
            LedgerLine(
                self._next_line, at_ms, account.id, operation, asset, None, ZERO, ZERO, transfers, None
            )
        )

    def _write(self, line: LedgerLine) -> None:
        self._next_line += 1
        self.lines.append(line)
        self.changes.lines.append(line)

    def write_record(self, record: Record) -> None:
        """Write one record that the record calls will find."""
        self.records.add(record)
        self.changes.records.append(record)

    def amend_record(self, account: str, kind: RecordKind, record_id: int, **members: object) -> None:
        """Change members of a record that was written, such as its status."""
        record = self.records.amend(account, kind, record_id, **members)
        if record is not None:
            self.changes.amended.append(record)

    def flow_record(
        self, account: Account, kind: str, asset: str, amount: Decimal, tran_id: int, at_ms: int
    ) -> Record:
        """One row of the capital flow, not written yet; `amount` carries its sign."""
        row_id = self.next_interest()
        if self._flow_positive and kind == "REPAY":
            amount = abs(amount)
        row: dict[str, object] = {
            "id": row_id,
            "tranId": tran_id,
            "timestamp": at_ms,
            "asset": asset,
            "type": kind,
            "amount": self.row_text(amount),
        }
        if self._flow_note != "absent":
            notes = {"empty": "", "null": None, "repay-debt": _NOTES.get(kind, kind.lower())}
            row["note"] = notes[self._flow_note]
        return Record("flow", row_id, account.id, asset, at_ms, row)

    def write_flow(
        self, account: Account, kind: str, asset: str, amount: Decimal, tran_id: int, at_ms: int
    ) -> None:
        """Write one row of the capital flow; `amount` carries its sign."""
        self.write_record(self.flow_record(account, kind, asset, amount, tran_id, at_ms))

    # ------------------------------------------------------------------------ events

    def liability_changed(
        self,
        account: Account,
        asset: str,
        kind: str,
        tran_id: int,
        principal: Decimal,
        interest: Decimal,
        at_ms: int,
    ) -> None:
        """Send `liabilityChange`: `p` and `i` are the size of the change, `l` the debt afterwards."""
        if self.streams.listening(account.id):
            event: Event = {
                "e": "liabilityChange",
                "E": at_ms,
                "a": asset,
                "t": kind,
                "T": tran_id,
                "p": wire_text(principal),
                "i": wire_text(interest),
                "l": wire_text(account.holding(asset).debt),
            }
            self.streams.emit(account.id, event)
            self._risk_changed(account, at_ms)

    def balances_changed(self, account: Account, deltas: Iterable[tuple[str, Decimal]], at_ms: int) -> None:
        """Send `balanceUpdate` for each asset whose cross balance moved, then `outboundAccountPosition`."""
        if not self.streams.listening(account.id):
            return
        positions: list[dict[str, object]] = []
        for asset, delta in deltas:
            holding = account.holding(asset)
            self._next_update += 1
            event: Event = {
                "e": "balanceUpdate",
                "E": at_ms,
                "a": asset,
                "d": wire_text(delta),
                "U": self._next_update,
                "T": at_ms,
            }
            self.streams.emit(account.id, event)
            positions.append({"a": asset, "f": wire_text(holding.free), "l": wire_text(holding.locked)})
        self.streams.emit(
            account.id,
            {"e": "outboundAccountPosition", "E": at_ms, "u": at_ms, "U": self._next_update, "B": positions},
        )
        self._risk_changed(account, at_ms)

    def futures_changed(
        self, account: Account, asset: str, business: str, delta: Decimal, at_ms: int
    ) -> None:
        """Send `ACCOUNT_UPDATE` for a futures wallet."""
        if self.streams.listening(account.id):
            holding = account.holding(asset)
            balance = wire_text(holding.um if business == "UM" else holding.cm)
            change = {"a": asset, "wb": balance, "cw": balance, "bc": wire_text(delta)}
            update = {"m": "MARGIN_TRANSFER", "B": [change], "P": []}
            event: Event = {
                "e": "ACCOUNT_UPDATE",
                "fs": business,
                "E": at_ms,
                "T": at_ms,
                "i": "",
                "a": update,
            }
            self.streams.emit(account.id, event)

    def prices_moved(self, at_ms: int) -> None:
        """Send `riskLevelChange` to every listening account that became riskier."""
        for account in self.world.ledger.accounts.values():
            if self.streams.listening(account.id):
                self._risk_changed(account, at_ms)

    def _risk_changed(self, account: Account, at_ms: int) -> None:
        standing = status_of(account, self.world.prices.usd, self.world.collateral)
        before, level = self._risk.get(account.id, 0), _LEVEL_OF[standing.status]
        self._risk[account.id] = level
        if level > before:
            self.streams.emit(
                account.id,
                {
                    "e": "riskLevelChange",
                    "E": at_ms,
                    "u": wire_text(standing.uni_mmr),
                    "s": _LEVELS[level],
                    "eq": wire_text(standing.equity),
                    "ae": wire_text(standing.actual_equity),
                    "m": wire_text(standing.maintenance_margin),
                },
            )

    def debt_moved(self, account: Account, deltas: Mapping[str, Decimal], at_ms: int) -> None:
        """Send the balance events of a borrow or repayment."""
        if self.streams.listening(account.id):
            self.balances_changed(
                account, ((name, amount) for name, amount in deltas.items() if amount), at_ms
            )

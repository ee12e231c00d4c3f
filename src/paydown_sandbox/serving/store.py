"""Keep a sandbox in one SQLite file, with many requests per transaction.

The sandbox works in memory and collects its changes; `Store.commit` writes them in one transaction. A server calls it
once for all requests of a turn of its event loop and sends their answers afterwards. So every answer that left is in
the file, and killing the process loses none. With durability "full" the file also survives a loss of power, at the
price of one flush to the disk per commit.

    world      one row: the state document and the counters
    holding    one row per account and asset          house   the counterparty, one row per asset
    ledger     one row per executed operation         request one row per request, signatures removed
    standing  one row per address that was refused or banned

Used weight is not written a second time: the request log holds the charges of the last minute.
"""

from __future__ import annotations

import json
import os
import sqlite3
import weakref
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

from paydown_sandbox.books.exact_amounts import ZERO
from paydown_sandbox.books.history import LINES_IN_MEMORY
from paydown_sandbox.books.ledger import Counterparty, Holding
from paydown_sandbox.books.ledger_line import LedgerLine, Transfer
from paydown_sandbox.books.records import Record
from paydown_sandbox.checks.rate_limits import MINUTE_MS, Charge, Standing
from paydown_sandbox.exchange import Exchange
from paydown_sandbox.request_log import RequestLog, RequestRecord
from paydown_sandbox.serving.store_file import APPLICATION_ID, FileRefused, claim
from paydown_sandbox.state.state_reader import read_world
from paydown_sandbox.state.state_writer import dump_world

__all__ = ["Durability", "Store", "StoreError"]

Durability = Literal["normal", "full"]

_VERSION = 2

_SCHEMA = """
CREATE TABLE world (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL, state TEXT NOT NULL);
CREATE TABLE counter (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE holding (
  account TEXT NOT NULL, asset TEXT NOT NULL, free TEXT NOT NULL, locked TEXT NOT NULL,
  borrowed TEXT NOT NULL, interest TEXT NOT NULL, um TEXT NOT NULL, cm TEXT NOT NULL, negative TEXT NOT NULL,
  updated_ms INTEGER NOT NULL, PRIMARY KEY (account, asset)) WITHOUT ROWID;
CREATE TABLE house (
  asset TEXT PRIMARY KEY, pool TEXT NOT NULL, conversion TEXT NOT NULL, lendable TEXT,
  issued TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE ledger (
  id INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, account TEXT NOT NULL, operation TEXT NOT NULL,
  asset TEXT, request INTEGER, interest TEXT NOT NULL, principal TEXT NOT NULL, transfers TEXT NOT NULL,
  tran_id INTEGER);
CREATE TABLE record (
  kind TEXT NOT NULL, id INTEGER NOT NULL, account TEXT NOT NULL, asset TEXT NOT NULL,
  time_ms INTEGER NOT NULL, row TEXT NOT NULL, PRIMARY KEY (kind, id, account)) WITHOUT ROWID;
CREATE TABLE request (
  id INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL,
  query TEXT NOT NULL, body TEXT NOT NULL, ip TEXT NOT NULL, operation TEXT, account TEXT,
  signature TEXT NOT NULL, verdict TEXT NOT NULL, reason TEXT NOT NULL, status INTEGER NOT NULL, code INTEGER,
  fault TEXT, answer TEXT NOT NULL, weight INTEGER NOT NULL, ledger TEXT NOT NULL, orders INTEGER NOT NULL,
  capped INTEGER NOT NULL);
CREATE INDEX request_capped ON request (time_ms) WHERE capped = 1;
CREATE TABLE standing (
  pool TEXT NOT NULL, ip TEXT NOT NULL, refusals INTEGER NOT NULL, bans INTEGER NOT NULL,
  banned_until_ms INTEGER NOT NULL, PRIMARY KEY (pool, ip)) WITHOUT ROWID;
"""

_PUT_HOLDING = "INSERT OR REPLACE INTO holding VALUES (?,?,?,?,?,?,?,?,?,?)"
_PUT_HOUSE = "INSERT OR REPLACE INTO house VALUES (?,?,?,?,?)"
_PUT_LINE = "INSERT INTO ledger VALUES (?,?,?,?,?,?,?,?,?,?)"
_PUT_RECORD = "INSERT INTO record VALUES (?,?,?,?,?,?)"
_AMEND_RECORD = "UPDATE record SET row = ? WHERE kind = ? AND id = ? AND account = ?"
_SETTLE_REQUEST = "UPDATE request SET verdict = ?, ledger = ? WHERE id = ?"
_PUT_REQUEST = "INSERT INTO request VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
_PUT_STANDING = "INSERT OR REPLACE INTO standing VALUES (?,?,?,?,?)"
_PUT_COUNTER = "INSERT OR REPLACE INTO counter VALUES (?,?)"


class StoreError(Exception):
    """The file cannot be opened, read or written."""


def _line_row(line: LedgerLine) -> tuple[object, ...]:
    # Neither an asset nor an account can hold a tab: names are printable.
    moved = "\n".join([f"{t.asset}\t{t.amount:f}\t{t.source}\t{t.target}" for t in line.transfers])
    return (
        line.id, line.time_ms, line.account, line.operation, line.asset, line.request, str(line.interest),
        str(line.principal), moved, line.tran_id,
    )  # fmt: skip


def _record_row(record: Record) -> tuple[object, ...]:
    return (record.kind, record.id, record.account, record.asset, record.time_ms, json.dumps(record.row))


def _amended_row(record: Record) -> tuple[object, ...]:
    return (json.dumps(record.row), record.kind, record.id, record.account)


def _settled_row(record: RequestRecord) -> tuple[object, ...]:
    return (record.verdict, ",".join(map(str, record.ledger_ids)), record.id)


def _request_row(record: RequestRecord) -> tuple[object, ...]:
    ledger = record.ledger_ids
    return (
        record.id, record.time_ms, record.method, record.path, record.shown_query, record.shown_body, record.ip,
        record.operation, record.account, record.signature, record.verdict, record.reason, record.status, record.code,
        record.fault, record.answer, record.weight, ",".join(map(str, ledger)) if ledger else "", record.orders,
        int(record.capped),
    )  # fmt: skip


def _request(row: tuple[Any, ...]) -> RequestRecord:
    record = RequestRecord(row[0], row[1], row[2], row[3], row[4].encode(), row[5].encode(), row[6])
    (
        record.operation, record.account, record.signature, record.verdict, record.reason, record.status, record.code,
        record.fault, record.answer, record.weight, ledger, record.orders, capped,
    ) = row[7:]  # fmt: skip
    record.ledger_ids = tuple(int(part) for part in ledger.split(",") if part)
    record.capped = bool(capped)
    return record


def _transfer(text: str) -> Transfer:
    asset, amount, source, target = text.split("\t")
    return Transfer(asset, Decimal(amount), source, target)


def _holding(amounts: list[str], updated_ms: int) -> Holding:
    free, locked, borrowed, interest, um, cm, negative = (Decimal(text) for text in amounts)
    return Holding(free, locked, borrowed, interest, um, cm, negative, updated_ms)


class Store:
    """One sandbox in one file.

    Args:
        path: The SQLite file; made if absent.
        durability: "normal" survives the death of the process, "full" a loss of power too.
        timeout_s: How long to wait for another process that has the file, seconds.

    Raises:
        StoreError: The file is no sandbox file, is of another version, or is in use by another sandbox.
    """

    def __init__(self, path: Path, durability: Durability = "normal", *, timeout_s: float = 5.0) -> None:
        self.path = path
        try:
            claim(path)
        except FileRefused as refused:
            raise StoreError(str(refused)) from None
        try:
            # The event loop's thread opens the file; with durability "full" another thread commits, one at a time.
            self._db = sqlite3.connect(path, timeout=timeout_s, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as error:
            raise StoreError(f"{path} cannot be opened: {error}") from None
        # The file is also closed when an application is garbage collected or the interpreter ends.
        self._closing = weakref.finalize(self, _close, self._db, os.getpid())
        try:
            version = self._prepare(durability)
        except sqlite3.Error as error:
            self.close()
            why = "another process has it" if "locked" in str(error) else error
            raise StoreError(f"{path} cannot be used: {why}") from None
        except BaseException:
            self.close()
            raise
        self.holds_state = version is not None
        self._counters: dict[str, str] = {}

    def _prepare(self, durability: Durability) -> int | None:
        """Check the file and make its tables if it is new; return the version of the state that it holds, or None."""
        db = self._db
        # Checked before the first write, so that a database of something else stays as it is.
        tables = {row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        if tables and "world" not in tables:
            raise StoreError(f"{self.path} is a database of something else")
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            # Set before the write-ahead log is turned on, so that the id is in the file itself, where `claim` reads it.
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute("PRAGMA journal_mode = WAL")
        db.execute(f"PRAGMA synchronous = {'FULL' if durability == 'full' else 'NORMAL'}")
        # A checkpoint flushes to the disk: once per 32 MB instead of once per 4.
        db.execute("PRAGMA wal_autocheckpoint = 8000")
        db.execute("BEGIN IMMEDIATE")
        if not tables:
            for statement in _SCHEMA.split(";\n"):
                if statement.strip():
                    db.execute(statement)
        db.execute("COMMIT")
        row = db.execute("SELECT version FROM world").fetchone()
        if row is None:
            return None
        if row[0] != _VERSION:
            raise StoreError(f"{self.path} was written by another version of the sandbox")
        return _VERSION

    # ------------------------------------------------------------------------ loading

    def load(self, exchange: Exchange) -> None:
        """Restore the sandbox from the file. Call it only if `holds_state`.

        Raises:
            StoreError: The file is damaged.
        """
        try:
            (text,) = self._db.execute("SELECT state FROM world").fetchone()
            world = read_world(json.loads(text), exchange.option_catalogue)
            ledger = world.ledger
            ledger.issued.clear()
            for account in ledger.accounts.values():
                account.holdings.clear()
            for account_id, asset, *amounts, updated in self._db.execute("SELECT * FROM holding"):
                ledger.accounts[account_id].holdings[asset] = _holding(amounts, updated)
            for asset, pool, conversion, lendable, issued in self._db.execute("SELECT * FROM house"):
                ledger.counterparties[asset] = Counterparty(
                    Decimal(pool), Decimal(conversion), None if lendable is None else Decimal(lendable)
                )
                ledger.issued[asset] = Decimal(issued)
            ledger.touched.clear()
            exchange.install(world)
            counters = dict(self._db.execute("SELECT name, value FROM counter"))
            exchange.restore_counters(counters)
            for kind, record_id, account, asset, time_ms, row in self._db.execute(
                "SELECT * FROM record ORDER BY time_ms, id"
            ):
                exchange.records.add(Record(kind, record_id, account, asset, time_ms, json.loads(row)))
            exchange.lines.extend(reversed([self._line(row) for row in self._last_lines()]))
            exchange.requests.restore(self._last_requests(exchange.requests))
            standings = [Standing(*row) for row in self._db.execute("SELECT * FROM standing")]
            exchange.budgets.restore(standings, self._charges(exchange))
        except (sqlite3.Error, ValueError, KeyError, TypeError) as error:
            raise StoreError(f"{self.path} is damaged: {type(error).__name__}: {error}") from None
        exchange.forget_changes()
        exchange.fresh = False

    def _last_lines(self) -> Iterable[tuple[object, ...]]:
        return self._db.execute(
            "SELECT * FROM ledger ORDER BY id DESC LIMIT ?", (LINES_IN_MEMORY,)
        ).fetchall()

    def _last_requests(self, log: RequestLog) -> list[RequestRecord]:
        rows = self._db.execute(
            "SELECT * FROM request WHERE id >= ? ORDER BY id DESC LIMIT ?", (log.forgotten_below, log.most)
        )
        return [_request(row) for row in rows][::-1]

    def _charges(self, exchange: Exchange) -> Iterator[Charge]:
        """Yield the charges that still count: the last minute's, and older ones of operations with a hard cap."""
        now_ms = exchange.clock.now_ms()
        older = self._db.execute(
            "SELECT id FROM request WHERE time_ms <= ? ORDER BY id DESC LIMIT 1", (now_ms - MINUTE_MS,)
        ).fetchone()
        for row in self._db.execute(
            "SELECT time_ms, ip, operation, account, 0, 0, 1 FROM request"
            " WHERE capped = 1 AND time_ms > ? ORDER BY time_ms, id",
            (now_ms - exchange.budgets.longest_cap_ms(),),
        ):
            yield Charge(*row)
        for row in self._db.execute(
            "SELECT time_ms, ip, operation, account, SUM(weight), SUM(orders), 0 FROM request"
            " WHERE id > ? AND weight + orders > 0 GROUP BY time_ms, ip, operation, account ORDER BY MIN(id)",
            (older[0] if older is not None else 0,),
        ):
            yield Charge(*row)

    @staticmethod
    def _line(row: tuple[object, ...]) -> LedgerLine:
        (
            line_id,
            time_ms,
            account,
            operation,
            asset,
            request,
            interest,
            principal,
            transfers,
            tran_id,
        ) = row
        return LedgerLine(
            int(str(line_id)),
            int(str(time_ms)),
            str(account),
            str(operation),
            None if asset is None else str(asset),
            None if request is None else int(str(request)),
            Decimal(str(interest)),
            Decimal(str(principal)),
            [_transfer(part) for part in str(transfers).splitlines()],
            None if tran_id is None else int(str(tran_id)),
        )

    # ------------------------------------------------------------------------ writing

    def commit(self, exchange: Exchange) -> None:
        """Write everything that changed since the last commit, in one transaction.

        Raises:
            StoreError: The disk did not take it. Requests that were answered before are safe; newer ones are not.
        """
        self.write(self.collect(exchange))

    def collect(self, exchange: Exchange) -> list[tuple[str, list[tuple[object, ...]]]]:
        """Turn the collected changes into statements with their rows. Call it on the thread that runs the sandbox."""
        changes = exchange.take_changes()
        ledger = exchange.world.ledger
        work: list[tuple[str, list[tuple[object, ...]]]] = []
        if changes.world:
            old = ("ledger", "record", "request", "standing") if exchange.fresh else ()
            for table in ("holding", "house", *old):
                work.append((f"DELETE FROM {table}", [()]))  # noqa: S608 - names from the two lines above
            if exchange.fresh:
                self._counters.clear()
                changes.records.extend(exchange.world.records)
            exchange.fresh = False
            state = json.dumps(dump_world(exchange.world))
            work.append(("INSERT OR REPLACE INTO world VALUES (1, ?, ?)", [(_VERSION, state)]))
            touched = {
                (account.id, asset) for account in ledger.accounts.values() for asset in account.holdings
            }
            assets = set(ledger.counterparties) | set(ledger.issued)
        else:
            touched, assets = ledger.touched, ledger.counterparties_touched
        if touched:
            rows: list[tuple[object, ...]] = []
            for account_id, asset in touched:
                h = ledger.accounts[account_id].holdings[asset]
                rows.append(
                    (account_id, asset, str(h.free), str(h.locked), str(h.borrowed), str(h.interest),
                     str(h.um), str(h.cm), str(h.negative), h.updated_ms)
                )  # fmt: skip
            work.append((_PUT_HOLDING, rows))
        if assets:
            rows = []
            for asset in assets:
                counterparty = ledger.counterparty_of(asset)
                lendable = None if counterparty.lendable is None else str(counterparty.lendable)
                issued = str(ledger.issued.get(asset, ZERO))
                rows.append((asset, str(counterparty.pool), str(counterparty.conversion), lendable, issued))
            work.append((_PUT_HOUSE, rows))
        ledger.touched = set()
        ledger.counterparties_touched = set()
        if changes.lines:
            work.append((_PUT_LINE, [_line_row(line) for line in changes.lines]))
        if changes.records:
            work.append((_PUT_RECORD, [_record_row(record) for record in changes.records]))
        if changes.requests:
            work.append((_PUT_REQUEST, [_request_row(record) for record in changes.requests]))
        if changes.amended:
            work.append((_AMEND_RECORD, [_amended_row(record) for record in changes.amended]))
        if changes.executed_late:
            work.append((_SETTLE_REQUEST, [_settled_row(record) for record in changes.executed_late]))
        standings = exchange.budgets.standings()
        if standings:
            work.append((_PUT_STANDING, [tuple(standing) for standing in standings]))
        counters = exchange.counters()
        if counters != self._counters:
            moved: list[tuple[object, ...]] = [
                pair for pair in counters.items() if self._counters.get(pair[0]) != pair[1]
            ]
            self._counters = counters
            work.append((_PUT_COUNTER, moved))
        return work

    def write(self, work: list[tuple[str, list[tuple[object, ...]]]]) -> None:
        """Write collected rows in one transaction.

        Raises:
            StoreError: The disk did not take them.
        """
        if not work:
            return
        db = self._db
        try:
            db.execute("BEGIN")
            for statement, rows in work:
                db.executemany(statement, rows)
            db.execute("COMMIT")
        except (sqlite3.Error, OverflowError) as error:  # OverflowError: a number of more than 64 bits
            raise StoreError(f"{self.path} does not take any more: {error}") from None

    @property
    def closed(self) -> bool:
        """Return whether the file was closed."""
        return not self._closing.alive

    def close(self) -> None:
        """Close the file; the write-ahead log is folded into it. Closing twice does no harm."""
        self._closing()


def _close(db: sqlite3.Connection, pid: int) -> None:
    if (
        pid == os.getpid()
    ):  # a child made by `fork` must not fold the log of its parent, which goes on writing
        db.close()

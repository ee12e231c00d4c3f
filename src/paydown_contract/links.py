"""Follows the document's `links`: what one call has done must be seen by the next.

A loan is found in its record by the id that the answer gave, a repayment as well, and the debt moves by exactly the
amount. The server is asked for a small loan first; if it lends nothing, nothing is said.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from paydown_contract.document import Document, Operation
from paydown_contract.forms import PLAIN_DECIMAL, Answer
from paydown_contract.json_shape import is_object
from paydown_contract.meaning import rows_of
from paydown_contract.oracle import Request
from paydown_contract.proof import Key
from paydown_contract.tamper import Composer

ASSET: Final = "ETH"
LOANS: Final = ("0.01", "0.02", "0.03")
BACK: Final = "0.015"


@dataclass(frozen=True, slots=True)
class Broken:
    """A link that does not hold: the request that shows it, and its answer."""

    operation: str
    clause: str
    said: str
    request: Request
    status: int
    body: bytes


class Links:
    """Follows the links of one server.

    Args:
        document: Says which links there are.
        send: Sends one raw request.
        key: Signs.
        now_ms: The server's time, UTC ms.
    """

    def __init__(
        self, document: Document, send: Callable[[Request], Answer], key: Key, now_ms: Callable[[], int]
    ) -> None:
        self.document = document
        self.send = send
        self.key = key
        self.now_ms = now_ms
        self.followed = 0

    def follow(self) -> Iterator[Broken]:
        """Everything that does not hold."""
        made: list[tuple[Mapping[str, str], dict[str, Any]]] = []
        borrow = self._operation("marginBorrow")
        if borrow is None:
            return
        before = self._debt()
        for amount in LOANS:
            texts = {"asset": ASSET, "amount": amount}
            _, answer = self._call(borrow, texts)
            content = _members(answer.body)
            if answer.status != 200 or not isinstance(content.get("tranId"), int):
                break
            made.append((texts, content))
        if not made:
            return
        lent = sum((Decimal(texts["amount"]) for texts, _ in made), Decimal(0))
        yield from self._debt_moved(borrow, before, lent)
        for asked, content in made:
            yield from self._linked(borrow, asked, content)
        yield from self._paged([content["tranId"] for _, content in made])
        for name in ("repayLoan", "repayDebt"):
            operation = self._operation(name)
            if operation is None:
                continue
            before = self._debt()
            texts = {"asset": ASSET, "amount": BACK}
            request, answer = self._call(operation, texts)
            content = _members(answer.body)
            if answer.status != 200:
                continue
            said = str(content.get("amount", BACK))
            if PLAIN_DECIMAL.fullmatch(said) is None or Decimal(said) != Decimal(BACK):
                clause = f"{operation.id}: amount"
                text = f"another amount comes back than the {BACK} that was repaid"
                yield Broken(operation.id, clause, text, request, answer.status, answer.body[:500])
            yield from self._debt_moved(operation, before, -Decimal(BACK))
            if "tranId" in content:
                yield from self._linked(operation, texts, content)

    def _operation(self, name: str) -> Operation | None:
        return next((each for each in self.document.operations if each.id == name), None)

    def _call(self, operation: Operation, texts: Mapping[str, str]) -> tuple[Request, Answer]:
        request = Composer(self.document, self.key, self.now_ms()).right(operation, list(texts.items()))
        return request, self.send(request)

    def _debt(self) -> Decimal | None:
        """Principal and interest, if the server says."""
        operation = self._operation("accountBalance")
        if operation is None:
            return None
        _, answer = self._call(operation, {"asset": ASSET})
        content = _members(answer.body)
        try:
            return Decimal(content["crossMarginBorrowed"]) + Decimal(content["crossMarginInterest"])
        except (KeyError, TypeError, ValueError, InvalidOperation):
            return None

    def _debt_moved(self, operation: Operation, before: Decimal | None, by: Decimal) -> Iterator[Broken]:
        balance = self._operation("accountBalance")
        if before is None or balance is None:
            return
        self.followed += 1
        request, answer = self._call(balance, {"asset": ASSET})
        after = self._debt()
        # A loan costs its first interest at once, and a clock that runs may charge an hour's more.
        slack = min(abs(before) / 100, abs(by) / 2)
        if after is None or not (by <= after - before <= by + slack):
            yield Broken(
                operation.id,
                f"{operation.id}: responses.200.links.debt",
                f"the debt did not move by {by}",
                request,
                answer.status,
                answer.body[:500],
            )

    def _linked(
        self, operation: Operation, texts: Mapping[str, str], content: Mapping[str, Any]
    ) -> Iterator[Broken]:
        """Each link of an answer to a call that lists records: the record must be there, alone and right."""
        for name, link in operation.responses["200"].get("links", {}).items():
            target = self._operation(link.get("operationId", ""))
            if target is None or "x-pagination" not in target.facts:
                continue
            chosen = {
                each: _pointed(source, texts, content) for each, source in link.get("parameters", {}).items()
            }
            given = {each: value for each, value in chosen.items() if value is not None}
            if len(given) != len(chosen) or not given:
                continue
            self.followed += 1
            request, answer = self._call(target, given)
            rows = rows_of(target, _json(answer.body)) if answer.status == 200 else []
            said = ""
            if answer.status != 200 or len(rows) != 1:
                said = f"{len(rows)} records for the id that the answer gave"
            elif any(each in rows[0] and str(rows[0][each]) != value for each, value in given.items()):
                said = "the record is that of something else"
            elif not _adds_up(rows[0], texts):
                said = "the record's amount is another one"
            if said:
                clause = f"{operation.id}: responses.200.links.{name}"
                yield Broken(operation.id, clause, said, request, answer.status, answer.body[:500])

    def _paged(self, ids: list[int]) -> Iterator[Broken]:
        """One record a page: the newest first, and each page another one."""
        operation = self._operation("borrowRecords")
        if operation is None or len(ids) < 2:
            return
        seen: list[Any] = []
        last: tuple[Request, Answer] | None = None
        for page in range(1, len(ids) + 1):
            texts = {"asset": ASSET, "current": str(page), "size": "1"}
            last = self._call(operation, texts)
            rows = rows_of(operation, _json(last[1].body))
            seen += [row.get("txId") for row in rows[:2]]
        self.followed += 1
        # Records of one millisecond have no documented order among themselves.
        if last is not None and sorted(map(str, seen)) != sorted(map(str, ids)):
            yield Broken(
                operation.id,
                f"{operation.id}: x-pagination.page",
                f"pages of one record do not show the {len(ids)} newest one by one",
                last[0],
                last[1].status,
                last[1].body[:500],
            )


def _adds_up(row: Mapping[str, Any], texts: Mapping[str, str]) -> bool:
    """Whether a record is about the amount that was sent: the whole of it, or principal alone where nothing else is."""
    try:
        if "amount" in row:
            return Decimal(row["amount"]) == Decimal(texts["amount"])
        return Decimal(row["principal"]) == Decimal(texts["amount"])
    except (KeyError, TypeError, ValueError, InvalidOperation):
        return False


def _pointed(source: Any, texts: Mapping[str, str], content: Mapping[str, Any]) -> str | None:
    """The value of a link's runtime expression."""
    text = str(source)
    if text.startswith("$request.body#/"):
        return texts.get(text.rpartition("/")[2])
    if text.startswith("$response.body#/"):
        value = content.get(text.rpartition("/")[2])
        return None if value is None else str(value)
    return None


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _members(body: bytes) -> dict[str, Any]:
    content = _json(body)
    return content if is_object(content) else {}

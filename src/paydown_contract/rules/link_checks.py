"""Follows the document's `links`: what one call has done must be seen by the next.

A loan is found in its record by the id that the answer gave, a repayment as well, and the debt moves by exactly the
amount. The server is asked for a small loan first. Every other call that has links is made once, and each of its links
is followed. Where a server refuses the first call, nothing is said about its links but that they were not followed.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from paydown_contract.document import Document, Operation
from paydown_contract.requests.signer import Key
from paydown_contract.requests.tampering import Composer
from paydown_contract.requests.verifier import Request
from paydown_contract.rules.answer_form import PLAIN_DECIMAL, Answer
from paydown_contract.rules.answer_meaning import effective, rows_of
from paydown_contract.rules.link_declarations import BEYOND_A_LIMIT, Link, json_of, links_of, members_of

# The call that lends, and those that pay back: their links are followed together, from the first loan on.
LEND: Final = "marginBorrow"
PAY_BACK: Final = ("repayLoan", "repayDebt")
# Calls that move what is in the wallets, and the members of a balance of which one at least is not zero before: there
# must be something to move.
MOVE: Final[Mapping[str, tuple[str, ...]]] = {
    "bnbTransfer": ("crossMarginFree",),
    "assetCollection": ("umWalletBalance", "cmWalletBalance"),
    "autoCollection": ("umWalletBalance", "cmWalletBalance"),
    "repayFuturesNegativeBalance": ("negativeBalance",),
}
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
        self.followed: list[str] = []
        self.missed: list[str] = []

    def follow(self, chosen: Collection[str] = ()) -> Iterator[Broken]:
        """Everything that does not hold.

        Args:
            chosen: Ids of the calls whose links are followed; none means all. Repayments follow a loan.
        """
        lend = self._operation(LEND)
        if lend is not None and (not chosen or LEND in chosen):
            yield from self._lending(lend)
        for source in self.document.operations:
            if source.id not in (LEND, *PAY_BACK) and (not chosen or source.id in chosen):
                yield from self._made_once(source)

    def _made_once(self, source: Operation) -> Iterator[Broken]:
        """Make a call that lends nothing, and follow its links."""
        links = links_of(self.document, source)
        if not links:
            return
        for turn in self._turns(source):
            composer = Composer(self.document, self.key, self.now_ms())
            arguments = dict(composer.arguments(source, optional=False, turn=turn))
            before = self._wallets(source, links, arguments)
            request, answer = self._call(source, arguments)
            if answer.status != 200:
                self.missed += [link.clause for link in links]
                return
            yield from self._same_again(source, arguments, answer)
            yield from self._moved(source, links, arguments, before)
            yield from self._linked(source, request, answer)

    def _turns(self, source: Operation) -> range:
        """How often to make the call: a switch is set to both, since one of them may be how it stood before."""
        switches = any(item.required and _is_switch(item.schema) for item in source.fields)
        return range(2 if switches else 1)

    def _same_again(self, source: Operation, arguments: Mapping[str, str], first: Answer) -> Iterator[Broken]:
        """A call that changes nothing and may be repeated answers the same again."""
        if source.facts.get("x-mutates") is not False or "x-repeatable" not in source.facts:
            return
        request, answer = self._call(source, arguments)
        if answer.status == 200 and json_of(answer.body) != json_of(first.body):
            said = "the same call right afterwards answers something else"
            yield Broken(
                source.id, f"{source.id}: x-repeatable", said, request, answer.status, answer.body[:500]
            )

    def _wallets(
        self, source: Operation, links: tuple[Link, ...], arguments: Mapping[str, str]
    ) -> list[dict[str, Any]] | None:
        """The balances that a call is about to move; None if it moves none, or there is nothing to move."""
        names = MOVE.get(source.id)
        link = next((each for each in links if each.target.id == "accountBalance"), None)
        if names is None or link is None:
            return None
        given = link.arguments(arguments, {})
        if given is None:
            return None
        _, answer = self._call(link.target, given)
        rows = (
            [_still(row) for row in rows_of(link.target, json_of(answer.body))]
            if answer.status == 200
            else []
        )
        there = any(_is_something(row.get(name)) for row in rows for name in names)
        return rows if there else None

    def _moved(
        self,
        source: Operation,
        links: tuple[Link, ...],
        arguments: Mapping[str, str],
        before: list[dict[str, Any]] | None,
    ) -> Iterator[Broken]:
        link = next((each for each in links if each.target.id == "accountBalance"), None)
        given = link.arguments(arguments, {}) if link is not None else None
        if before is None or link is None or given is None:
            return
        request, answer = self._call(link.target, given)
        rows = [_still(row) for row in rows_of(link.target, json_of(answer.body))]
        if answer.status == 200 and rows == before:
            said = "answered 200, and every balance is as it was before"
            yield Broken(source.id, link.clause, said, request, answer.status, answer.body[:500])

    def _lending(self, borrow: Operation) -> Iterator[Broken]:
        made: list[tuple[Request, Answer]] = []
        before = self._debt()
        for amount in LOANS:
            request, answer = self._call(borrow, {"asset": ASSET, "amount": amount})
            if answer.status != 200 or not isinstance(members_of(answer.body).get("tranId"), int):
                break
            made.append((request, answer))
        if not made:
            repaying = [each for name in PAY_BACK if (each := self._operation(name)) is not None]
            for each in (borrow, *repaying):
                self.missed += [link.clause for link in links_of(self.document, each)]
            return
        lent = sum((Decimal(amount) for amount in LOANS[: len(made)]), Decimal(0))
        yield from self._debt_moved(borrow, before, lent)
        for request, answer in made:
            yield from self._linked(borrow, request, answer)
        yield from self._paged([members_of(answer.body)["tranId"] for _, answer in made])
        for name in PAY_BACK:
            operation = self._operation(name)
            if operation is None:
                continue
            before = self._debt()
            request, answer = self._call(operation, {"asset": ASSET, "amount": BACK})
            if answer.status != 200:
                self.missed += [link.clause for link in links_of(self.document, operation)]
                continue
            said = str(members_of(answer.body).get("amount", BACK))
            if PLAIN_DECIMAL.fullmatch(said) is None or Decimal(said) != Decimal(BACK):
                clause = f"{operation.id}: amount"
                text = f"another amount comes back than the {BACK} that was repaid"
                yield Broken(operation.id, clause, text, request, answer.status, answer.body[:500])
            yield from self._debt_moved(operation, before, -Decimal(BACK))
            yield from self._linked(operation, request, answer)

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
        content = members_of(answer.body)
        try:
            return Decimal(content["crossMarginBorrowed"]) + Decimal(content["crossMarginInterest"])
        except (KeyError, TypeError, ValueError, InvalidOperation):
            return None

    def _debt_moved(self, operation: Operation, before: Decimal | None, by: Decimal) -> Iterator[Broken]:
        balance = self._operation("accountBalance")
        if before is None or balance is None:
            return
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

    def _linked(self, source: Operation, first: Request, done: Answer) -> Iterator[Broken]:
        """Follow each link of an answer 200."""
        texts, content = effective(first), members_of(done.body)
        for link in links_of(self.document, source):
            given = link.arguments(texts, content)
            if given is None:
                self.missed.append(link.clause)
                continue
            yield from self._seen(link, texts, given)

    def _seen(self, link: Link, texts: Mapping[str, str], given: Mapping[str, str]) -> Iterator[Broken]:
        request, answer = self._call(link.target, given)
        if answer.status in BEYOND_A_LIMIT:
            self.missed.append(link.clause)
            return
        self.followed.append(link.clause)
        said = link.unseen(texts, given, answer)
        if said:
            yield Broken(link.source.id, link.clause, said, request, answer.status, answer.body[:500])

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
            rows = rows_of(operation, json_of(last[1].body))
            seen += [row.get("txId") for row in rows[:2]]
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


def _still(row: Mapping[str, Any]) -> dict[str, Any]:
    """A balance without the time that it was told at."""
    return {name: value for name, value in row.items() if name != "updateTime"}


def _is_something(value: Any) -> bool:
    return isinstance(value, str) and PLAIN_DECIMAL.fullmatch(value) is not None and Decimal(value) != 0


def _is_switch(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "boolean" or set(schema.get("enum", ())) == {"true", "false"}

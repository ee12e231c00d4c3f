"""Follow the `links` of the document on a server: what one call has done must show in the next.

The server is asked for three small loans first. Each loan must be found in its record by the id in the answer, each
repayment as well, and the debt must move by exactly the amount. Every other operation with links is called once, and
each of its links is followed. Where the server refuses the first call, its links are listed as missed.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from paydown_contract.document import Document, Operation
from paydown_contract.examination.finding import Finding
from paydown_contract.requests.composer import Composer
from paydown_contract.requests.raw_request import Request
from paydown_contract.requests.signing_key import Key
from paydown_contract.rules.answer_body import PLAIN_DECIMAL, Answer, json_of, members_of, rows_of
from paydown_contract.rules.answer_consistency import sent_values
from paydown_contract.rules.links import BEYOND_A_LIMIT, Link, links_of

# The operation that lends, and those that repay: their links are followed together, from the first loan on.
_LEND: Final = "marginBorrow"
_REPAY: Final = ("repayLoan", "repayDebt")
# Operations that move assets between wallets, with the members of a balance that they empty. If all of these are zero
# before the call, there is nothing to move and an unchanged balance is right.
_MOVE: Final[Mapping[str, tuple[str, ...]]] = {
    "bnbTransfer": ("crossMarginFree",),
    "assetCollection": ("umWalletBalance", "cmWalletBalance"),
    "autoCollection": ("umWalletBalance", "cmWalletBalance"),
    "repayFuturesNegativeBalance": ("negativeBalance",),
}
_ASSET: Final = "ETH"
_LOANS: Final = ("0.01", "0.02", "0.03")
_REPAYMENT: Final = "0.015"
_VARIANT: Final = "links: one call after another"


class LinkChecker:
    """Follows the links of the document on one server, and lists the followed and the missed ones by clause.

    Args:
        document: Holds the links.
        send: Sends one raw request and returns the answer.
        key: The key that signs.
        now_ms: Returns the server's time, UTC milliseconds.
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

    def findings(self, chosen: Collection[str] = ()) -> Iterator[Finding]:
        """Make the calls, follow their links and yield every link that does not hold.

        Args:
            chosen: Ids of the operations whose links are followed; none means all. The links of repayments belong to
                those of the loan.
        """
        lend = self._operation(_LEND)
        if lend is not None and (not chosen or _LEND in chosen):
            yield from self._lending(lend)
        for source in self.document.operations:
            if source.id not in (_LEND, *_REPAY) and (not chosen or source.id in chosen):
                yield from self._made_once(source)

    def _made_once(self, source: Operation) -> Iterator[Finding]:
        """Call an operation that lends nothing, and follow its links."""
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
            yield from self._follow(source, request, answer)

    def _turns(self, source: Operation) -> range:
        """Return how often to make the call: a switch is set both ways, since it may have stood one way before."""
        switches = any(item.required and _is_switch(item.schema) for item in source.fields)
        return range(2 if switches else 1)

    def _same_again(
        self, source: Operation, arguments: Mapping[str, str], first: Answer
    ) -> Iterator[Finding]:
        """Repeat a call that changes nothing, if the document calls it repeatable: the answer must be the same."""
        if source.facts.get("x-mutates") is not False or "x-repeatable" not in source.facts:
            return
        request, answer = self._call(source, arguments)
        if answer.status == 200 and json_of(answer.body) != json_of(first.body):
            symptom = "the same call right afterwards answers something else"
            yield _finding(source, f"{source.id}: x-repeatable", symptom, request, answer)

    def _wallets(
        self, source: Operation, links: tuple[Link, ...], arguments: Mapping[str, str]
    ) -> list[dict[str, Any]] | None:
        """Read the balances that a call is about to move; None if it moves none, or there is nothing to move."""
        names = _MOVE.get(source.id)
        link = next((each for each in links if each.target.id == "accountBalance"), None)
        if names is None or link is None:
            return None
        given = link.arguments(arguments, {})
        if given is None:
            return None
        _, answer = self._call(link.target, given)
        rows = (
            [_without_time(row) for row in rows_of(link.target, json_of(answer.body))]
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
    ) -> Iterator[Finding]:
        link = next((each for each in links if each.target.id == "accountBalance"), None)
        given = link.arguments(arguments, {}) if link is not None else None
        if before is None or link is None or given is None:
            return
        request, answer = self._call(link.target, given)
        rows = [_without_time(row) for row in rows_of(link.target, json_of(answer.body))]
        if answer.status == 200 and rows == before:
            symptom = "answered 200, and every balance is as it was before"
            yield _finding(source, link.clause, symptom, request, answer)

    def _lending(self, borrow: Operation) -> Iterator[Finding]:
        made: list[tuple[Request, Answer]] = []
        before = self._debt()
        for amount in _LOANS:
            request, answer = self._call(borrow, {"asset": _ASSET, "amount": amount})
            if answer.status != 200 or not isinstance(members_of(answer.body).get("tranId"), int):
                break
            made.append((request, answer))
        if not made:
            repaying = [each for name in _REPAY if (each := self._operation(name)) is not None]
            for each in (borrow, *repaying):
                self.missed += [link.clause for link in links_of(self.document, each)]
            return
        lent = sum((Decimal(amount) for amount in _LOANS[: len(made)]), Decimal(0))
        yield from self._debt_moved(borrow, before, lent)
        for request, answer in made:
            yield from self._follow(borrow, request, answer)
        yield from self._paged([members_of(answer.body)["tranId"] for _, answer in made])
        for name in _REPAY:
            operation = self._operation(name)
            if operation is None:
                continue
            before = self._debt()
            request, answer = self._call(operation, {"asset": _ASSET, "amount": _REPAYMENT})
            if answer.status != 200:
                self.missed += [link.clause for link in links_of(self.document, operation)]
                continue
            repaid = str(members_of(answer.body).get("amount", _REPAYMENT))
            if PLAIN_DECIMAL.fullmatch(repaid) is None or Decimal(repaid) != Decimal(_REPAYMENT):
                symptom = f"another amount comes back than the {_REPAYMENT} that was repaid"
                yield _finding(operation, f"{operation.id}: amount", symptom, request, answer)
            yield from self._debt_moved(operation, before, -Decimal(_REPAYMENT))
            yield from self._follow(operation, request, answer)

    def _operation(self, name: str) -> Operation | None:
        return next((each for each in self.document.operations if each.id == name), None)

    def _call(self, operation: Operation, texts: Mapping[str, str]) -> tuple[Request, Answer]:
        request = Composer(self.document, self.key, self.now_ms()).right(operation, list(texts.items()))
        return request, self.send(request)

    def _debt(self) -> Decimal | None:
        """Read principal plus interest of the asset; None if the answer does not hold both."""
        operation = self._operation("accountBalance")
        if operation is None:
            return None
        _, answer = self._call(operation, {"asset": _ASSET})
        content = members_of(answer.body)
        try:
            return Decimal(content["crossMarginBorrowed"]) + Decimal(content["crossMarginInterest"])
        except (KeyError, TypeError, ValueError, InvalidOperation):
            return None

    def _debt_moved(self, operation: Operation, before: Decimal | None, by: Decimal) -> Iterator[Finding]:
        balance = self._operation("accountBalance")
        if before is None or balance is None:
            return
        request, answer = self._call(balance, {"asset": _ASSET})
        after = self._debt()
        # A loan costs its first interest at once, and a clock that runs may charge an hour's more.
        slack = min(abs(before) / 100, abs(by) / 2)
        if after is None or not (by <= after - before <= by + slack):
            clause = f"{operation.id}: responses.200.links.debt"
            yield _finding(operation, clause, f"the debt did not move by {by}", request, answer)

    def _follow(self, source: Operation, first: Request, done: Answer) -> Iterator[Finding]:
        """Follow each link of an answer 200; a link without its values counts as missed."""
        texts, content = sent_values(first), members_of(done.body)
        for link in links_of(self.document, source):
            given = link.arguments(texts, content)
            if given is None:
                self.missed.append(link.clause)
                continue
            yield from self._follow_one(link, texts, given)

    def _follow_one(
        self, link: Link, texts: Mapping[str, str], given: Mapping[str, str]
    ) -> Iterator[Finding]:
        request, answer = self._call(link.target, given)
        if answer.status in BEYOND_A_LIMIT:
            self.missed.append(link.clause)
            return
        self.followed.append(link.clause)
        symptom = link.symptom(texts, given, answer)
        if symptom:
            yield _finding(link.source, link.clause, symptom, request, answer)

    def _paged(self, ids: list[int]) -> Iterator[Finding]:
        """Read the loans back one record a page: each page must show another of them, the newest first."""
        operation = self._operation("borrowRecords")
        if operation is None or len(ids) < 2:
            return
        seen: list[Any] = []
        last: tuple[Request, Answer] | None = None
        for page in range(1, len(ids) + 1):
            texts = {"asset": _ASSET, "current": str(page), "size": "1"}
            last = self._call(operation, texts)
            rows = rows_of(operation, json_of(last[1].body))
            seen += [row.get("txId") for row in rows[:2]]
        # Records of one millisecond have no documented order among themselves.
        if last is not None and sorted(map(str, seen)) != sorted(map(str, ids)):
            symptom = f"pages of one record do not show the {len(ids)} newest one by one"
            yield _finding(operation, f"{operation.id}: x-pagination.page", symptom, *last)


def _finding(operation: Operation, clause: str, symptom: str, request: Request, answer: Answer) -> Finding:
    return Finding.of_answer(operation.id, clause, symptom, _VARIANT, request, answer)


def _without_time(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a balance without the time of its last update."""
    return {name: value for name, value in row.items() if name != "updateTime"}


def _is_something(value: Any) -> bool:
    return isinstance(value, str) and PLAIN_DECIMAL.fullmatch(value) is not None and Decimal(value) != 0


def _is_switch(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "boolean" or set(schema.get("enum", ())) == {"true", "false"}

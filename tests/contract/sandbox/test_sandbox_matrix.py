"""
Every variation of every request against the local exchange: the document alone says which are accepted, a
model says what they do, and a refused one must leave no trace.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import jsonschema_rs
import pytest

from paydown_contract.document import Document, Operation
from paydown_contract.requests import percent_encoding as wire
from paydown_contract.requests.raw_request import Request
from paydown_contract.requests.signing_key import Key
from paydown_contract.requests.variants.tamperer import Tamperer
from paydown_contract.rules.allowed_answers import AllowedAnswers, Oracle
from tests.contract.support.account_model import AccountModel, agrees
from tests.contract.support.asgi import Answer
from tests.contract.support.exchange import MAIN, NOW_MS, OTHER, Exchange, exchange, state
from tests.contract.support.gaps import is_gap
from tests.contract.support.keys import signing_key
from tests.contract.support.model import AMOUNTS, decimal_text, plain
from tests.contract.support.profile import profile

KINDS = ("S1", "E1", "R1")
ROOMY = 10  # ETH: below this debt the world is made anew, so that right requests go on succeeding


def code_is_documented(contract: Document, code: int | None) -> bool:
    """Whether the error table has a row for `code`."""
    return code is not None and contract.error(code) is not None


class Schemas:
    """Validators of an operation's answers, by status."""

    def __init__(self, operation: Operation) -> None:
        self.operation = operation
        self._validators: dict[int, jsonschema_rs.Draft202012Validator | None] = {}

    def response(self, status: int) -> Mapping[str, Any] | None:
        """The documented response for a status."""
        return self.operation.responses.get(str(status)) or self.operation.responses.get(f"{status // 100}XX")

    def complaint(self, answer: Answer) -> str | None:
        """What is wrong with status, headers or body of an answer, or None."""
        response = self.response(answer.status)
        if response is None:
            return f"status {answer.status} is not documented"
        media = (answer.header("content-type") or "").split(";")[0]
        content = response["content"].get(media)
        if content is None:
            return f"content type {media!r} is not documented for {answer.status}"
        for name, header in response.get("headers", {}).items():
            text = answer.header(name)
            required = name.lower() not in ("retry-after", "x-mbx-order-count-1m")
            if text is None and required:
                return f"header {name} is missing"
            if text is not None and not text.isdigit():
                return f"header {name} is {text!r}, which is no {header['schema']['type']}"
        if media == "application/json":
            if answer.status not in self._validators:
                self._validators[answer.status] = jsonschema_rs.Draft202012Validator(content["schema"])
            validator = self._validators[answer.status]
            assert validator is not None
            errors = [error.message for error in validator.iter_errors(answer.json())]
            if errors:
                return f"the body breaks its schema: {errors[0]}"
        return None


def effective_texts(request: Request) -> dict[str, str]:
    """The parameter values that count: the query's where a name stands in both places."""
    return {
        pair.name: pair.value
        for text in (wire.split(request.body), wire.split(request.query))
        for pair in text.pairs
        if pair.name not in ("timestamp", "recvWindow", "signature")
    }


def served(contract: Document, running: Exchange, operation: Operation) -> bool:
    """Whether the exchange knows the path; what it does not know must be an accepted gap."""
    known = (
        running.send(Tamperer(contract, signing_key("S1"), (), NOW_MS).composer.right(operation)).status
        != 404
    )
    assert known != is_gap("sandbox", operation.id), f"{operation.id}: gaps.allow.toml is wrong about it"
    return known


@pytest.mark.parametrize("kind", KINDS)
def test_only_what_the_document_allows_is_accepted(
    kind: str, operation: Operation, contract: Document
) -> None:
    """
    Each variation is answered by the document's rules; what is executed, changes the account as the
    model says; what is refused, changes nothing; and each answer is charged its weight.
    """
    if kind != "S1" and (not operation.signed or operation.path not in every_kind(contract)):
        return
    key = signing_key(kind)
    others = (signing_key("S2"), *(signing_key(name) for name in KINDS if name != kind))
    tamperer = Tamperer(contract, key, others, NOW_MS)
    oracle = Oracle(contract, (key, *others))
    schemas = Schemas(operation)
    verdicts: Counter[str] = Counter()
    ids: set[int] = set()
    with exchange() as running:
        if not served(contract, running, operation):
            return
        models, used = fresh(contract, running), 0
        for variant in variants(tamperer, operation, kind):
            if exhausted(operation, models, used):
                models, used = fresh(contract, running), 0
                ids.clear()
            prepare(contract, running, operation, variant.request, models)
            verdict = oracle.expect(variant.request, NOW_MS)
            answer = running.send(variant.request)
            where = (
                f"{variant.group}: {variant.name}: {answer.status} {answer.body[:200]!r} ({clauses(verdict)})"
            )
            if verdict.operation is None:
                assert verdict.allows(answer.status, answer.code), where
                verdicts["elsewhere"] += 1
                continue
            complaint = schemas.complaint(answer)
            assert complaint is None or answer.status in (413, 415), f"{complaint}: {where}"
            used += charged(operation, variant.request)
            assert weight_of(answer) == used, f"weight: {where}"
            if verdict.silent:
                verdicts["silent"] += 1
                assert verdict.allows(answer.status, answer.code), where
                if answer.status == 200 and operation.facts["x-mutates"]:
                    models, used = fresh(contract, running), 0
                    ids.clear()
            elif verdict.accepted:
                account = (
                    OTHER
                    if signing_key("S2").api_key in variant.request.header(contract.key_header)
                    else MAIN
                )
                judge_accepted(operation, models[account], variant.request, answer, ids, where)
                verdicts["accepted"] += answer.status == 200
                verdicts["refused by a rule"] += answer.status != 200
            else:
                assert verdict.allows(answer.status, answer.code), where
                assert code_is_documented(contract, answer.code), where
                verdicts["refused"] += 1
            if operation.facts["x-mutates"] and (answer.status == 200 or verdicts.total() % 50 == 0):
                assert running.balances() == books(models), where
        assert running.balances() == books(models)
    assert verdicts["accepted"] >= 2, verdicts
    assert verdicts["refused"] >= (50 if operation.signed else 10), verdicts


def every_kind(contract: Document) -> set[str]:
    """
    Paths that are tried with every kind of key: all in the longer profiles, one read and one write in the
    fast one, since the kind of key is nothing that a call knows of.
    """
    if profile().name == "fast":
        return {"/papi/v1/balance", "/papi/v1/margin/repay-debt"}
    return {operation.path for operation in contract.operations}


def variants(tamperer: Tamperer, operation: Operation, kind: str) -> Iterator[Any]:
    """All variants under the HMAC key; under the others those that have to do with keys and signatures."""
    for variant in tamperer.variants(operation):
        if kind == "S1" or variant.group in ("key", "signature", "places", "order"):
            yield variant


def fresh(contract: Document, running: Exchange) -> dict[str, AccountModel]:
    """Make the world anew, in the exchange and in the models of its two accounts."""
    content = state()
    running.install(content)
    return {name: AccountModel(contract, content, name) for name in (MAIN, OTHER)}


def exhausted(operation: Operation, models: Mapping[str, AccountModel], used: int) -> bool:
    """Whether right requests would soon be refused for lack of debt, funds, weight or permitted calls."""
    mine = models[MAIN].position("ETH")
    if mine.debt < ROOMY or mine.free < ROOMY or models[OTHER].position("ETH").debt < 1:
        return True
    if operation.facts["x-weight"].get("budget", "ip-weight") != "ip-weight" and used > 11_000:
        return True  # the state document sets the limit of the main budget only
    caps = [int(cap["limit"]) for cap in operation.facts.get("x-caps", []) if cap["kind"] == "rate"]
    made = max(len(model.calls.get(operation.id, ())) for model in models.values())
    return bool(caps) and made >= min(caps) // 2


def prepare(
    contract: Document,
    running: Exchange,
    operation: Operation,
    request: Request,
    models: Mapping[str, AccountModel],
) -> None:
    """
    See to it that there is a listen key to extend and to close, and ask how much may be borrowed; from
    another address, which pays for it.
    """
    composer = Tamperer(contract, signing_key("S1"), (), NOW_MS).composer
    if operation.path.endswith("/listenKey"):
        running.send(composer.right(contract.by_id("startUserDataStream")), ip="10.9.9.9")
    if operation.id == "marginBorrow":
        asset = effective_texts(request).get("asset", "")
        for name, key in ((MAIN, "S1"), (OTHER, "S2")):
            composer = Tamperer(contract, signing_key(key), (), NOW_MS).composer
            answer = running.send(
                composer.right(contract.by_id("maxBorrowable"), [("asset", asset)]), ip="10.9.9.9"
            )
            models[name].borrowable = plain(answer.json()["amount"]) if answer.status == 200 else Fraction(0)


def books(models: Mapping[str, AccountModel]) -> dict[str, Any]:
    """What every account must hold and owe."""
    return {name: model.balances() for name, model in models.items()}


def clauses(verdict: AllowedAnswers) -> str:
    """The broken clauses, for a message."""
    return (
        verdict.silent
        or "; ".join(f"{breach.clause} -> {sorted(breach.codes)}" for breach in verdict.breaches)
        or "right"
    )


def weight_of(answer: Answer) -> int:
    """What the used-weight header says."""
    text = answer.header("X-MBX-USED-WEIGHT-1M") or answer.header("X-SAPI-USED-IP-WEIGHT-1M")
    assert text is not None
    return int(text)


def charged(operation: Operation, request: Request) -> int:
    """What the document says this request costs."""
    weight = operation.facts["x-weight"]
    names = {*wire.split(request.query).names(), *wire.split(request.body).names()}
    for case in weight.get("when", []):
        if (case["parameter"] in names) == case["present"]:
            return int(case["value"])
    return int(weight["value"])


def judge_accepted(
    operation: Operation, model: AccountModel, request: Request, answer: Answer, ids: set[int], where: str
) -> None:
    """A right request does what the model says it does."""
    if not model.knows(operation):
        judge_unmodelled(operation, model, request, answer, where)
        return
    outcome = model.call(operation, effective_texts(request), NOW_MS)
    if outcome.codes:
        assert answer.status == (429 if -1003 in outcome.codes else 400), where
        assert answer.code in outcome.codes, f"{sorted(outcome.codes)} expected: {where}"
        return
    assert answer.status == 200, where
    content = answer.json()
    if operation.id == "accountBalance":
        assert balances_read(content) == outcome.answer["balances"], where
        return
    assert agrees(outcome.answer, content, ids), f"{outcome.answer} expected: {where}"
    if isinstance(content, dict) and "tranId" in content:
        assert content["tranId"] > max(ids, default=0), where
        ids.add(content["tranId"])


def judge_unmodelled(
    operation: Operation, model: AccountModel, request: Request, answer: Answer, where: str
) -> None:
    """Calls whose numbers the exchange makes up for itself: they must be possible ones."""
    asset = effective_texts(request).get("asset")
    if asset is not None and asset not in model.known:
        assert (answer.status, answer.code) == (400, -1108), where
        return
    if operation.id in ("keepAliveUserDataStream", "closeUserDataStream") and answer.status != 200:
        assert (answer.status, answer.code) == (400, -1125), where
        return
    assert answer.status == 200, where
    content = answer.json()
    if operation.id == "maxBorrowable":
        assert 0 <= plain(content["amount"]) <= plain(content["borrowLimit"]), where
    elif operation.id == "maxWithdraw":
        assert asset is not None
        assert 0 <= plain(content["amount"]) <= model.position(asset).free, where
    elif operation.id == "startUserDataStream":
        assert len(content["listenKey"]) == 64, where


def balances_read(content: Any) -> dict[str, Any]:
    """The parts of a balance answer that the model knows, and whether its own formulas hold."""
    rows = content if isinstance(content, list) else [content]
    found: dict[str, Any] = {"array": isinstance(content, list)}
    for row in rows:
        free, locked = plain(row["crossMarginFree"]), plain(row["crossMarginLocked"])
        assert plain(row["crossMarginAsset"]) == free + locked
        wallets = sum(plain(row[name] or "0") for name in ("umWalletBalance", "cmWalletBalance"))
        assert plain(row["totalWalletBalance"]) == free + locked + wallets
        found[row["asset"]] = {key: decimal_text(plain(row[f"crossMargin{key.title()}"])) for key in AMOUNTS}
        rest = {
            "um": row["umWalletBalance"],
            "cm": row["cmWalletBalance"],
            "negative": row["negativeBalance"],
        }
        found[row["asset"]] |= {
            key: decimal_text(plain(text)) for key, text in rest.items() if text and plain(text)
        }
        found[row["asset"]]["updated_ms"] = row["updateTime"]
    return found


def test_the_matrix_covers_every_operation(contract: Document) -> None:
    """No operation of the document is left out: each has variants, the signed ones hundreds."""
    tamperer = Tamperer(contract, signing_key("S1"), (signing_key("S2"),), NOW_MS)
    for operation in contract.operations:
        names = [(variant.group, variant.name) for variant in tamperer.variants(operation)]
        assert len(names) >= (400 if operation.signed else 20), operation.id
        assert len(names) == len(set(names)), [name for name, count in Counter(names).items() if count > 1]


def test_keys_of_this_suite_are_told_apart() -> None:
    """The test keys are different keys, so that a signature by the wrong one is wrong."""
    keys: list[Key] = [signing_key(name) for name in ("S1", "S2", "S3", "E1", "R1")]
    assert len({key.api_key for key in keys}) == len(keys)
    assert len({key.sign(b"message") for key in keys}) == len(keys)

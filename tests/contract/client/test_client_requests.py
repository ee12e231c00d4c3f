"""
What the client sends, and what it refuses to send: each request that leaves is judged from its raw bytes by
an acceptor that knows the document only, and verified by a signature check of this suite's own.
"""

import asyncio
import inspect
import itertools
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest

from paydown.errors import InvalidCredentials, InvalidRequest, RequestNotSent
from paydown_contract.document import FORM, Document, Field, Operation
from paydown_contract.requests import parameter_texts
from paydown_contract.requests import percent_encoding as wire
from paydown_contract.requests.raw_request import Request
from paydown_contract.requests.signing_key import Key
from paydown_contract.rules.allowed_answers import Oracle
from paydown_contract.rules.schema_mismatch import schema_mismatch
from tests.contract.support import drive
from tests.contract.support.client import Bench, Reply, Responder, confirming, reply
from tests.contract.support.exchange import NOW_MS
from tests.contract.support.keys import signing_key

KINDS = ("S1", "E1", "R1")
OWNED = {"timestamp", "recvWindow", "signature"}


class Judge:
    """Calls one operation and judges what left."""

    def __init__(
        self,
        contract: Document,
        operation: Operation,
        key: Key,
        *,
        base_url: str | None = "http://exchange.test",
    ) -> None:
        self.contract = contract
        self.operation = operation
        self.key = key
        self.oracle = Oracle(contract, (key,))
        self.texts: Mapping[str, str] = {}
        self.bench = Bench(key, self.answer, base_url=base_url, step_ms=1)
        self.method = drive.method(self.bench.client, operation)

    def answer(self, request: Request) -> Reply:
        """Confirm whatever arrives."""
        return reply(confirming(self.operation, self.texts))

    def call(
        self, keywords: Mapping[str, Any], texts: Mapping[str, str], *, window: str | None = None
    ) -> Request:
        """Call with `keywords`; exactly one request must leave, and say exactly `texts`."""
        self.texts = texts
        sent = self.bench.capture.requests
        before = len(sent)
        self.method(**keywords)
        assert len(sent) == before + 1, f"{len(sent) - before} requests for one call"
        self.check(sent[-1], texts, window=window)
        return sent[-1]

    def check(self, request: Request, texts: Mapping[str, str], *, window: str | None = None) -> None:
        """Judge one request that left."""
        operation, signing = self.operation, self.contract.signing
        assert (request.method, request.path) == (operation.method, operation.path)
        verdict = self.oracle.expect(request, self.bench.clock.now)
        assert verdict.accepted, (verdict.silent, verdict.breaches)

        query, body = wire.split(request.query), wire.split(request.body)
        assert query.irregularities == ()
        assert body.irregularities == ()
        assert not (body if operation.method == "GET" else query).pairs, "parameters in the wrong place"
        pairs = [(pair.name, pair.value) for pair in (*query.pairs, *body.pairs)]
        expected = [
            (field.name, texts[field.name]) for field in drive.own_fields(operation) if field.name in texts
        ]
        assert [pair for pair in pairs if pair[0] not in OWNED] == expected
        owned = dict(pair for pair in pairs if pair[0] in OWNED)
        if operation.signed:
            assert set(owned) == OWNED
            assert owned["recvWindow"] == (window or str(signing["recv-window"]["default"]))
            assert owned["timestamp"] == str(self.bench.clock.now), "not stamped at the moment of sending"
            assert pairs[-1][0] == "signature"
        else:
            assert owned == {}
        self.check_headers(request)

    def check_headers(self, request: Request) -> None:
        """The key where it is needed and nowhere else, and a form that says that it is one."""
        assert request.header(self.contract.key_header) == (
            (self.key.api_key,) if self.operation.api_key else ()
        )
        assert request.header("Content-Type") == ((FORM,) if request.body else ())
        if request.body or self.operation.method != "GET":
            assert request.header("Content-Length") == (str(len(request.body)),)
        assert request.header("Host") == ("exchange.test",)
        secret = self.key.secret
        shown = repr(request.headers)
        assert not isinstance(secret, bytes) or self.key.kind != "hmac" or secret.decode() not in shown
        names = [name.lower() for name, _ in request.headers]
        assert len(names) == len(set(names)), "a header twice"

    def refuses(self, keywords: Mapping[str, Any], kind: type[BaseException] = InvalidRequest) -> None:
        """Calling with `keywords` fails before anything is sent."""
        before = len(self.bench.capture.requests)
        with pytest.raises(kind) as caught:
            self.method(**keywords)
        assert len(self.bench.capture.requests) == before, f"something was sent for {keywords}"
        assert isinstance(caught.value, RequestNotSent | TypeError)


def confirms(operation: Operation, texts: Mapping[str, str]) -> Responder:
    """An exchange that confirms every call."""
    return lambda _: reply(confirming(operation, texts))


def right_texts(operation: Operation, *, optional: bool, turn: int = 0) -> dict[str, str]:
    """Right wire texts for an operation."""
    return {
        field.name: parameter_texts.valid(field.schema, turn + (1 if field.is_list else 0))
        for field in drive.own_fields(operation)
        if field.required or optional
    }


def sendable(field: Field) -> Iterator[tuple[str, Any]]:
    """Each right text of a field, with every Python value that must go out as it."""
    for _, text in parameter_texts.texts(field.schema):
        if schema_mismatch(field.schema, text) is not None:
            continue
        yield text, drive.python_value(field, text)
        if field.schema.get("format") == "decimal":
            yield text, text
        if field.is_list:
            yield text, tuple(text.split(","))


@pytest.mark.parametrize("kind", KINDS)
def test_every_selection_of_arguments_goes_out_as_the_document_says(
    kind: str, operation: Operation, contract: Document
) -> None:
    """
    Required ones alone, each optional one added, all together, in several values, under every kind of key.
    """
    judge = Judge(contract, operation, signing_key(kind))
    required = right_texts(operation, optional=False)
    selections = [right_texts(operation, optional=True, turn=turn) for turn in range(4)] + [required]
    for name, text in right_texts(operation, optional=True).items():
        selections.append({**required, name: text})
    for texts in selections:
        judge.call(drive.arguments(operation, texts), texts)


def test_every_right_value_goes_out_exactly(operation: Operation, contract: Document) -> None:
    """
    Each right spelling of each parameter leaves as that very text: no exponent, no lost zero, no changed
    case.
    """
    judge = Judge(contract, operation, signing_key("S1"))
    required = right_texts(operation, optional=False)
    for field in drive.own_fields(operation):
        count = 0
        for text, value in sendable(field):
            texts = {**required, field.name: text}
            judge.call({**drive.arguments(operation, required), drive.python_name(field.name): value}, texts)
            count += 1
        assert count >= (2 if drive.is_boolean_text(field) or "enum" in field.schema else 3), field.name


def test_every_wrong_value_is_refused_before_anything_leaves(
    operation: Operation, contract: Document
) -> None:
    """No text that the document forbids can be made to leave, given as text, as a number or in a list."""
    judge = Judge(contract, operation, signing_key("S1"))
    required = drive.arguments(operation, right_texts(operation, optional=False))
    for field in drive.own_fields(operation):
        name = drive.python_name(field.name)
        for label, text in parameter_texts.texts(field.schema):
            if schema_mismatch(field.schema, text) is None:
                continue
            for value in unsendable(field, text):
                try:
                    judge.refuses({**required, name: value})
                except BaseException as error:
                    raise AssertionError(f"{field.name}: {label}: {value!r}") from error


def unsendable(field: Field, text: str) -> Iterator[Any]:
    """Python values that could only go out as the wrong text `text`, or as something that nobody meant."""
    schema = field.schema
    if field.is_list:
        # A comma inside one item would pass for two items.
        yield text.split(",")
        yield text
        yield [text]
    elif schema.get("type") == "integer":
        yield text
        if text.lstrip("-").isascii() and text.lstrip("-").isdigit() and str(int(text)) == text:
            yield int(text)
    elif drive.is_boolean_text(field):
        yield text
    else:
        yield text


@pytest.mark.parametrize("form", ["decimal", "text"])
def test_amounts_go_out_in_plain_digits(form: str, contract: Document) -> None:
    """Every way to write a right number as a Decimal leaves without an exponent, and with its own scale."""
    numbers = [
        Decimal(mantissa).scaleb(exponent)
        for mantissa in ("1", "10", "25", "100", "123456789")
        for exponent in range(-8, 12)
    ]
    for operation in contract.operations:
        field = next(
            (field for field in drive.own_fields(operation) if field.schema.get("format") == "decimal"), None
        )
        if field is None:
            continue
        judge = Judge(contract, operation, signing_key("S1"))
        required = right_texts(operation, optional=False)
        sent = 0
        for number in numbers:
            text = format(number, "f")
            keywords = {
                **drive.arguments(operation, required),
                drive.python_name(field.name): number if form == "decimal" else text,
            }
            if schema_mismatch(field.schema, text) is None:
                judge.call(keywords, {**required, field.name: text})
                sent += 1
            else:
                judge.refuses(keywords)
        assert sent > 50


def test_odd_types_are_refused(operation: Operation, contract: Document) -> None:
    """
    A float for money, None, a bool for a number, a str for a list, bytes and sets: a TypeError, and nothing
    leaves.
    """
    judge = Judge(contract, operation, signing_key("S1"))
    required = drive.arguments(operation, right_texts(operation, optional=False))
    numbers: list[Any] = [0.1, 1.0, float("nan"), True, False, None, b"1", object(), {}, {1}, 1j]
    for field in drive.own_fields(operation):
        name = drive.python_name(field.name)
        if field.is_list:
            wrong: list[Any] = [
                None,
                "USDT",
                "USDT,BTC",
                b"USDT",
                {"USDT"},
                {"USDT": 1},
                iter(["USDT"]),
                [None],
                [1],
                [b"A"],
                [["A"]],
                1,
                True,
            ]
        elif field.schema.get("type") == "integer":
            wrong = [*numbers, "1", Decimal(1), [1]]
        elif drive.is_boolean_text(field):
            wrong = ["true", "false", 1, 0, None, "", 0.0, [True]]
        elif field.schema.get("format") == "decimal":
            wrong = [*numbers, 1, 10, [Decimal(1)], (1,)]
        else:
            wrong = [*numbers, 1, Decimal(1), ["BNB"], ("BNB",)]
        for value in wrong:
            judge.refuses({**required, name: value}, TypeError)
    for bad in (
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("Infinity"),
        Decimal("-Infinity"),
        Decimal("-0"),
        Decimal("-1"),
        Decimal("1E+1000000"),
    ):
        for field in drive.own_fields(operation):
            if field.schema.get("format") == "decimal":
                judge.refuses({**required, drive.python_name(field.name): bad})


def test_names_are_checked(operation: Operation, contract: Document) -> None:
    """A misspelt, unknown, owned or positional argument is a TypeError, and a missing required one too."""
    judge = Judge(contract, operation, signing_key("S1"))
    required = drive.arguments(operation, right_texts(operation, optional=False))
    names = [drive.python_name(field.name) for field in drive.own_fields(operation)]
    strangers = [
        "foo",
        "timestamp",
        "signature",
        "recvWindow",
        "Asset",
        "ammount",
        "api_key",
        *[name + "s" for name in names],
    ]
    strangers += [
        field.name for field in drive.own_fields(operation) if drive.python_name(field.name) != field.name
    ]
    strangers += [] if operation.signed else ["recv_window"]
    for name in strangers:
        if name not in names:
            judge.refuses({**required, name: "1"}, TypeError)
    for name in required:
        judge.refuses({key: value for key, value in required.items() if key != name}, TypeError)
    before = len(judge.bench.capture.requests)
    for count in (1, 2):
        with pytest.raises(TypeError):
            judge.method(*["BNB"] * count)
    assert len(judge.bench.capture.requests) == before


def test_recv_window_goes_out_within_its_bounds(operation: Operation, contract: Document) -> None:
    """
    Each right window leaves as it is, each wrong one is refused, and a client's own default replaces the
    document's.
    """
    if not operation.signed:
        return
    judge = Judge(contract, operation, signing_key("S1"))
    texts = right_texts(operation, optional=False)
    keywords = drive.arguments(operation, texts)
    field = operation.field("recvWindow")
    assert field is not None
    low, high = field.schema["minimum"], field.schema["maximum"]
    for window in (low, low + 1, 999, 4999, 5000, 5001, high - 1, high):
        judge.call({**keywords, "recv_window": window}, texts, window=str(window))
    for window in (low - 1, -1, -high, high + 1, 9999999, 10**30):
        judge.refuses({**keywords, "recv_window": window})
    for wrong in (None, "5000", 5000.0, True, Decimal(5000), [5000], ""):
        judge.refuses({**keywords, "recv_window": wrong}, TypeError)


def allowed_characters(pattern: str) -> tuple[str, ...]:
    """Every character of the first planes that, alone, is a full match of `pattern`."""
    compiled = re.compile(pattern)
    return tuple(
        character
        for number in (*range(0xD800), *range(0xE000, 0x3134F))
        if compiled.fullmatch(character := chr(number))
    )


def test_every_character_is_encoded_once(contract: Document) -> None:
    """
    Each character that an asset name may hold, of all planes, leaves percent-encoded as UTF-8 in upper case
    and comes back as itself.
    """
    operation = next(op for op in contract.operations if (op.method, op.path) == ("GET", "/papi/v1/balance"))
    schema = next(field.schema for field in operation.fields if field.name == "asset")
    characters = allowed_characters(schema["pattern"])
    size = schema["maxLength"]
    judge = Judge(contract, operation, signing_key("S1"))
    assert len(characters) > 100_000
    step = 37  # a prime, so that neighbours do not always stand together
    mixed = [character for start in range(step) for character in characters[start::step]]
    plane = [character for character in mixed if ord(character) < 0x3100]
    chosen = plane + mixed[:: max(1, len(mixed) // 8000)]
    for start in range(0, len(chosen), size):
        name = "".join(chosen[start : start + size])
        judge.call({"asset": name}, {"asset": name})


def test_a_body_is_encoded_like_a_query(contract: Document) -> None:
    """The same characters in a form body: blanks and commas never bare, never plus, never in lower case."""
    operation = next(op for op in contract.operations if op.path == "/papi/v1/margin/repay-debt")
    field = next(field for field in operation.fields if field.name == "asset")
    characters = [
        character for character in allowed_characters(field.schema["pattern"]) if ord(character) < 0x3100
    ]
    judge = Judge(contract, operation, signing_key("S1"))
    size = field.schema["maxLength"]
    for start in range(0, len(characters), size):
        name = "".join(characters[start : start + size])
        payers = [name[:8], "USDT", "BTC"]
        texts = {"asset": name, "amount": "0.10000000", "specifyRepayAssets": ",".join(payers)}
        request = judge.call({"asset": name, "amount": "0.10000000", "specify_repay_assets": payers}, texts)
        assert request.body.count(b"%2C") == 2
        assert b"," not in request.body
        assert b"+" not in request.body


def test_published_vectors_are_what_leaves(contract: Document) -> None:
    """
    The client's own request for the arguments of C1, C4 and C5 is the published text with the published
    signature.
    """
    operation = next(op for op in contract.operations if op.path == "/papi/v1/margin/repay-debt")
    from tests.contract.support.evidence import vectors

    rows = {row["id"]: row for row in vectors("signing")["verifying"]}
    calls: dict[str, dict[str, Any]] = {
        "C1": {"asset": "BNB", "amount": Decimal("0.10000000"), "specify_repay_assets": ["USDT", "BTC"]},
        "C4": {"asset": "BNB", "specify_repay_assets": ["USDT", "BTC"]},
        "C5": {"asset": "BNB"},
        "C6": {"asset": "BNB", "amount": "0.10000000", "specify_repay_assets": ("USDT", "BTC")},
        "C7": {"asset": "BNB", "amount": "0.10000000", "specify_repay_assets": ("USDT", "BTC")},
    }
    for name, keywords in calls.items():
        row = rows[name]
        bench = Bench(signing_key(row["key"]), lambda _: reply(confirming(operation, {"asset": "BNB"})))
        bench.client.margin.repay_debt(**keywords)
        (request,) = bench.capture.requests
        assert request.body == f"{row['query']}&signature={wire.escape(row['signature'])}".encode("ascii"), (
            name
        )
        assert request.query == b""


def test_the_awaited_client_sends_the_same(operation: Operation, contract: Document) -> None:
    """Call for call the awaited client's bytes are those of the blocking one."""
    for optional in (False, True):
        texts = right_texts(operation, optional=optional)
        keywords = drive.arguments(operation, texts)
        bench = Bench(signing_key("S1"), confirms(operation, texts))
        drive.method(bench.client, operation)(**keywords)

        async def call(bench: Bench = bench, keywords: Mapping[str, Any] = keywords) -> None:
            async with bench.make_async() as client:
                await drive.method(client, operation)(**keywords)

        asyncio.run(call())
        blocking, awaited = bench.capture.requests
        assert blocking == awaited


def test_without_credentials_only_open_calls_leave(operation: Operation, contract: Document) -> None:
    """A client without a key makes the calls that need none, and refuses the others before sending."""
    texts = right_texts(operation, optional=False)
    bench = Bench(None, lambda _: reply(confirming(operation, texts)))
    method = drive.method(bench.client, operation)
    if operation.api_key:
        with pytest.raises(InvalidCredentials):
            method(**drive.arguments(operation, texts))
        assert bench.capture.requests == []
    else:
        method(**drive.arguments(operation, texts))
        assert len(bench.capture.requests) == 1


def test_calls_go_to_the_documents_hosts(
    operation: Operation, contract: Document, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Without a base URL each call goes to the server that the document names for it, with the document's
    time-outs.
    """
    monkeypatch.delenv("PAYDOWN_BASE_URL", raising=False)
    texts = right_texts(operation, optional=False)
    bench = Bench(signing_key("S1"), lambda _: reply(confirming(operation, texts)), base_url=None)
    drive.method(bench.client, operation)(**drive.arguments(operation, texts))
    (raw,) = bench.capture.raw
    server = contract.content["x-servers"][operation.facts.get("x-server", "papi")]["url"]
    timeout = operation.facts.get("x-timeout", contract.content["x-default-timeout"])

    assert f"{raw.url.scheme}://{raw.url.host}" == server
    assert raw.url.raw_path.partition(b"?")[0] == operation.path.encode("ascii")
    assert raw.extensions["timeout"]["read"] == timeout["answer-ms"] / 1000
    assert raw.extensions["timeout"]["connect"] == timeout["connect-ms"] / 1000


def test_the_budget_is_asked_for_the_documents_weight(operation: Operation, contract: Document) -> None:
    """
    Before a call leaves, its weight is taken from the right counter, by the case that fits its arguments.
    """
    for optional in (False, True):
        texts = right_texts(operation, optional=optional)
        bench = Bench(signing_key("S1"), confirms(operation, texts))
        drive.method(bench.client, operation)(**drive.arguments(operation, texts))
        weight = operation.facts["x-weight"]
        expected = next(
            (
                case["value"]
                for case in weight.get("when", [])
                if (case["parameter"] in texts) == case["present"]
            ),
            weight["value"],
        )
        limit = contract.content["x-limits"][weight.get("budget", "ip-weight")]
        (charges,) = bench.budget.asked

        weighed = next(each for each in charges if each.limit.id == weight.get("budget", "ip-weight"))
        assert weighed.cost == expected
        assert (weighed.limit.limit, weighed.limit.interval_ms) == (limit["limit"], limit["interval-ms"])
        assert [each.cost for each in charges if each is not weighed] in ([], [0])
        assert [ended for ended, _ in bench.budget.released] == ["answered"]


def test_a_second_call_is_stamped_and_signed_anew(operation: Operation, contract: Document) -> None:
    """The same call again has its own timestamp and its own signature: nothing is reused."""
    if not operation.signed:
        return
    judge = Judge(contract, operation, signing_key("S1"))
    texts = right_texts(operation, optional=False)
    first = judge.call(drive.arguments(operation, texts), texts)
    second = judge.call(drive.arguments(operation, texts), texts)

    assert (first.query, first.body) != (second.query, second.body)


def test_no_call_leaves_anything_behind_for_the_next(contract: Document) -> None:
    """
    Every call after every other one, with few and with all arguments, through one client: each leaves, and is
    charged, as through a client of its own.
    """
    calls: list[tuple[Operation, dict[str, Any], dict[str, str]]] = []
    alone: list[tuple[Request, tuple[Any, ...]]] = []
    for operation in contract.operations:
        few, many = (right_texts(operation, optional=optional) for optional in (False, True))
        for texts in (few, many) if few != many else (few,):
            calls.append((operation, drive.arguments(operation, texts), texts))
            bench = Bench(signing_key("S1"), confirms(operation, texts))
            drive.method(bench.client, operation)(**calls[-1][1])
            alone.append((bench.capture.requests[0], bench.budget.asked[0]))
    answers: list[Any] = []
    shared = Bench(signing_key("S1"), lambda _: reply(answers[-1]))
    for first, second in itertools.permutations(range(len(calls)), 2):
        for number in (first, second):
            operation, keywords, texts = calls[number]
            answers.append(confirming(operation, texts))
            drive.method(shared.client, operation)(**keywords)
            left = (shared.capture.requests.pop(), shared.budget.asked.pop())
            assert left == alone[number], f"{operation.id} after {calls[first][0].id}"


def test_methods_exist_for_every_operation_and_for_nothing_else(contract: Document) -> None:
    """The client's resources hold the document's operations and their paged readers, and nothing besides."""
    bench = Bench(signing_key("S1"), lambda _: reply({}))
    for client in (bench.client, bench.make_async()):
        for tag in {operation.facts["tags"][0] for operation in contract.operations}:
            resource = getattr(client, tag)
            names = {name for name, _ in inspect.getmembers(resource, callable) if not name.startswith("_")}
            operations = [operation for operation in contract.operations if operation.facts["tags"][0] == tag]
            expected = {operation.facts["x-method-name"] for operation in operations}
            expected |= {
                f"iter_{op.facts['x-method-name']}" for op in operations if "x-pagination" in op.facts
            }
            assert names == expected, tag


def test_the_published_moment_is_the_clock_of_these_tests() -> None:
    """
    The frozen clock stands at the moment of the published samples, so that their signatures can be
    compared.
    """
    assert NOW_MS == 1636371437000

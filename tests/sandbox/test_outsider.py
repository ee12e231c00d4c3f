"""The process as an outsider meets it: httpx, websockets, the published vectors, and nothing of this project's code."""

from __future__ import annotations

import base64
import concurrent.futures
import json
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from websockets.sync.client import connect

from tests.sandbox.signer import digest

VECTORS = Path(__file__).parents[1] / "vectors" / "signing"
KEYS: dict[str, Any] = json.loads((VECTORS / "keys.json").read_text())
SIGNED_MS = 1_636_371_437_000  # the timestamp in every computed vector
HOUR_MS = 3_600_000
REPAY = "/papi/v1/margin/repay-debt"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
SECRET = str(KEYS["S1"]["secret"])
KEY = "hmac-key"


def whole(text: str) -> int:
    """A base64url number, as RFC 7515 writes them."""
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))


def pem(key: Any) -> str:
    """A public key as text."""
    text: bytes = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return text.decode()


def vector(name: str) -> dict[str, Any]:
    """One computed vector."""
    found: dict[str, Any] = json.loads((VECTORS / f"{name}.json").read_text())
    return found


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A sandbox process with a file."""
    data = tmp_path_factory.mktemp("outsider") / "exchange.db"
    command = [sys.executable, "-m", "paydown_sandbox", "--port", "0", "--data", str(data)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    yield process.stdout.readline().split()[-1]
    process.terminate()
    process.communicate(timeout=20)


def state(**members: object) -> dict[str, Any]:
    """One account with a key of each kind, a key that may only read, and one for another address."""
    ed = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(KEYS["E1"]["seed_hex"])).public_key()
    rsa = RSAPublicNumbers(65537, whole(KEYS["R1"]["n"])).public_key()
    keys = [
        {"api_key": KEY, "type": "hmac", "secret_or_public_key": SECRET},
        {"api_key": "ed-key", "type": "ed25519", "secret_or_public_key": pem(ed)},
        {"api_key": "rsa-key", "type": "rsa", "secret_or_public_key": pem(rsa)},
        {"api_key": "reads", "type": "hmac", "secret_or_public_key": SECRET, "permissions": ["USER_DATA"]},
        {"api_key": "far", "type": "hmac", "secret_or_public_key": SECRET, "ip_allow": ["192.0.2.0/24"]},
        {"api_key": "near", "type": "hmac", "secret_or_public_key": SECRET, "ip_allow": ["127.0.0.0/8"]},
    ]
    held = {"BNB": {"borrowed": "3"}, "USDT": {"free": "250000"}, "BTC": {"free": "1"}}
    return {
        "accounts": [{"id": "desk", "keys": keys, "balances": held}],
        "prices_usd": {"BNB": "600", "USDT": "1", "BTC": "60000"},
        "limits": {"weight_per_minute": 10**9, "orders_per_minute": 1200},
        "clock": {"frozen": True, "now_ms": SIGNED_MS},
        **members,
    }


@pytest.fixture
def client(url: str) -> Iterator[httpx.Client]:
    """httpx, on an exchange whose clock stands at the moment of the vectors."""
    with httpx.Client(base_url=url, timeout=20) as found:
        put(found)
        yield found


def put(client: httpx.Client, **members: object) -> None:
    """Give the exchange a world."""
    assert client.put("/_sandbox/state", json=state(**members)).status_code == 200


def signed(text: str, *, now_ms: int = SIGNED_MS) -> str:
    """A form with a timestamp and its HMAC."""
    message = f"{text}&timestamp={now_ms}" if text else f"timestamp={now_ms}"
    return f"{message}&signature={digest(message, SECRET)}"


def post(client: httpx.Client, path: str, text: str, key: str = KEY, **of: int) -> httpx.Response:
    """A signed POST with everything in the body."""
    return client.post(path, content=signed(text, **of), headers={"X-MBX-APIKEY": key, **FORM})


def get(client: httpx.Client, path: str, text: str = "", key: str = KEY, **of: int) -> httpx.Response:
    """A signed GET."""
    return client.get(f"{path}?{signed(text, **of)}", headers={"X-MBX-APIKEY": key})


def debt(client: httpx.Client) -> Decimal:
    """What is owed in BNB, by the balance call."""
    now_ms = client.get("/_sandbox/clock").json()["now_ms"]
    row = get(client, "/papi/v1/balance", "asset=BNB", now_ms=now_ms).json()
    return Decimal(row["crossMarginBorrowed"]) + Decimal(row["crossMarginInterest"])


@pytest.mark.parametrize("where", ["query", "body"])
@pytest.mark.parametrize(("name", "key"), [("c1", KEY), ("c6", "ed-key"), ("c7", "rsa-key")])
def test_computed_vectors_repay(client: httpx.Client, name: str, key: str, where: str) -> None:
    """Message and signature of the vector file, as they stand, by a key of each kind."""
    found = vector(name)
    text = f"{found['message']}&signature={quote(found['signature'], safe='')}"
    headers = {"X-MBX-APIKEY": key, **FORM}
    if where == "query":
        answer = client.post(f"{REPAY}?{text}", headers=headers)
    else:
        answer = client.post(REPAY, content=text, headers=headers)
    assert answer.json()["success"] is True, answer.text
    assert answer.json()["specifyRepayAssets"] == ["USDT", "BTC"]
    assert debt(client) == Decimal("2.9")


def test_the_mixed_vector_repays(client: httpx.Client) -> None:
    """C2: a part in the query, the rest in the body, no separator between them in the message."""
    query = "asset=BNB&amount=0.10000000"
    body = f"specifyRepayAssets=USDT%2CBTC&recvWindow=5000&timestamp={SIGNED_MS}&signature={vector('c2')['signature']}"
    answer = client.post(f"{REPAY}?{query}", content=body, headers={"X-MBX-APIKEY": KEY, **FORM})
    assert answer.json()["success"] is True, answer.text


def test_another_spelling_of_the_same_values_does_not_verify(client: httpx.Client) -> None:
    """C1 signed an encoded comma: with a bare one the bytes are others."""
    found = vector("c1")
    text = f"{found['message'].replace('%2C', ',')}&signature={found['signature']}"
    answer = client.post(REPAY, content=text, headers={"X-MBX-APIKEY": KEY, **FORM})
    assert (answer.status_code, answer.json()["code"]) == (400, -1022)
    assert debt(client) == 3


def test_keys_open_what_they_are_made_for(client: httpx.Client) -> None:
    """A reader reads and repays nothing; an address list lets its own addresses in, and no others."""
    assert get(client, "/papi/v1/account", key="reads").status_code == 200
    refused = post(client, REPAY, "asset=BNB&amount=0.1", "reads")
    assert (refused.status_code, refused.json()["code"]) == (401, -2015)
    assert get(client, "/papi/v1/account", key="far").json()["code"] == -2015
    assert get(client, "/papi/v1/account", key="near").status_code == 200
    assert debt(client) == 3


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (f"asset=BNB&timestamp={SIGNED_MS + 1000}", -1021),
        (f"asset=BNB&timestamp={SIGNED_MS - 5001}", -1021),
        (f"asset=BNB&asset=BNB&timestamp={SIGNED_MS}", -1101),
        (f"asset=BNB&recvWindow=60001&timestamp={SIGNED_MS}", -1130),
        (f"amount=0.1&timestamp={SIGNED_MS}", -1102),
        (f"asset=&timestamp={SIGNED_MS}", -1105),
        (f"asset=BNB&amount=1e-3&timestamp={SIGNED_MS}", -1102),
        (f"asset=b%20nb&timestamp={SIGNED_MS}", -1100),
        (f"asset=BNB&nonsense=1&timestamp={SIGNED_MS}", -1104),
    ],
)
def test_refusals_have_their_codes(client: httpx.Client, text: str, code: int) -> None:
    """Signed well and refused for the reason that the code names; nothing is repaid."""
    content = f"{text}&signature={digest(text, SECRET)}"
    answer = client.post(REPAY, content=content, headers={"X-MBX-APIKEY": KEY, **FORM})
    assert (answer.status_code, answer.json()["code"]) == (400, code), answer.text
    assert debt(client) == 3


def test_budget_429_ban_418_and_pages(client: httpx.Client) -> None:
    """Two repayments fill the minute, the third is 429 with Retry-After when asked for, going on is a ban."""
    put(
        client,
        limits={"weight_per_minute": 6000, "orders_per_minute": 1200},
        options={"retry-after": "present"},
    )
    small = "asset=BNB&amount=0.001&specifyRepayAssets=USDT"
    weights = [post(client, REPAY, small).headers["x-mbx-used-weight-1m"] for _ in range(2)]
    assert weights == ["3000", "6000"]
    third = post(client, REPAY, small)
    assert (third.status_code, third.json()["code"], third.headers["retry-after"]) == (429, -1003, "60")
    for _ in range(9):
        assert client.get("/papi/v1/ping").status_code == 429
    banned = client.get("/papi/v1/ping")
    assert banned.status_code == 418
    assert f"banned until {SIGNED_MS + 120_000}" in banned.json()["msg"]
    missing = client.get("/papi/v1/exchangeInfo")
    assert (missing.status_code, missing.headers["content-type"]) == (404, "text/html")


def test_two_repayments_at_once_meet_51007(client: httpx.Client) -> None:
    """While one is under way, another borrow or repayment of the account is pending; one of them is executed."""
    put(client, options={"debt-call-ms": "700"})
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        sent = [
            pool.submit(post, client, path, text)
            for path, text in (
                (REPAY, "asset=BNB&amount=0.1&specifyRepayAssets=USDT"),
                (REPAY, "asset=BNB&amount=0.1&specifyRepayAssets=USDT"),
                ("/papi/v1/repayLoan", "asset=BNB&amount=0.1"),
                ("/papi/v1/marginLoan", "asset=BTC&amount=0.1"),
            )
        ]
        answers = [each.result() for each in sent]
    codes = sorted(answer.json().get("code", 0) for answer in answers)
    assert codes[1:] == [51007, 51007, 51007], [answer.text for answer in answers]
    assert len(client.get("/_sandbox/ledger").json()["entries"]) == 1


def test_interest_prices_and_the_stream_follow_the_clock(url: str, client: httpx.Client) -> None:
    """An hour of interest to the digit, a price that falls as written, and the events that follow from both."""
    put(
        client,
        interest={"daily_rates": {"BNB": "0.0024"}},
        price_paths={
            "BTC": [{"at_ms": SIGNED_MS + 2 * HOUR_MS - 60_000, "price": "1"}],
            "BNB": [{"at_ms": SIGNED_MS + 2 * HOUR_MS - 60_000, "price": "90000"}],
        },
    )
    key = client.post("/papi/v1/listenKey", headers={"X-MBX-APIKEY": KEY}).json()["listenKey"]
    with connect(url.replace("http", "ws") + f"/pm/ws/{key}") as stream:
        assert client.post("/_sandbox/clock", json={"advance_ms": HOUR_MS - 1}).json()["frozen"] is True
        change = json.loads(stream.recv(5))
        assert (change["e"], change["a"], change["t"]) == ("liabilityChange", "BNB", "INTEREST")
        assert (change["i"], Decimal(change["l"])) == ("0.00030000", Decimal("3.0003"))  # 3 x 0.0024 / 24
        client.put("/papi/v1/listenKey", headers={"X-MBX-APIKEY": KEY})
        client.post("/_sandbox/clock", json={"advance_ms": HOUR_MS + 1})
        names: list[str] = []
        while "riskLevelChange" not in names:
            event = json.loads(stream.recv(5))
            names.append(event["e"])
        assert event["s"] in ("MARGIN_CALL", "REDUCE_ONLY", "FORCE_LIQUIDATION")
    assert client.get("/_sandbox/prices").json()["BTC"] == "1"
    now_ms = SIGNED_MS + 2 * HOUR_MS
    rows = get(client, "/papi/v1/margin/marginInterestHistory", "asset=BNB", now_ms=now_ms).json()["rows"]
    assert [row["interest"] for row in rows] == ["0.00030000", "0.00030000"]
    risky = get(client, "/papi/v1/account", now_ms=now_ms).json()["accountStatus"]
    assert risky != "NORMAL"


def test_the_world_goes_out_and_in_without_loss(client: httpx.Client) -> None:
    """GET, PUT, GET: the same document but for the counterparty's books, and every call answers as before."""
    post(client, REPAY, "asset=BNB&amount=0.3&specifyRepayAssets=USDT")
    post(client, "/papi/v1/marginLoan", "asset=BTC&amount=0.5")
    before = client.get("/_sandbox/state").json()
    listed = get(client, "/papi/v1/margin/marginLoan", "asset=BTC").json()
    assert client.put("/_sandbox/state", json=before).status_code == 200
    after = client.get("/_sandbox/state").json()
    assert before.pop("books")["imbalance"] == after.pop("books")["imbalance"] == {}
    assert after == before
    assert get(client, "/papi/v1/margin/marginLoan", "asset=BTC").json() == listed

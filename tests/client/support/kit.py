"""What the tests of the client share: keys of the vectors, virtual time, a scripted exchange."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, cast

import httpx
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from paydown import AsyncClient, Client, Credentials, MemoryBudget, ReadRetries
from paydown.budget.protocol import BudgetUse, Ended, GateReason, Priority, Reservation, Wait, Weight

VECTORS = Path(__file__).resolve().parents[2] / "vectors" / "signing"
NOW_MS = 1_636_371_437_000
API_KEY = "22BjeOROKiXJ3NxbR3zjh3uoGcaflPu3VMyBXAg8Jj2J1xVSnY0eB4dzacdE9IWn"
SECRET = "YtP1BudNOWZE1ag5uzCkh4hIC7qSmQOu797r5EJBFGhxBYivjj8HIX0iiiPof5yG"
REPAY = "/papi/v1/margin/repay-debt"


def vector(name: str) -> dict[str, Any]:
    """One signing vector."""
    return cast("dict[str, Any]", json.loads((VECTORS / f"{name}.json").read_text(encoding="utf-8")))


VERIFYING = sorted(path.stem for path in VECTORS.glob("[vc]?.json"))
WRONG = sorted(path.stem for path in VECTORS.glob("n?.json"))


@cache
def private_key(name: str) -> rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey:
    """The RSA key of RFC 7515 or the Ed25519 key of RFC 8032."""
    numbers = vector("keys")[name]
    if numbers["algorithm"] == "ed25519":
        return ed25519.Ed25519PrivateKey.from_private_bytes(bytes.fromhex(numbers["seed_hex"]))
    n, d, e = (_integer(numbers[part]) for part in ("n", "d", "e"))
    p, q = rsa.rsa_recover_prime_factors(n, e, d)
    iqmp = rsa.rsa_crt_iqmp(p, q)
    public = rsa.RSAPublicNumbers(e, n)
    return rsa.RSAPrivateNumbers(
        p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), iqmp, public
    ).private_key()


@cache
def pem(name: str, password: bytes | None = None, form: str = "PKCS8") -> bytes:
    """A private key as PEM, encrypted if there is a password."""
    return private_key(name).private_bytes(
        serialization.Encoding.PEM,
        getattr(serialization.PrivateFormat, form),
        serialization.NoEncryption() if password is None else serialization.BestAvailableEncryption(password),
    )


def credentials(name: str = "S1") -> Credentials:
    """Credentials for a key of the vectors."""
    key = vector("keys")[name]
    if key["algorithm"] == "hmac":
        return Credentials.hmac(key["api_key"], key["secret"])
    if key["algorithm"] == "rsa":
        return Credentials.rsa(API_KEY, pem(name))
    return Credentials.ed25519(API_KEY, pem(name))


def _integer(base64url: str) -> int:
    return int.from_bytes(urlsafe_b64decode(base64url + "=" * (-len(base64url) % 4)), "big")


class Time:
    """A clock, an oscillator and a sleep that share one virtual time."""

    def __init__(self, now_ms: int = NOW_MS) -> None:
        self.started_ms = now_ms
        self.elapsed_ms = 0.0
        self.slept: list[float] = []

    def now_ms(self) -> int:
        """UTC milliseconds."""
        return self.started_ms + int(self.elapsed_ms)

    def ticks(self) -> int:
        """Milliseconds that only run forward."""
        return int(self.elapsed_ms)

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.slept.append(seconds)
        # A ms is added, as a real sleep is never shorter than asked, and floats round.
        self.elapsed_ms += seconds * 1000 + 1

    async def asleep(self, seconds: float) -> None:
        """Let time pass, awaited."""
        self.sleep(seconds)


class Exchange:
    """Answers requests by a script, one entry per request, the last one for ever; keeps what arrived."""

    def __init__(
        self, *script: httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]
    ) -> None:
        self.script = list(script)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(step, Exception):
            raise step
        if isinstance(step, httpx.Response):
            return httpx.Response(step.status_code, headers=step.headers, content=step.content)
        return step(request)

    @property
    def repayments(self) -> list[httpx.Request]:
        """The requests that would repay a debt."""
        return [request for request in self.requests if request.url.path == REPAY]


def repaid(asset: str = "BNB", **members: object) -> httpx.Response:
    """The answer of a repayment that was executed."""
    body = {"asset": asset, "amount": "0.1", "updateTime": NOW_MS, "success": True, **members}
    return httpx.Response(200, json=body)


def answer(status: int, code: int | None = None, msg: str = "", **headers: str) -> httpx.Response:
    """A JSON error of the exchange."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, json={"code": code, "msg": msg}, headers=names)


def client(exchange: Exchange, time: Time | None = None, **settings: Any) -> Client:
    """A client of a scripted exchange, on virtual time."""
    time = time or Time()
    settings.setdefault("clock", time)
    settings.setdefault("budget", MemoryBudget(ticks=time.ticks))
    return Client(
        settings.pop("credentials", credentials()),
        transport=httpx.MockTransport(exchange),
        ticks=time.ticks,
        sleep=time.sleep,
        **settings,
    )


def async_client(exchange: Exchange, time: Time | None = None, **settings: Any) -> AsyncClient:
    """The same, awaited."""
    time = time or Time()
    settings.setdefault("clock", time)
    settings.setdefault("budget", MemoryBudget(ticks=time.ticks))
    return AsyncClient(
        settings.pop("credentials", credentials()),
        transport=httpx.MockTransport(exchange),
        ticks=time.ticks,
        sleep=time.asleep,
        **settings,
    )


ONE_TRY = ReadRetries(tries=1)


class Plenty:
    """A budget that always has room, for tests that are not about waiting."""

    def acquire(
        self,
        weights: Sequence[Weight],
        *,
        timeout_ms: int,
        priority: Priority = Priority.READ,
        max_wait_ms: int | None = None,
        place: int | None = None,
    ) -> Reservation | Wait:
        """Grant everything."""
        return Reservation(0, weights, priority, 0, 0, [])

    def may_send(self, reservation: Reservation) -> bool:
        """Always."""
        return True

    def release(
        self, reservation: Reservation, *, ended: Ended = "answered", used: Mapping[str, int] | None = None
    ) -> None:
        """Nothing was counted."""
        reservation.open = False

    def close_gate(self, wait_ms: int, reason: GateReason) -> None:
        """There is no gate."""

    def leave(self, place: int) -> None:
        """There is no queue."""

    def snapshot(self) -> BudgetUse:
        """Nothing is held."""
        return BudgetUse((), 0, None, 0)

    def close(self) -> None:
        """Nothing to release."""

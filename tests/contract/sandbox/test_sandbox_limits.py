"""
What the local exchange counts and when it has had enough: weight, orders, hard caps, 429 and bans, against a
model that keeps every charge and adds them up anew each time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paydown_contract.document import Document
from tests.contract.sandbox.test_sandbox_rules import PRICES, REPAY, Caller, world
from tests.contract.support.asgi import Answer
from tests.contract.support.exchange import NOW_MS, exchange, holding, registered
from tests.contract.support.keys import signing_key
from tests.contract.support.profile import profile, seeded

FULL_MINUTE = 60_000


def limited(weight: int, **options: str) -> dict[str, Any]:
    """A world with little weight."""
    return world(
        {"BNB": holding("50", "40")},
        PRICES,
        options,
        limits={"weight_per_minute": weight, "orders_per_minute": 1200},
    )


def used(answer: Answer, header: str = "X-MBX-USED-WEIGHT-1M") -> int:
    """What the header says is used."""
    text = answer.header(header)
    assert text is not None
    return int(text)


def test_the_weight_of_a_minute_is_a_hard_limit(contract: Document) -> None:
    """
    Two repayments fit 6000, a third is refused with 429 and moves nothing; a minute later there is room
    again,
    and not a moment before.
    """
    limit = contract.content["x-limits"]["ip-weight"]["limit"]
    with exchange() as running:
        running.install(limited(limit))
        caller = Caller(contract, running)
        assert [caller.repay(asset="BNB", amount="1").status for _ in range(2)] == [200, 200]
        before = running.balances()
        refused = caller.repay(asset="BNB", amount="1")
        assert (refused.status, refused.code, used(refused)) == (429, -1003, limit)
        assert str(limit) in refused.json()["msg"]
        assert caller.get("/papi/v1/ping").status == 429
        assert running.balances() == before
        for step, status in ((FULL_MINUTE - 1, 429), (FULL_MINUTE + 1, 200)):
            running.set_clock(NOW_MS + step)
            assert (
                Caller(contract, running, now_ms=NOW_MS + step).repay(asset="BNB", amount="1").status
                == status
            )


def test_weight_is_spent_to_the_last_unit(contract: Document) -> None:
    """A call that fits exactly passes; one that would exceed by one is refused, and costs nothing."""
    with exchange() as running:
        for limit, statuses in (
            (3000, [200, 429]),
            (2999, [429]),
            (3001, [200, 429]),
            (6001, [200, 200, 429]),
        ):
            running.install(limited(limit))
            caller = Caller(contract, running)
            assert [caller.repay(asset="BNB", amount="1").status for _ in statuses] == statuses
        running.install(limited(41))
        caller = Caller(contract, running)
        answers = [
            caller.get("/papi/v1/balance"),
            caller.get("/papi/v1/account"),
            caller.get("/papi/v1/ping"),
            caller.get("/papi/v1/ping"),
        ]
        assert [(answer.status, used(answer)) for answer in answers] == [
            (200, 20),
            (200, 40),
            (200, 41),
            (429, 41),
        ]


def test_weight_is_counted_per_address_not_per_key(contract: Document) -> None:
    """Two keys of one address share a budget, two addresses of one key do not."""
    with exchange() as running:
        content = limited(3020)
        content["accounts"][0]["keys"] += [registered(signing_key("E1"))]
        running.install(content)
        one, two = Caller(contract, running), Caller(contract, running, "E1")
        assert one.repay(asset="BNB", amount="1").status == 200
        assert two.repay(asset="BNB", amount="1").status == 429
        elsewhere = two.request("POST", REPAY, {"asset": "BNB", "amount": "1"})
        assert running.send(elsewhere, ip="10.0.0.9").status == 200
        assert used(running.send(one.request("GET", "/papi/v1/ping"), ip="10.0.0.9")) == 3001
        assert used(one.get("/papi/v1/ping")) == 3001


def test_going_on_after_429_ends_in_a_ban(contract: Document) -> None:
    """
    Past the chosen number of refusals every call of the address is answered 418 until the named moment;
    bans grow.
    """
    ban = contract.content["x-ban"]
    with exchange() as running:
        running.install(limited(1, **{"ban-after-429": "3"}))
        caller = Caller(contract, running)
        assert caller.get("/papi/v1/ping").status == 200
        now, length = NOW_MS, ban["minimum-ms"]
        for round_ in range(15):
            answers = [caller.get("/papi/v1/ping") for _ in range(4)]
            assert [answer.status for answer in answers] == [429, 429, 429, 418], round_
            until = now + length
            assert str(until) in answers[-1].json()["msg"]
            assert answers[-1].code == -1003
            running.set_clock(until - 1)
            assert Caller(contract, running, now_ms=until - 1).get("/papi/v1/balance").status == 418
            running.set_clock(until)
            assert caller.get("/papi/v1/ping").status == 200
            now, length = until, min(length * 2, ban["maximum-ms"])
        assert length == ban["maximum-ms"], "the longest ban was not reached"


def test_retry_after_tells_the_seconds_to_wait_where_it_is_sent(contract: Document) -> None:
    """No page mentions it, so it is absent unless chosen; then it leads to the moment at which there is room."""
    with exchange() as running:
        for choice in ("absent", "present"):
            running.install(limited(1, **{"ban-after-429": "1", "retry-after": choice}))
            caller = Caller(contract, running)
            assert caller.get("/papi/v1/ping").header("Retry-After") is None
            running.set_clock(NOW_MS + 500)
            seen = [caller.get("/papi/v1/ping") for _ in range(3)]
            assert [answer.status for answer in seen] == [429, 418, 418]
            waits = ["60", "120", "120"] if choice == "present" else [None] * 3
            assert [answer.header("Retry-After") for answer in seen] == waits


def test_the_order_reading_of_the_weight_charges_the_account(contract: Document) -> None:
    """
    Under repay-weight-scope=order the 3000 are counted per account, in the order header, and not on the
    address.
    """
    with exchange() as running:
        running.install(limited(6000, **{"repay-weight-scope": "order"}))
        caller = Caller(contract, running)
        first = caller.repay(asset="BNB", amount="1")
        assert (first.status, first.header("X-MBX-ORDER-COUNT-1M"), used(first)) == (200, "3000", 0)
        assert caller.repay(asset="BNB", amount="1").header("X-MBX-ORDER-COUNT-1M") == "6000"
        third = caller.repay(asset="BNB", amount="1")
        assert (third.status, third.code) == (429, -1015)
        running.install(limited(6000, **{"repay-counts-as-order": "true"}))
        assert [caller.repay(asset="BNB", amount="1").header("X-MBX-ORDER-COUNT-1M") for _ in range(2)] == [
            "1",
            "2",
        ]
        running.install(limited(6000))
        assert caller.repay(asset="BNB", amount="1").header("X-MBX-ORDER-COUNT-1M") is None


def test_each_minute_of_the_clock_has_a_budget_of_its_own(contract: Document) -> None:
    """Under limit-window=fixed a minute that was never spent is whole, also when the clock was set back to it."""
    with exchange() as running:
        running.install(limited(1, **{"limit-window": "fixed"}))
        for step in (0, FULL_MINUTE, -FULL_MINUTE, -60 * FULL_MINUTE, 60 * FULL_MINUTE):
            running.set_clock(NOW_MS + step)
            caller = Caller(contract, running, now_ms=NOW_MS + step)
            answers = [caller.get("/papi/v1/ping") for _ in range(2)]
            assert [(answer.status, used(answer)) for answer in answers] == [(200, 1), (429, 1)], step


@dataclass(slots=True)
class Address:
    """What the model knows of one address: every charge, and how it behaved since the last success."""

    charges: list[tuple[int, str, int]] = field(default_factory=list)  # (moment, pool, weight)
    refusals: dict[str, int] = field(default_factory=dict)
    bans: dict[str, int] = field(default_factory=dict)
    banned_until: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class LimitModel:
    """The counters of one exchange, added up anew at each question."""

    limits: Mapping[str, int]  # of a pool; every SAPI path has one of its own
    fixed: bool
    ban_after: int
    shortest_ms: int
    longest_ms: int
    addresses: dict[str, Address] = field(default_factory=dict)

    def used(self, address: Address, pool: str, now: int) -> int:
        """The weight that counts now: of the last minute, or of the minute of the clock."""
        begun = now - now % FULL_MINUTE if self.fixed else now - FULL_MINUTE + 1
        return sum(weight for at, of, weight in address.charges if of == pool and at >= begun)

    def call(self, ip: str, pool: str, weight: int, now: int) -> tuple[int, int, int | None]:
        """(status, used weight, seconds to wait where there is something to wait for)"""
        address = self.addresses.setdefault(ip, Address())
        used, limit = self.used(address, pool, now), self.limits.get(pool, self.limits["sapi"])
        until = address.banned_until.pop(pool, 0)
        if until > now:
            address.banned_until[pool] = until
            return 418, used, -((now - until) // 1000)
        if until:
            address.refusals[pool] = 0
        if used + weight <= limit:
            address.refusals[pool] = 0
            address.charges.append((now, pool, weight))
            return 200, used + weight, None
        address.refusals[pool] = address.refusals.get(pool, 0) + 1
        if address.refusals[pool] > self.ban_after:
            length = min(self.shortest_ms * 2 ** address.bans.get(pool, 0), self.longest_ms)
            address.bans[pool] = address.bans.get(pool, 0) + 1
            address.refusals[pool] = 0
            address.banned_until[pool] = now + length
            return 418, used, -(-length // 1000)
        moment = now
        if weight > limit:  # never: look again when this minute is over
            moment = now - now % FULL_MINUTE + FULL_MINUTE if self.fixed else now + FULL_MINUTE
            return 429, used, -((now - moment) // 1000)
        while self.used(address, pool, moment) + weight > limit:  # from edge to edge
            edges = [at + FULL_MINUTE for at, _, _ in address.charges] + [
                now - now % FULL_MINUTE + FULL_MINUTE
            ]
            moment = min(edge for edge in edges if edge > moment)
        return 429, used, -((now - moment) // 1000)


CALLS = ("ping", "accountBalance", "repayDebt", "marginBorrow", "capitalFlow", "assetIndexPrice")
STEPS = (0, 0, 1, 999, 20_000, 59_999, 60_000, 60_001, 119_999, 120_000)
# Several charges in one minute: a wait ends with the one that has to go, and not with the first or the last.
QUICK = (0, 999, 5_000, 13_000, 20_000)
# (calls, limit, steps of the clock)
TRAFFIC = (
    *((CALLS, limit, STEPS) for limit in (1, 50, 3000, 3021, 6000)),
    (("ping",), 3, QUICK),
    (("ping", "accountBalance"), 42, QUICK),
    (("ping", "repayDebt", "marginBorrow"), 6000, QUICK),
)


@pytest.mark.timeout(600)
def test_weight_refusals_and_bans_are_the_models(contract: Document) -> None:
    """
    Random calls from two addresses, moment by moment, in both readings of the minute: status, used weight and
    the seconds to wait are the model's, also of calls that are refused for what they ask.
    """
    ban = contract.content["x-ban"]

    with exchange() as running:

        @seeded(profile().examples * 2)
        @given(
            window=st.sampled_from(("sliding", "fixed")),
            ban_after=st.sampled_from((0, 1, 3)),
            traffic=st.sampled_from(TRAFFIC),
            calls=st.lists(
                st.tuples(
                    st.sampled_from(range(len(CALLS))),
                    st.sampled_from(range(len(STEPS))),
                    st.sampled_from(("127.0.0.1", "10.0.0.9")),
                ),
                min_size=10,
                max_size=40,
            ),
        )
        def plays(
            window: str,
            ban_after: int,
            traffic: tuple[tuple[str, ...], int, tuple[int, ...]],
            calls: list[tuple[int, int, str]],
        ) -> None:
            options = {"limit-window": window, "ban-after-429": str(ban_after), "retry-after": "present"}
            names, limit, steps = traffic
            running.install(limited(limit, **options))
            budget = contract.content["x-limits"]["sapi-ip-weight"]
            sapi = budget["limit"]
            model = LimitModel(
                {"papi": limit, "sapi": sapi},
                window == "fixed",
                ban_after,
                ban["minimum-ms"],
                ban["maximum-ms"],
            )
            now = NOW_MS
            for number, (kind, step, ip) in enumerate(calls):
                name = names[kind % len(names)]
                now += steps[step % len(steps)]
                running.set_clock(now)
                operation = contract.by_id(name)
                pool = operation.path if operation.path.startswith("/sapi/") else "papi"
                texts = {"asset": "NOSUCH"} if name in ("repayDebt", "marginBorrow") else {}
                request = Caller(contract, running, now_ms=now).composer.right(
                    operation, [*texts.items(), *([("amount", "1")] if name == "marginBorrow" else [])]
                )
                answer = running.send(request, ip=ip)
                weight = operation.facts["x-weight"]["value"]
                status, spent, wait = model.call(ip, pool, weight, now)
                where = f"{number}: {name} from {ip} at +{now - NOW_MS} ms: {answer.status} {answer.body!r}"
                assert answer.status == (400 if status == 200 and texts else status), where
                assert answer.header("Retry-After") == (None if wait is None else str(max(1, wait))), where
                header = "X-MBX-USED-WEIGHT-1M" if pool == "papi" else budget["header"]
                assert used(answer, header) == spent, where

        plays()

"""Make the sandbox fail on purpose: which requests, how often, and how.

    gateway   the request never reaches the exchange: no check, no weight, no execution
    refused   the request is checked and charged, then not executed
    executed  the request is executed, then the answer is lost or spoilt
    passage   the request goes through, late or on a shifted clock

A fault of the kind `executed` is spent only on a request that really was executed, and one of the kind
`refused` only on a request that would have been: a request that is refused anyway leaves it armed. Both wait for a
call that changes something, since a lost answer to a read loses nothing: the clock that a client reads first, or the
listen key that it opens, must not use up the fault that was meant for its repayment. A fault whose `match` asks for
reads (by path, by operation, or by a method other than POST) strikes them all the same.
Chances are drawn from one seeded generator, so the same requests meet the same faults again.
"""

from __future__ import annotations

import json
import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Literal

from paydown_sandbox.state.strict_json import Reader

__all__ = ["FAULTS", "LOSING", "Fault", "FaultBook", "FaultKind"]

FaultKind = Literal["gateway", "refused", "executed", "passage"]

FAULTS: dict[str, FaultKind] = {
    "executed_then_503": "executed",
    "not_executed_503_unknown": "refused",
    "service_unavailable_503": "gateway",
    "throttled_1008": "gateway",
    "executed_then_reset": "executed",
    "reset_before": "gateway",
    "executed_then_delay": "executed",
    "delay_before": "passage",
    "timeout_1007_executed": "executed",
    "timeout_1007_not_executed": "refused",
    "unexpected_1006_executed": "executed",
    "unexpected_1006_not_executed": "refused",
    "busy_51998_not_executed": "refused",
    "pending_51007": "refused",
    "rate_limited_429": "gateway",
    "banned_418": "gateway",
    "waf_403_html": "gateway",
    "gateway_502_html_executed": "executed",
    "success_without_amount": "executed",
    "malformed_json_executed": "executed",
    "success_false_not_executed": "refused",
    "amount_as_number": "executed",
    "extra_field": "executed",
    "clock_skew": "passage",
    # Further faults that were seen of wires, proxies and back ends.
    "executed_then_closed": "executed",
    "truncated_body_executed": "executed",
    "timeout_1007_408_executed": "executed",
    "timeout_1007_504_executed": "executed",
    "internal_1001_503_executed": "executed",
    "empty_200_executed": "executed",
    "redirect_307_not_executed": "refused",
    # The choices decide how the answer is lost and whether the request was executed (see `lost_answers`).
    "answer_lost": "executed",
}

# The faults after which an executed request leaves the client without an answer that it can read.
LOSING = frozenset(name for name, kind in FAULTS.items() if kind == "executed") - {
    "executed_then_delay",
    "success_without_amount",
    "amount_as_number",
    "extra_field",
}

# The default is more than the longest recvWindow, so that no client gets through by asking for a long one.
DEFAULT_SKEW_MS = 65_000
_DEFAULT_DELAY_MS = {"executed_then_delay": 5000, "delay_before": 5000}
_LONGEST_DELAY_MS = 3_600_000


@dataclass(slots=True)
class Fault:
    """One armed fault.

    Attributes:
        id: Faults are numbered in the order in which they were armed.
        name: A name of `FAULTS`.
        match: The facts that a request must have, such as its path; without any, every request matches.
        times: How often it strikes; `None` for always.
        delay_ms: How long the answer is held back.
        probability: The chance that a matching request is struck, from 0 to 1.
        skip: How many matching requests pass first.
        skew_ms: By how much `clock_skew` shifts the clock that reads timestamps.
        status: The HTTP status of the answer, where it is not the usual one.
        ban_ms: How long a 418 really bans the address; without it the 418 is one answer without a ban.
        from_ms: Before this moment of the sandbox's clock it does not strike.
        until_ms: From this moment on it does not strike any more.
        scenario: The scenario that armed it.
        struck: How often it has struck.
        seen: How many matching requests came.
    """

    id: int
    name: str
    match: dict[str, str]
    times: int | None = 1
    delay_ms: int = 0
    probability: float = 1.0
    skip: int = 0
    skew_ms: int = DEFAULT_SKEW_MS
    status: int | None = None
    ban_ms: int | None = None
    from_ms: int | None = None
    until_ms: int | None = None
    scenario: str | None = None
    struck: int = 0
    seen: int = 0

    @property
    def kind(self) -> FaultKind:
        """Return the step in the way of a request at which the fault strikes."""
        return FAULTS[self.name]

    @property
    def waits_for_change(self) -> bool:
        """Return whether the fault spares reads: it is about an execution, and its match does not ask for reads."""
        if self.kind not in ("executed", "refused"):
            return False
        match = self.match
        return not ("path" in match or "operation" in match or match.get("method", "POST") != "POST")

    def as_json(self) -> dict[str, object]:
        """Return the members that `GET /_sandbox/faults` shows."""
        return {
            "id": self.id,
            "fault": self.name,
            "match": dict(self.match),
            "times": self.times,
            "delay_ms": self.delay_ms,
            "probability": self.probability,
            "skip": self.skip,
            "skew_ms": self.skew_ms if self.name == "clock_skew" else None,
            "status": self.status,
            "ban_ms": self.ban_ms,
            "from_ms": self.from_ms,
            "until_ms": self.until_ms,
            "scenario": self.scenario,
            "struck": self.struck,
        }


_MATCHES = ("method", "path", "operation", "account", "asset", "ip")
_MEMBERS = (
    "match", "fault", "times", "delay_ms", "probability", "skip", "skew_ms", "status", "ban_ms", "from_ms",
    "until_ms",
)  # fmt: skip


# Answers of these statuses have no body by definition: a body would be taken for the next answer.
_BODILESS = (204, 205, 304)


# The faults that send no answer, or the ordinary one.
_WITHOUT_STATUS = (
    "executed_then_reset",
    "executed_then_closed",
    "reset_before",
    "delay_before",
    "clock_skew",
)


def _status(name: str, status: int | None, members: Mapping[str, Reader]) -> int | None:
    if status is not None and name in _WITHOUT_STATUS:
        raise members["status"].fail(f"no status: {name} sends no answer of its own")
    if status in _BODILESS:
        raise members["status"].fail(f"a status whose answer has a body, so none of {_BODILESS}")
    return status


class FaultBook:
    """The armed faults, in the order in which they were armed.

    Args:
        seed: Where the chances of faults begin.
    """

    def __init__(self, seed: int = 0) -> None:
        self.armed: list[Fault] = []
        self._random = random.Random(seed)  # noqa: S311 - repeatable chances, not secrets
        self._next_id = 1
        self._draws = 0
        self.seed = seed

    def reseed(self, seed: int) -> None:
        """Start the chances again from a seed."""
        self.seed = seed
        self._draws = 0
        self._random.seed(seed)

    def arm(self, node: object, scenario: str | None = None) -> Fault:
        """Arm a fault from its JSON form.

        Args:
            node: The parsed JSON.
            scenario: The scenario that it belongs to.

        Raises:
            StateError: The JSON form is wrong; the text names what to write instead.
        """
        reader = Reader(node)
        members = reader.members(*_MEMBERS)
        if "fault" not in members:
            raise reader.fail(f"fault is missing: one of {', '.join(FAULTS)}")
        name = members["fault"].text(60)
        if name not in FAULTS:
            raise members["fault"].fail(f"one of {', '.join(FAULTS)}")
        match: dict[str, str] = {}
        if "match" in members:
            for key, child in members["match"].members(*_MATCHES).items():
                match[key] = child.text(200).upper() if key == "method" else child.text(200)

        def whole(key: str, default: int, least: int, most: int) -> int:
            return members[key].integer(least, most) if key in members else default

        def optional(key: str, least: int, most: int) -> int | None:
            given = key in members and members[key].value is not None
            return members[key].integer(least, most) if given else None

        probability = 1.0
        if "probability" in members:
            chance = members["probability"].value
            if isinstance(chance, bool) or not isinstance(chance, int | float) or not 0 <= chance <= 1:
                raise members["probability"].fail("a number from 0 to 1")
            probability = float(chance)
        fault = Fault(
            id=self._next_id,
            name=name,
            match=match,
            times=optional("times", 0, 10**9) if "times" in members else 1,
            delay_ms=whole("delay_ms", _DEFAULT_DELAY_MS.get(name, 0), 0, _LONGEST_DELAY_MS),
            probability=probability,
            skip=whole("skip", 0, 0, 10**9),
            skew_ms=whole("skew_ms", DEFAULT_SKEW_MS, -(10**12), 10**12),
            status=_status(name, optional("status", 200, 599), members),
            ban_ms=optional("ban_ms", 0, 10**10),
            from_ms=optional("from_ms", 0, 10**14),
            until_ms=optional("until_ms", 0, 10**14),
            scenario=scenario,
        )
        self._next_id += 1
        self.armed.append(fault)
        return fault

    def disarm(self, fault_id: int | None = None) -> int:
        """Remove one fault, or all of them, and return how many were removed."""
        before = len(self.armed)
        self.armed = [] if fault_id is None else [fault for fault in self.armed if fault.id != fault_id]
        return before - len(self.armed)

    def disarm_scenario(self, name: str) -> None:
        """Remove the faults of one scenario."""
        self.armed = [fault for fault in self.armed if fault.scenario != name]

    def find(
        self, facts: Mapping[str, str], now_ms: int, *, changes: bool = True
    ) -> tuple[Fault | None, Fault | None]:
        """Return the fault that strikes a request, and the shifted clock that applies to it.

        Chances and skips are used up here; `times` is used up when the fault strikes.

        Args:
            facts: The facts of the request that a fault can match.
            now_ms: The sandbox's time, milliseconds UTC.
            changes: Whether the call changes what an account holds, owes or has switched on.
        """
        chosen: Fault | None = None
        skew: Fault | None = None
        for fault in self.armed:
            is_skew = fault.name == "clock_skew"
            if (skew if is_skew else chosen) is not None:
                continue
            if fault.times is not None and fault.struck >= fault.times:
                continue
            if (fault.from_ms is not None and now_ms < fault.from_ms) or (
                fault.until_ms is not None and now_ms >= fault.until_ms
            ):
                continue
            if any(facts.get(key) != value for key, value in fault.match.items()):
                continue
            if not changes and fault.waits_for_change:
                continue
            fault.seen += 1
            if fault.seen <= fault.skip:
                continue
            if fault.probability < 1:
                self._draws += 1
                if self._random.random() >= fault.probability:
                    continue
            if is_skew:
                skew = fault
            else:
                chosen = fault
        return chosen, skew

    def dump(self) -> str:
        """Return the armed faults and the state of the chances as text to be stored."""
        armed = [asdict(fault) for fault in self.armed] if self.armed else []
        return json.dumps([self.seed, self._draws, self._next_id, armed])

    def restore(self, text: str) -> None:
        """Continue from the text of `dump`; the chances go on where they stopped."""
        seed, draws, self._next_id, armed = json.loads(text)
        self.reseed(seed)
        for _ in range(draws):
            self._random.random()
        self._draws = draws
        self.armed = [Fault(**members) for members in armed]

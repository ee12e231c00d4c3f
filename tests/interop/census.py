"""What thirty-one faults do to one client: which exception, and how often a careless loop repaid.

Every fault meets a new client, strikes the first repayment, and the caller tries up to three times, as a loop
over any exception does.

    python -m tests.interop.census [--sandbox] [CLIENT ...]     print it, for all unless some are named
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NamedTuple

from tests.doubles.independent_fake import refused_url
from tests.faults.fault_table import BY_NAME as FAULT_BY_NAME
from tests.faults.fault_table import FAULTS, Fault
from tests.interop.exchange import Exchange, Fake, Sandbox
from tests.interop.peer import BY_NAME, PEERS, Peer, Running

TRIES = 3
SHORT_S, LONG_S = 1.0, 10.0
NEVER_ANSWERED = ("executed_then_delay", "delay_before")
NO_CONNECTION = "connection_refused"


class Seen(NamedTuple):
    """One fault as one client met it; `first` is the first exception's type, `None` if the call returned."""

    fault: Fault
    first: str | None
    text: str
    executed: int


class Census(NamedTuple):
    """The faults of one client, and the three numbers that compare clients."""

    peer: str
    seen: tuple[Seen, ...]

    @property
    def repaid_twice(self) -> list[str]:
        """Faults in which the loop repaid more than once."""
        return [row.fault.name for row in self.seen if row.executed > 1]

    @property
    def mixed_types(self) -> list[str]:
        """Faults whose exception type was raised both for 'was not executed' and for 'may have been'."""
        raised = [row for row in self.seen if row.first is not None]
        may = {row.first for row in raised if row.fault.may_have_happened}
        cannot = {row.first for row in raised if not row.fault.may_have_happened}
        return [row.fault.name for row in raised if row.first in may & cannot]

    @property
    def taken_for_done(self) -> list[str]:
        """Faults whose answer does not say that it was done, and whose call returned all the same."""
        return [row.fault.name for row in self.seen if row.first is None and row.fault.expected == "unknown"]


def take(peer: Peer, exchange: Exchange, faults: Sequence[Fault] = FAULTS) -> Census:
    """Meet each fault with one client."""
    rows: list[Seen] = []
    with Running.of(peer, exchange.target) as client:
        for fault in faults:
            if fault.name == NO_CONNECTION:
                continue
            timeout_s = SHORT_S if fault.name in NEVER_ANSWERED else LONG_S
            exchange.forget()
            client.ask("renew", timeout_s=timeout_s)
            client.ask("warm")
            exchange.fail_next(fault.name, timeout_s)
            rows.append(_loop(client, exchange, fault))
    if FAULT_BY_NAME[NO_CONNECTION] in faults:
        exchange.forget()
        with (
            refused_url() as nobody,
            Running.of(peer, exchange.target._replace(url=nobody)) as client,
        ):
            rows.append(_loop(client, exchange, FAULT_BY_NAME[NO_CONNECTION]))
    return Census(peer.name, tuple(rows))


def _loop(client: Running, exchange: Exchange, fault: Fault) -> Seen:
    tries = client.ask("repay", asset="BNB", amount="0.5", using=["USDT"], tries=TRIES)["tries"]
    first = tries[0]
    return Seen(
        fault, first.get("raised"), first.get("text", first.get("returned", "")), exchange.executed("BNB")
    )


def main() -> None:
    """Print the census of the named clients, or of all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("client", nargs="*", help=f"of {', '.join(BY_NAME)}")
    parser.add_argument("--sandbox", action="store_true", help="against the sandbox instead of the fake")
    options = parser.parse_args()
    with Sandbox.started() if options.sandbox else Fake.started() as exchange:
        for peer in [BY_NAME[name] for name in options.client] or PEERS:
            census = take(peer, exchange)
            print(f"== {peer.name}: repaid twice {len(census.repaid_twice)}, ", end="")
            print(f"mixed types {len(census.mixed_types)}, taken for done {len(census.taken_for_done)}")
            for row in census.seen:
                known = f"{row.fault.name:32} {row.fault.expected:9} {row.executed}"
                print(f"  {known} {row.first or 'returned'} {row.text[:60]!r}")


if __name__ == "__main__":
    main()

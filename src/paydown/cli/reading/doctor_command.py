"""`paydown doctor`: check whether everything is ready to repay. Reads only."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from paydown.cli.output import Output
from paydown.cli.shared_options import add_command, add_journal, open_client
from paydown.errors import InvalidCredentials, PaydownError

if TYPE_CHECKING:
    from paydown.cli.shared_options import Commands
    from paydown.client import Client


@dataclass(frozen=True, slots=True)
class Check:
    """The result of one check: whether it passed, and the finding. A warning stops no repayment."""

    name: str
    ok: bool
    found: str
    exit_code: int = 0
    warning: bool = False


def add_parser(commands: Commands) -> None:
    """Add `doctor` to the command line."""
    parser = add_command(
        commands,
        "doctor",
        "check credentials, clock, reachability, limits and journal",
        "Look at everything that a repayment needs, and change nothing. The exit code is that of the first check "
        "that failed.",
    )
    add_journal(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Make every check that can be made, even after one has failed.

    Args:
        arguments: The parsed command line.
        output: Where to print.

    Returns:
        The exit code.
    """
    checks = list(_checks(arguments))
    exit_code = next((check.exit_code for check in checks if not check.ok), 0)
    if output.json_mode:
        output.document(
            {
                "ok": exit_code == 0,
                "exit_code": exit_code,
                "checks": [
                    {"name": c.name, "ok": c.ok, "warning": c.warning, "found": c.found} for c in checks
                ],
            }
        )
        return exit_code
    output.table(
        "paydown doctor",
        [("", "left"), ("Check", "left"), ("Found", "left")],
        [
            ["WARNING" if check.warning else "ok" if check.ok else "FAILED", check.name, check.found]
            for check in checks
        ],
    )
    return exit_code


def _checks(arguments: argparse.Namespace) -> Iterator[Check]:
    yield _try("journal", lambda: _journal(arguments))
    try:
        client = open_client(arguments)
    except (InvalidCredentials, PaydownError) as error:
        yield Check("credentials", False, str(error), error.exit_code)
        return
    with client:
        yield Check("credentials", True, repr(client.credentials))
        yield _try("address", lambda: client.base_url)
        reachable = _try("reachability", lambda: _ping(client))
        yield reachable
        if not reachable.ok:
            return
        # The clock is measured by the first signed call.
        yield _try("permission to read", lambda: _account(client))
        clock = _try("clock", lambda: _clock(client))
        yield replace(clock, warning=clock.ok and _clock_is_off(client))
        yield _try("request weight", lambda: _weight(client))


def _try(name: str, look: Callable[[], str]) -> Check:
    try:
        return Check(name, True, look())
    except PaydownError as error:
        return Check(name, False, f"{type(error).__name__}: {error}", error.exit_code)


def _journal(arguments: argparse.Namespace) -> str:
    from pathlib import Path

    from paydown.repay.journal.journal_inspection import inspect_journal
    from paydown.state_directory import state_directory

    path = Path(arguments.journal) if arguments.journal is not None else state_directory() / "repay.db"
    health = inspect_journal(path)
    if health is None:
        return f"{path} does not exist yet; the first plan makes it"
    found = (
        f"{health['path']}, integrity {health['integrity']}, {health['journal_mode']}, "
        f"{_count(health['plans'], 'plan')}, {_count(health['attempts'], 'attempt')}, "
        f"{health['open_attempts']} in doubt"
    )
    return found if health["owner_only"] is not False else found + "; other users can read it: chmod 600"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _ping(client: Client) -> str:
    client.market.ping()
    elapsed = client.last.elapsed_ms if client.last is not None else None
    return "answers" if elapsed is None else f"answers in {elapsed:.0f} ms"


def _clock(client: Client) -> str:
    client.market.time()
    offset = _offset_ms(client)
    if offset is None:
        return "the exchange's clock is readable; its offset is measured with the first signed call"
    if _clock_is_off(client):
        return (
            f"the exchange's clock is {offset:+d} ms from this machine's, beyond the recvWindow of "
            f"{client.recv_window} ms. It is followed, so repayments are signed in time; other programs here are "
            "refused: set this machine's clock"
        )
    return f"the exchange's clock is {offset:+d} ms from this machine's, and is followed"


def _clock_is_off(client: Client) -> bool:
    """Return whether a request stamped by this machine's own clock would be refused."""
    offset = _offset_ms(client)
    return offset is not None and abs(offset) > client.recv_window


def _offset_ms(client: Client) -> int | None:
    return None if client.last is None else client.last.clock_offset_ms


def _account(client: Client) -> str:
    account = client.account.information()
    return f"account status {account.account_status}, uniMMR {account.uni_mmr}"


def _weight(client: Client) -> str:
    from paydown_wire.error_codes import LIMITS
    from paydown_wire.operations import REPAY_DEBT

    limit = LIMITS[REPAY_DEBT.weight.budget].limit
    used = client.last.used_weight if client.last is not None else None
    if used is None:
        return "the exchange did not state how much is used"
    room = (limit - used) // REPAY_DEBT.weight.value
    return f"{used:,} of {limit:,} used in this minute: room for {room} repayment{'' if room == 1 else 's'}"

"""The accounts with a borrow or a repayment in progress, for which the next one must wait or is refused."""

from __future__ import annotations

from paydown_sandbox.behaviour.agenda import Agenda
from paydown_sandbox.checks.refusal import Refusal
from paydown_sandbox.sandbox_clock import Clock

__all__ = ["AccountBusy", "BusyAccounts"]


class AccountBusy(Exception):
    """A call must wait until another borrow or repayment of its account is done.

    Args:
        wait_ms: How long.
    """

    def __init__(self, wait_ms: int) -> None:
        super().__init__(wait_ms)
        self.wait_ms = wait_ms


class BusyAccounts:
    """The busy accounts, each until a time on the sandbox's clock.

    Args:
        clock: The sandbox's clock.
        agenda: Holds the repayments that were accepted and are executed later.

    Attributes:
        queue: Whether a call of a busy account waits (option `concurrent-repay`); otherwise it is refused.
        late_repayments: Whether repayments of the agenda keep their account busy as well.
    """

    def __init__(self, clock: Clock, agenda: Agenda) -> None:
        self._clock = clock
        self._agenda = agenda
        self._until_ms: dict[str, int] = {}
        self.queue = False
        self.late_repayments = False

    def hold(self, account: str, for_ms: int) -> None:
        """Keep an account busy.

        Args:
            account: The id of the account.
            for_ms: How long from now.
        """
        self._until_ms[account] = self._clock.now_ms() + for_ms

    def release(self, account: str) -> None:
        """End the busy time of an account that `hold` began."""
        self._until_ms.pop(account, None)

    def enter(self, account: str) -> None:
        """Begin a borrow or a repayment of an account.

        Raises:
            AccountBusy: Another one is still running, and calls wait for each other.
            Refusal: Another one is still running (51007).
        """
        if not self._until_ms and not self.late_repayments:
            return
        until_ms = self._until_ms.get(account, 0)
        if self.late_repayments:
            late = (entry.at_ms for entry in self._agenda.of_kind("repay") if entry.details[0] == account)
            until_ms = max(until_ms, max(late, default=0))
        if not until_ms:
            return
        now_ms = self._clock.now_ms()
        if now_ms >= until_ms:
            self.release(account)
        elif self.queue:
            raise AccountBusy(until_ms - now_ms)
        else:
            raise Refusal(51007, reason="another borrow or repayment of this account is still running")

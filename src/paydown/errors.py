"""The errors of calls: each class states what is known about the debt after a failed call.

The class shows what the caller may conclude; HTTP status, exchange code and text are attributes.

    PaydownError                      .operation .status .code .code_name .msg .headers .sent_at_ms .exit_code
    ├── RequestNotSent          (3)   nothing left this machine; calling again is safe once the cause is gone
    │   ├── InvalidRequest            an argument is wrong (also a ValueError)
    │   │   └── InvalidRequestType    an argument has the wrong type (also a TypeError)
    │   ├── InvalidCredentials        a key or secret cannot be used (also a ValueError)
    │   ├── UnresolvedOutcome         an earlier attempt on the same debt may have happened, or is in flight
    │   ├── UnknownAttempt            settle() was asked about an attempt that is not open (also a LookupError)
    │   ├── AttemptRefused            an observer (a journal, say) refused the attempt before it was sent
    │   ├── BudgetExceeded            no request weight free within the time the caller would wait
    │   ├── ConnectionFailed          no connection to the exchange
    │   └── ClientClosed              the client was closed
    ├── RequestRejected         (4)   the exchange answered that nothing was executed
    │   ├── CredentialsRejected       key, signature, permission or IP list
    │   ├── ClockRejected             the timestamp was outside the window
    │   ├── RateLimited               a limit of the minute is spent
    │   ├── IpBanned                  the IP is banned until a given moment
    │   ├── ExchangeBusy              overload, or a pending transaction
    │   ├── FirewallBlocked           a firewall in front of the exchange refused
    │   ├── WrongAddress              this host or path does not serve the call
    │   ├── InsufficientFunds         balance, margin or lending pool too small
    │   └── AccountRestricted         the account's state does not allow the call
    ├── OutcomeUnknown          (5)   it may have happened; never send again before looking
    └── ReadFailed              (6)   a read was repeated and still failed; a read changes nothing

The numbers are exit codes of the command line. Every class pickles, with all its attributes. No message and
no attribute holds a secret or a signature.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, TypeVar

_E = TypeVar("_E", bound="PaydownError")


def _restore(cls: type[_E], args: tuple[object, ...], state: dict[str, object]) -> _E:
    """Rebuild an error from a pickle without calling its `__init__`, whose keywords pickle would not pass."""
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error


class PaydownError(Exception):
    """Base of everything that a call of this package raises on purpose.

    Attributes:
        operation: Name of the call, such as "margin.repay_debt"; None where no call was made.
        status: HTTP status of the answer, or None if none arrived.
        code: Code of the exchange such as -1007, as it was sent, or None.
        code_name: Name of that code in the document, such as "TIMEOUT", or None.
        msg: Text of the exchange, shortened and without secrets, or None.
        headers: Headers of the answer, lower-case names; empty if none arrived. Cookies are left out.
        sent_at_ms: When the request was signed, UTC milliseconds on the exchange's clock, or None.
        exit_code: Exit code of the command line for this class.
    """

    exit_code: ClassVar[int] = 1

    def __init__(
        self,
        message: str = "",
        *,
        operation: str | None = None,
        status: int | None = None,
        code: int | None = None,
        code_name: str | None = None,
        msg: str | None = None,
        headers: Mapping[str, str] | None = None,
        sent_at_ms: int | None = None,
    ) -> None:
        super().__init__(message)
        self.operation = operation
        self.status = status
        self.code = code
        self.code_name = code_name
        self.msg = msg
        self.headers: Mapping[str, str] = dict(headers or {})
        self.sent_at_ms = sent_at_ms

    def __reduce__(
        self,
    ) -> tuple[object, tuple[type[PaydownError], tuple[object, ...], dict[str, object]]]:
        return _restore, (type(self), self.args, dict(self.__dict__))


# ------------------------------------------------------------------- errors of requests that were not sent


class RequestNotSent(PaydownError):
    """Nothing left this machine. Calling again is safe once the cause is gone."""

    exit_code = 3


class InvalidRequest(RequestNotSent, ValueError):
    """An argument breaks a rule of the document. Nothing was sent.

    Attributes:
        parameter: Python name of the argument, or None if no single one is to blame.
    """

    def __init__(
        self, message: str = "", *, parameter: str | None = None, operation: str | None = None
    ) -> None:
        super().__init__(message, operation=operation)
        self.parameter = parameter


class InvalidRequestType(InvalidRequest, TypeError):
    """An argument has a type that is not accepted: a float for money, None, a bool for a number."""


class InvalidCredentials(RequestNotSent, ValueError):
    """A key, secret, PEM or password cannot be used. Nothing was sent. The text never repeats the value."""


class UnresolvedOutcome(RequestNotSent):
    """An earlier attempt on the same debt may have happened, or is in flight. This call was not sent.

    Look at the balance, then settle the attempt: `settle(attempt_id, executed=True|False)`.

    Attributes:
        attempt_id: The earlier attempt.
    """

    def __init__(self, message: str = "", *, attempt_id: str, operation: str | None = None) -> None:
        super().__init__(message, operation=operation)
        self.attempt_id = attempt_id


class UnknownAttempt(RequestNotSent, LookupError):
    """`settle()` was asked about an attempt that this client does not hold open, or that its journal does not know."""


class AttemptRefused(RequestNotSent):
    """An observer of attempts, such as a journal, failed or refused before anything was sent."""


class BudgetExceeded(RequestNotSent):
    """The call would have had to wait longer for request weight than allowed. Nothing was sent.

    Attributes:
        wait_s: Seconds until there would be room, or None if there never would be.
    """

    def __init__(
        self, message: str = "", *, wait_s: float | None = None, operation: str | None = None
    ) -> None:
        super().__init__(message, operation=operation)
        self.wait_s = wait_s


class ConnectionFailed(RequestNotSent):
    """Name resolution, connect, TLS or proxy failed before a byte of the request was written."""


class ClientClosed(RequestNotSent):
    """The client was closed. Open a new one."""


# ------------------------------------------------------------------- errors of requests that were rejected


class RequestRejected(PaydownError):
    """The exchange answered that nothing was executed. The debt is unchanged by this call.

    Raised as this class itself when the request is at fault: a parameter, a precision, a range of times.

    Attributes:
        retry: The advice of the document: "after-fixing-request" or "yes-after-backoff".
        attempt_id: Id of the attempt for calls that change something, else None.
    """

    exit_code = 4
    retry: str = "after-fixing-request"
    attempt_id: str | None = None


class CredentialsRejected(RequestRejected):
    """The exchange refused key, signature, permission or IP address. Nothing was executed."""


class ClockRejected(RequestRejected):
    """The timestamp was outside the window that the exchange accepts. Nothing was executed."""


class RateLimited(RequestRejected):
    """A limit of the minute is used up. Nothing was executed. Further requests lead to a ban.

    Attributes:
        retry_after_s: Seconds to wait: the Retry-After header, else the pause that the document names.
    """

    retry_after_s: float = 0.0


class IpBanned(RateLimited):
    """The IP is banned. Nothing was executed. Stop all traffic until the end of the ban.

    Attributes:
        banned_until_ms: End of the ban, UTC milliseconds: from the text, else from Retry-After or the
            shortest ban.
        retry_after_s: Seconds until then, counted from the answer.
    """

    banned_until_ms: int = 0


class ExchangeBusy(RequestRejected):
    """Overload protection, maintenance or a pending transaction. Nothing was executed."""


class FirewallBlocked(RequestRejected):
    """A firewall in front of the exchange refused. Nothing was executed. Slow down."""


class WrongAddress(RequestRejected):
    """This host or path does not serve the call. Nothing was executed. Check the base URL."""


class InsufficientFunds(RequestRejected):
    """Balance, margin or lending pool is too small. Nothing was executed."""


class AccountRestricted(RequestRejected):
    """The state of the account does not allow the call, such as a liquidation. Nothing was executed."""


# ----------------------------------------------------------------------- unknown outcomes, and failed reads


class OutcomeUnknown(PaydownError):
    """A call that changes something was sent, and its answer was lost, 5XX or unreadable.

    It may have happened. Never send it again on this error: there is no client id, so a repeat is a second
    repayment. Look at the balance first.

    Attributes:
        attempt_id: Local id of this attempt; `client.settle(attempt_id, executed=True|False)` closes it.
        reason: Why the outcome is unknown, in a few words, such as 'HTTP 503, -1000 UNKNOWN, "Unknown error, …"'.
        excerpt: Start of the answer's body, shortened and without secrets; "" if none arrived.
    """

    exit_code = 5
    attempt_id: str = ""
    reason: str = ""
    excerpt: str = ""


class ReadFailed(PaydownError):
    """A read was repeated as far as the document and the deadline allow, and still has no usable answer.

    A read changes nothing, so calling again is safe. The last failure is `__cause__`.

    Attributes:
        tries: How many requests were sent.
        excerpt: Start of the last answer's body, shortened and without secrets; "" if none arrived.
    """

    exit_code = 6
    tries: int = 0
    excerpt: str = ""

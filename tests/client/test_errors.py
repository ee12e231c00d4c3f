"""The tree of errors: what it says, and that nothing is lost on the way to another process."""

from __future__ import annotations

import copy
import inspect
import pickle

import pytest

from paydown import errors
from paydown.errors import (
    InvalidRequest,
    InvalidRequestType,
    IpBanned,
    OutcomeUnknown,
    PaydownError,
    RateLimited,
    ReadFailed,
    RequestNotSent,
    RequestRejected,
    UnknownAttempt,
    UnresolvedOutcome,
)

CLASSES = [
    value
    for value in vars(errors).values()
    if inspect.isclass(value) and issubclass(value, PaydownError) and value.__module__ == errors.__name__
]


def example(kind: type[PaydownError]) -> PaydownError:
    """An error of a class, with every attribute set to something."""
    if issubclass(kind, UnresolvedOutcome):
        error: PaydownError = kind("said", attempt_id="a1", operation="margin.repay_debt")
    elif issubclass(kind, (RequestRejected, OutcomeUnknown, ReadFailed)) or kind is PaydownError:
        error = kind(
            "said",
            operation="margin.repay_debt",
            status=503,
            code=-1007,
            code_name="TIMEOUT",
            msg="late",
            headers={"retry-after": "3"},
            sent_at_ms=1636371437000,
        )
    else:
        error = kind("said", operation="margin.repay_debt")
    for name, value in (("attempt_id", "a1"), ("retry_after_s", 2.5), ("banned_until_ms", 1636371437001)):
        if hasattr(error, name):
            setattr(error, name, value)
    return error


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_error_survives_pickling_with_all_it_knows(kind, protocol):
    """An error that crosses a process border says the same there as here."""
    error = example(kind)
    error.add_note("seen in batch 7")

    thawed = pickle.loads(pickle.dumps(error, protocol))

    assert type(thawed) is kind
    assert thawed.args == error.args
    assert vars(thawed) == vars(error)
    assert str(thawed) == "said"
    assert thawed.exit_code == kind.exit_code


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_every_error_can_be_copied(kind):
    """Test runners and queues copy errors."""
    error = example(kind)

    assert vars(copy.copy(error)) == vars(error)
    assert vars(copy.deepcopy(error)) == vars(error)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_the_tree_in_the_docstring_names_every_class(kind):
    """A reader of the module sees the whole tree."""
    assert f" {kind.__name__} " in (errors.__doc__ or "").replace("\n", " \n")


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_the_exit_code_is_that_of_the_branch(kind):
    """The numbers are those of the product page: 3 not sent, 4 rejected, 5 unknown, 6 a read without answer."""
    branches = {RequestNotSent: 3, RequestRejected: 4, OutcomeUnknown: 5, ReadFailed: 6}
    expected = next((code for branch, code in branches.items() if issubclass(kind, branch)), 1)

    assert kind.exit_code == expected


def test_local_refusals_are_also_what_python_would_raise():
    """`except ValueError` and `except TypeError` catch wrong arguments, as Python programmers expect."""
    assert issubclass(InvalidRequest, ValueError)
    assert issubclass(InvalidRequestType, TypeError)
    assert not issubclass(InvalidRequest, TypeError)
    assert issubclass(UnknownAttempt, LookupError)


def test_a_ban_is_also_a_spent_limit():
    """Whoever waits out a limit waits out a ban."""
    assert issubclass(IpBanned, RateLimited)


def test_the_three_branches_do_not_overlap():
    """By type alone a program can tell what is known about the debt."""
    branches = (RequestNotSent, RequestRejected, OutcomeUnknown, ReadFailed)

    for kind in CLASSES:
        assert sum(issubclass(kind, branch) for branch in branches) <= 1

"""Drop the frames of a traceback whose variables hold keys, signatures or passwords.

Crash reporters, debuggers and some test runners print the variables of every frame of a traceback, also of the errors
that an error was raised from or during. A secret cannot be kept out of all variables of a function that works with it,
nor out of those of a library below. So at the few places where secrets come in, an error loses the frames behind that
place. It keeps its class, its text, what it was raised from, and the frames of its caller.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar, cast

P = ParamSpec("P")
R = TypeVar("R")


def forget_frames(error: BaseException, handled: BaseException | None) -> None:
    """Drop the frames of an error and of all that it was raised from or during.

    Args:
        error: The error.
        handled: What the caller was handling when the call began (`sys.exception()`), or None. It is the caller's: it
            and what is behind it stay as they are.
    """
    waiting, seen = [error], {id(handled)}
    while waiting:
        one = waiting.pop()
        if id(one) in seen:  # causes may form a ring
            continue
        seen.add(id(one))
        one.__traceback__ = None
        waiting += [other for other in (one.__cause__, one.__context__) if other is not None]
        if isinstance(one, BaseExceptionGroup):
            waiting += cast("BaseExceptionGroup[BaseException]", one).exceptions


def without_frames(function: Callable[P, R]) -> Callable[P, R]:
    """Make errors of a function that is given secrets end at its caller, so that no frame holds its arguments."""

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        handled = sys.exception()
        try:
            return function(*args, **kwargs)
        except BaseException as error:
            del args, kwargs  # this frame stays
            forget_frames(error, handled)
            if error.__suppress_context__:
                error.__context__ = (
                    None  # `from None` only hides it, and an error of Unicode holds the text itself
                )
            raise

    return call

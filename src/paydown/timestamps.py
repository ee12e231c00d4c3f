"""Convert UTC milliseconds, the exchange's unit of time, into times that people can read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def utc(ms: int) -> datetime:
    """Return an aware datetime from UTC milliseconds, exact to the millisecond.

    >>> utc(1636371437000).isoformat()
    '2021-11-08T11:37:17+00:00'

    Args:
        ms: UTC milliseconds since 1970, as every time in this package.

    Raises:
        TypeError: `ms` is not an int: a float loses milliseconds, and seconds would look like 1970.
        OverflowError: The moment is beyond what datetime can hold.
    """
    if isinstance(ms, bool) or not isinstance(ms, int):  # pyright: ignore[reportUnnecessaryIsInstance]  # callers without a type checker
        raise TypeError(f"utc() takes an int of UTC milliseconds, not {type(ms).__name__}.")
    return _EPOCH + timedelta(milliseconds=ms)

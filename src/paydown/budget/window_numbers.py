"""Store a window as numbers: a few of its own, then the calls in flight, then the calls that ended."""

from __future__ import annotations

from array import array

from paydown.budget.window import ENTRY_WIDTH, Window

_FLIGHT = 4  # of one call in flight: id, weight, weight of reads, expires
_NUMBERS = 9  # in front of them


def pack_window(window: Window, numbers: array[int]) -> None:
    """Append everything that a window holds to `numbers`.

    Args:
        window: The window.
        numbers: The numbers of the budget so far.
    """
    head = [
        len(window.flying),
        len(window.settled) // ENTRY_WIDTH,
        window.foreign,
        window.foreign_until,
        window.settled_ever,
        window.purged_ever,
        window.minute,
        window.minute_weight,
        window.fixed_until,
    ]
    for reservation, flight in window.flying.items():
        head.append(reservation)
        head += flight
    numbers.fromlist(head)
    numbers.extend(window.settled)


def unpack_window(numbers: array[int], at: int) -> tuple[Window, int]:
    """Rebuild a window from the numbers of `pack_window`.

    Args:
        numbers: Numbers that hold it.
        at: Index of its first number.

    Returns:
        The window, and the index behind it.

    Raises:
        ValueError: These are not the numbers of a counter.
    """
    window = Window()
    body = at + _NUMBERS
    if body > len(numbers) or numbers[at] < 0 or numbers[at + 1] < 0:
        raise ValueError("a counter is cut off")
    middle = body + numbers[at] * _FLIGHT
    end = middle + numbers[at + 1] * ENTRY_WIDTH
    if end > len(numbers):
        raise ValueError("a counter is cut off")
    (
        window.foreign,
        window.foreign_until,
        window.settled_ever,
        window.purged_ever,
        window.minute,
        window.minute_weight,
        window.fixed_until,
    ) = numbers[at + 2 : body]
    for i in range(body, middle, _FLIGHT):
        window.fly(numbers[i], numbers[i + 1], numbers[i + 2], numbers[i + 3])
    window.settled = numbers[middle:end]
    window.settled_weight = sum(window.settled[1::ENTRY_WIDTH])
    window.settled_low = sum(window.settled[2::ENTRY_WIDTH])
    if min(window.settled[1::ENTRY_WIDTH], default=0) < 0:
        raise ValueError("a counter holds a negative weight")
    return window, end

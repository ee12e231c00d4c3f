"""Calculate for how long the gate of a budget closes after the exchange has limited or banned this address."""

from __future__ import annotations


def gate_pause_ms(
    status: int,
    *,
    now_ms: int,
    retry_after_ms: int | None = None,
    banned_until_ms: int | None = None,
    pause_after_429_ms: int,
    minimum_ban_ms: int,
    maximum_ban_ms: int,
) -> int:
    """Return for how long the gate is to be closed after HTTP 429 or 418, milliseconds.

    The answer decides: `Retry-After`, or the moment after "banned until" in the text of -1003, or the later of the two
    if the answer has both. Otherwise the document's pauses hold. No pause is longer than the longest ban: a header of a
    gateway, or of a server that only pretends to be the exchange, must not close a gate for years.

    Args:
        status: 429 or 418.
        now_ms: The exchange's time, UTC ms.
        retry_after_ms: `Retry-After`, in milliseconds.
        banned_until_ms: UTC ms.
        pause_after_429_ms: `x-ban.pause-after-429-ms` of the document.
        minimum_ban_ms: `x-ban.minimum-ms` of the document.
        maximum_ban_ms: `x-ban.maximum-ms` of the document.
    """
    asked = [pause for pause in (retry_after_ms,) if pause is not None and pause >= 0]
    if banned_until_ms is not None and banned_until_ms > now_ms:
        asked.append(banned_until_ms - now_ms)
    if asked:
        return min(max(asked), maximum_ban_ms)
    return minimum_ban_ms if status == 418 else pause_after_429_ms

"""Listen keys, and the events that are sent under them. No event loop: subscribers are called.

A key lives for an hour after it was opened or extended. When it runs out, its subscribers get
`listenKeyExpired` and nothing after it. Events are collected while a request is handled and delivered by
`deliver`, which a server calls once the request's changes are durable.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["Event", "Streams", "Subscriber"]

Event = dict[str, object]
Subscriber = Callable[[str, Event], None]


@dataclass(slots=True)
class _Stream:
    account: str
    expires_ms: int
    subscribers: list[Subscriber] = field(default_factory=list[Subscriber])


class Streams:
    """All listen keys of one sandbox.

    Args:
        lifetime_ms: How long a key lives without being extended, in milliseconds.
    """

    def __init__(self, lifetime_ms: int = 3_600_000) -> None:
        self.lifetime_ms = lifetime_ms
        self._streams: dict[str, _Stream] = {}
        self._key_of: dict[str, str] = {}
        self._outbox: list[tuple[str, Event]] = []

    def open(self, account: str, now_ms: int) -> str:
        """Return the account's key; make one if there is none. The lifetime of the key starts over either way.

        Args:
            account: The id of the account.
            now_ms: Now, milliseconds UTC.
        """
        key = self._key_of.get(account)
        if key is None:
            key = secrets.token_hex(32)
            self._key_of[account] = key
            self._streams[key] = _Stream(account, 0)
        self._streams[key].expires_ms = now_ms + self.lifetime_ms
        return key

    def key_of(self, account: str) -> str | None:
        """Return the account's active key, or `None`."""
        return self._key_of.get(account)

    def extend(self, account: str, now_ms: int) -> bool:
        """Restart the lifetime of the account's key; return False if it has none.

        Args:
            account: The id of the account.
            now_ms: Now, milliseconds UTC.
        """
        key = self._key_of.get(account)
        if key is None:
            return False
        self._streams[key].expires_ms = now_ms + self.lifetime_ms
        return True

    def close(self, account: str, now_ms: int) -> bool:
        """Invalidate the account's key; return False if it has none.

        Args:
            account: The id of the account.
            now_ms: Now, milliseconds UTC.
        """
        key = self._key_of.pop(account, None)
        if key is None:
            return False
        self._expired(key, now_ms)
        return True

    def expire(self, now_ms: int) -> None:
        """Invalidate every key whose lifetime is over."""
        for account, key in list(self._key_of.items()):
            if self._streams[key].expires_ms <= now_ms:
                del self._key_of[account]
                self._expired(key, self._streams[key].expires_ms)

    def next_expiry_ms(self) -> int | None:
        """Return when the next key expires, ms UTC, or `None` if there is no key."""
        return min((self._streams[key].expires_ms for key in self._key_of.values()), default=None)

    def _expired(self, key: str, now_ms: int) -> None:
        self._outbox.append((key, {"e": "listenKeyExpired", "E": now_ms}))

    def listening(self, account: str) -> bool:
        """Return whether the account has a key under which events can be sent."""
        return account in self._key_of

    def emit(self, account: str, event: Event) -> None:
        """Queue an event of an account; drop it if the account has no key, since no subscriber could read it.

        Args:
            account: The id of the account.
            event: The event as JSON members.
        """
        key = self._key_of.get(account)
        if key is not None:
            self._outbox.append((key, event))

    def deliver(self) -> None:
        """Hand every queued event to the subscribers of its key."""
        if not self._outbox:
            return
        queued, self._outbox = self._outbox, []
        for key, event in queued:
            stream = self._streams.get(key)
            if stream is None:
                continue
            for subscriber in list(stream.subscribers):
                subscriber(key, event)
            if event["e"] == "listenKeyExpired":
                del self._streams[key]

    def subscribe(self, key: str, subscriber: Subscriber) -> bool:
        """Register a function that is called with every event of a key; return False if there is no such key.

        Args:
            key: The listen key.
            subscriber: Called with the key and the event.
        """
        stream = self._streams.get(key)
        if stream is None or self._key_of.get(stream.account) != key:
            return False
        stream.subscribers.append(subscriber)
        return True

    def unsubscribe(self, key: str, subscriber: Subscriber) -> None:
        """Stop calling a function for the events of a key.

        Args:
            key: The listen key.
            subscriber: The function that was subscribed.
        """
        stream = self._streams.get(key)
        if stream is not None and subscriber in stream.subscribers:
            stream.subscribers.remove(subscriber)

    def dump(self) -> str:
        """Return keys, accounts and expiries as text to be stored."""
        rows = [[key, account, self._streams[key].expires_ms] for account, key in self._key_of.items()]
        return json.dumps(rows)

    def restore(self, text: str) -> None:
        """Continue with the keys from the text of `dump`."""
        for key, account, expires_ms in json.loads(text):
            self._streams[key] = _Stream(account, expires_ms)
            self._key_of[account] = key

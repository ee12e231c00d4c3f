# Written by `make generate` from openapi/paths/stream.yaml and generator/templates/resource.py.jinja.
# Edits here are lost: change one of those two and run it again.

"""The key that opens the user data stream."""

from __future__ import annotations

from paydown_wire import codec, models, operations
from paydown_wire.operation import AsyncSender, Sender


class StreamResource:
    """The key that opens the user data stream."""

    __slots__ = ("_sender",)

    def __init__(self, sender: Sender) -> None:
        self._sender = sender

    def start(self) -> models.ListenKey:
        """Open the user data stream, or get the key of the open one.

        Answers a key that lives 60 minutes. With a key already active, the same key comes back and its
        60 minutes restart.

        Returns:
            The key of the user data stream. Anyone who holds it can read the stream.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        POST /papi/v1/listenKey, security USER_STREAM: API key, no signature.
        Weight 1 of 6000 per minute, counted per IP.
        Provenance: docs, sdk, live.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/user-data-streams/Start-User-Data-Stream
        """
        return self._sender.send(operations.START_USER_DATA_STREAM, {}, models.ListenKey.from_json)

    def keep_alive(self) -> None:
        """Extend the listen key by 60 minutes.

        The page suggests a call about every 60 minutes, which is the lifetime itself: call every 30
        minutes or sooner.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        PUT /papi/v1/listenKey, security USER_STREAM: API key, no signature.
        Weight 1 of 6000 per minute, counted per IP.
        Seen: -1125. The key is gone. Start again.
        Undocumented: one question; openapi.json lists the assumptions made (`keepAliveUserDataStream`).
        Provenance: docs, sdk, live.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/user-data-streams/Keepalive-User-Data-Stream
        """
        self._sender.send(operations.KEEP_ALIVE_USER_DATA_STREAM, {}, codec.nothing)

    def close(self) -> None:
        """Close the user data stream and invalidate its key.

        Nothing more arrives afterwards.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        DELETE /papi/v1/listenKey, security USER_STREAM: API key, no signature.
        Weight 1 of 6000 per minute, counted per IP.
        Provenance: docs, sdk, live.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/user-data-streams/Close-User-Data-Stream
        """
        self._sender.send(operations.CLOSE_USER_DATA_STREAM, {}, codec.nothing)


class AsyncStreamResource:
    """The key that opens the user data stream.

    Awaited; `StreamResource` is the blocking twin.
    """

    __slots__ = ("_sender",)

    def __init__(self, sender: AsyncSender) -> None:
        self._sender = sender

    async def start(self) -> models.ListenKey:
        """Open the user data stream, or get the key of the open one.

        Answers a key that lives 60 minutes. With a key already active, the same key comes back and its
        60 minutes restart.

        Returns:
            The key of the user data stream. Anyone who holds it can read the stream.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        POST /papi/v1/listenKey, security USER_STREAM: API key, no signature.
        Weight 1 of 6000 per minute, counted per IP.
        Provenance: docs, sdk, live.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/user-data-streams/Start-User-Data-Stream
        """
        return await self._sender.send(operations.START_USER_DATA_STREAM, {}, models.ListenKey.from_json)

    async def keep_alive(self) -> None:
        """Extend the listen key by 60 minutes.

        The page suggests a call about every 60 minutes, which is the lifetime itself: call every 30
        minutes or sooner.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        PUT /papi/v1/listenKey, security USER_STREAM: API key, no signature.
        Weight 1 of 6000 per minute, counted per IP.
        Seen: -1125. The key is gone. Start again.
        Undocumented: one question; openapi.json lists the assumptions made (`keepAliveUserDataStream`).
        Provenance: docs, sdk, live.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/user-data-streams/Keepalive-User-Data-Stream
        """
        await self._sender.send(operations.KEEP_ALIVE_USER_DATA_STREAM, {}, codec.nothing)

    async def close(self) -> None:
        """Close the user data stream and invalidate its key.

        Nothing more arrives afterwards.

        Raises:
            RequestNotSent: Nothing left this machine: an argument was wrong, a budget was spent, or no
                connection was made.
            RequestRejected: The exchange refused to answer. Nothing was read, nothing has changed.
            ReadFailed: No usable answer, even after repeating. Conclude nothing; reading again is safe.

        DELETE /papi/v1/listenKey, security USER_STREAM: API key, no signature.
        Weight 1 of 6000 per minute, counted per IP.
        Provenance: docs, sdk, live.
        Source:
        https://developers.binance.com/docs/derivatives/portfolio-margin/user-data-streams/Close-User-Data-Stream
        """
        await self._sender.send(operations.CLOSE_USER_DATA_STREAM, {}, codec.nothing)

"""Authenticate a request: its key with permissions and addresses, its signature over the raw bytes, its time.

The checks run in this order, and the first that fails gives the answer:

    key header missing or malformed  -2014      key unknown, wrong address or permission  -2015
    parameters sent twice            -1101      signature does not fit the bytes          -1022
    timestamp or signature missing   -1102      recvWindow out of range                   -1130
                                                timestamp too old or too far ahead        -1021
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from paydown_sandbox.bundled_document import Document, OperationFacts
from paydown_sandbox.checks.api_keys import ApiKey, KeyRing
from paydown_sandbox.checks.parameter_checks import Received, read_received
from paydown_sandbox.checks.refusal import Refusal
from paydown_sandbox.choices.settings import Options
from paydown_sandbox.http_messages import RawRequest
from paydown_sandbox.request_log import RequestRecord

__all__ = ["Authenticated", "Gatekeeper"]

_MICROSECOND_DIGITS = 16  # the length of a timestamp in microseconds, from 2001 to 2286
_FORM = b"application/x-www-form-urlencoded"
_WHOLE = re.compile("0|[1-9][0-9]{0,18}").fullmatch


class Authenticated(NamedTuple):
    """The key and the decoded parameters of a request that passed. Without a key it needed none."""

    key: ApiKey | None
    parameters: dict[str, str]


class Gatekeeper:
    """Apply the signing scheme of the document to raw requests.

    Args:
        document: Holds the numbers of the scheme, such as the longest recvWindow.
        options: Choices for what the scheme leaves open.
        keys: The registered keys.
    """

    def __init__(self, document: Document, options: Options, keys: KeyRing) -> None:
        signing = document.signing
        self._future_ms = int(signing["timestamp"]["future-tolerance-ms"])
        self._default_window_ms = int(signing["recv-window"]["default"])
        self._longest_window_ms = int(signing["recv-window"]["maximum"])
        self._smallest_window_ms = options.integer("smallest-recv-window")
        self._microseconds = options.is_set("microsecond-timestamps", "accept")
        self._clip_window = options.is_set("recv-window-above-maximum", "clip")
        self._window_code = options.code("recv-window-above-maximum")
        self._refuse_ed25519 = options.is_set("ed25519-keys", "reject")
        self._ed25519_code = options.code("ed25519-keys")
        self._market_data_needs_key = options.is_set("index-price-needs-key", "true")
        self._refuse_other_bodies = options.is_set("json-body", "refused")
        self._unknown_code = options.code("unknown-parameter")
        self._keys = keys

    def admit(
        self, request: RawRequest, facts: OperationFacts, record: RequestRecord, now_ms: int
    ) -> Authenticated:
        """Authenticate a request, or refuse it.

        Args:
            request: As it arrived.
            facts: The operation that it calls.
            record: Its entry in the request log; account and signature are noted there.
            now_ms: The sandbox's time, against which its timestamp is held. UTC milliseconds.

        Raises:
            Refusal: With the code of the first check that failed.
        """
        key_text = b""
        seen = False
        content_type = b""
        for name, value in request.headers:
            if name == b"x-mbx-apikey":
                if seen:
                    raise Refusal(-2014, reason="the key header was sent twice")
                seen = True
                key_text = value
            elif name == b"content-type":
                content_type = value
        key: ApiKey | None = None
        if facts.api_key and (
            key_text or facts.security_type != "MARKET_DATA" or self._market_data_needs_key
        ):
            key = self._keys.find(key_text)
            if key is None and not KeyRing.well_formed(key_text):
                raise Refusal(-2014, reason="the key header is missing or malformed")
            received = self._received(request, content_type)
            if facts.signed:
                _require(received, record)
            if key is None:
                raise Refusal(-2015, reason="no such key")
            self._check_key(key, request, facts, record)
        else:
            received = self._received(request, content_type)
        signature = received.signature
        if key is not None and signature is not None and facts.signed:
            if not key.verifier.verify(received.message, signature):
                record.signature = "invalid"
                raise Refusal(-1022, reason="the signature does not fit the bytes")
            record.signature = "valid"
            self._check_time(received.parameters, now_ms)
        else:
            # A signature that an operation tolerates is not verified: no page claims that it would be.
            record.signature = "not-needed"
            if signature is not None and not facts.signature_tolerated:
                raise Refusal(self._unknown_code, reason="this call takes no signature")
        return Authenticated(key, received.parameters)

    def _check_key(
        self, key: ApiKey, request: RawRequest, facts: OperationFacts, record: RequestRecord
    ) -> None:
        record.account = key.account
        if key.ip_allow and not key.allows_ip(request.client_ip):
            raise Refusal(-2015, reason="this address is not on the key's list")
        if not key.allows(facts.security_type):
            raise Refusal(-2015, reason=f"the key lacks the permission for {facts.security_type}")
        if self._refuse_ed25519 and key.type == "ed25519":
            raise Refusal(self._ed25519_code, reason="Ed25519 keys are switched off")

    def _received(self, request: RawRequest, content_type: bytes) -> Received:
        body = request.body
        if not body:
            return read_received(request.query, b"")
        if request.method != "GET" and (
            content_type == _FORM or content_type.partition(b";")[0].strip().lower() == _FORM
        ):
            return read_received(request.query, body)
        if self._refuse_other_bodies:
            raise Refusal(-1013, reason="the body is not a form")
        # The bytes of a body that is no form still count for the signature; its parameters are not read.
        received = read_received(request.query, b"")
        return Received(received.parameters, received.signature, received.message + body)

    def _check_time(self, parameters: Mapping[str, str], now_ms: int) -> None:
        window_ms = self._default_window_ms
        text = parameters.get("recvWindow")
        if text is not None:
            if not text:
                raise Refusal(-1105, parameter="recvWindow", reason="empty")
            if _WHOLE(text) is None:
                raise Refusal(-1100, parameter="recvWindow", reason="not a whole number")
            window_ms = int(text)
            if window_ms > self._longest_window_ms:
                if not self._clip_window:
                    raise Refusal(self._window_code, parameter="recvWindow", reason="above the maximum")
                window_ms = self._longest_window_ms
            if window_ms < self._smallest_window_ms:
                raise Refusal(-1130, parameter="recvWindow", reason="too small")
        text = parameters.get("timestamp", "")
        if _WHOLE(text) is None:
            raise Refusal(-1102, parameter="timestamp", reason="not a whole number")
        timestamp = int(text)
        if self._microseconds and len(text) == _MICROSECOND_DIGITS:
            timestamp //= 1000
        if timestamp >= now_ms + self._future_ms:
            raise Refusal(-1021, text="msg-ahead", reason="ahead of the sandbox's clock")
        if now_ms - timestamp > window_ms:
            raise Refusal(-1021, reason="older than its recvWindow")


def _require(received: Received, record: RequestRecord) -> None:
    if "timestamp" not in received.parameters:
        raise Refusal(-1102, parameter="timestamp", reason="missing")
    if received.signature is None:
        record.signature = "missing"
        raise Refusal(-1102, parameter="signature", reason="missing")
    if not received.signature:
        raise Refusal(-1105, parameter="signature", reason="empty")
    if not received.parameters["timestamp"]:
        raise Refusal(-1105, parameter="timestamp", reason="empty")

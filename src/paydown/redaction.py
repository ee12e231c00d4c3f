"""Remove secrets and control characters from texts of the other side, before they reach an error or a log.

A gateway may repeat a request in its answer, key and signature included. Every text that came over the wire therefore
passes through the `Redactor` of its request, which knows both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

# Length of an excerpt: enough to recognise a page or an error by; a page of a gateway may have megabytes.
_EXCERPT: Final = 300
_LONGEST_MSG: Final = 500

# Text that looks like a signature or key: in an echoed form, an echoed JSON body or an echoed header.
_LOOKS_SECRET: Final = re.compile(
    r"""(signature|x-mbx-apikey|api[-_]?key|listen[-_]?key|secret)(["']?\s*(?:=|%3D|:)\s*["']?)([^\s"'&<>,;}]+)""",
    re.IGNORECASE,
)
# Controls, marks that reorder what a terminal shows, and halves of letters, which no terminal can write.
_CONTROLS: Final = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]+"
)


# A text that is cut short or wrapped may hold a part of a secret. A run of so many of its characters is no coincidence.
_RUN: Final = 16
# Only ASCII letters are lowered: in other alphabets a lowered letter can be longer than the letter itself.
_LOWER: Final = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}


class Redactor:
    """Remove the secrets of one request, and longer runs of their characters, from texts of the other side.

    Args:
        secrets: The key and the signature, in each spelling that the wire may show.
    """

    __slots__ = ("_runs", "_secrets")

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        known = [secret for secret in secrets if len(secret) >= 8]
        # An echo may change the case of a secret, in which a hexadecimal signature stays valid, or escape the secret
        # for JSON.
        known += [secret.replace("/", r"\/") for secret in known if "/" in secret]
        self._secrets = re.compile("|".join(map(re.escape, known)), re.IGNORECASE) if known else None
        lower = [secret.translate(_LOWER) for secret in known]
        self._runs = frozenset(
            secret[at : at + _RUN] for secret in lower for at in range(len(secret) - _RUN + 1)
        )

    def __call__(self, text: str | None, longest: int = _LONGEST_MSG) -> str | None:
        """Return a text without secrets and control characters.

        Args:
            text: Text of the other side; None stays None.
            longest: Most characters to keep.
        """
        if text is None:
            return None
        # The text is cut far behind the part that is kept, so that no secret is cut in half before it is recognised.
        text = text[: longest + 8192]
        if self._secrets is not None:
            text = self._without_runs(self._secrets.sub("[removed]", text))
        text = _CONTROLS.sub(" ", _LOOKS_SECRET.sub(r"\1\2[removed]", text)).strip()
        return text if len(text) <= longest else f"{text[: longest - 1]}…"

    def _without_runs(self, text: str) -> str:
        """Return a text without any run of `_RUN` or more characters of a secret."""
        lower = text.translate(_LOWER)
        kept: list[str] = []
        at = done = 0
        while at + _RUN <= len(lower):
            if lower[at : at + _RUN] not in self._runs:
                at += 1
                continue
            kept += [text[done:at], "[removed]"]
            while lower[at : at + _RUN] in self._runs:
                at += 1
            at = done = at + _RUN - 1
        return "".join([*kept, text[done:]])

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Return headers without cookies, each value redacted."""
        return {name: self(value) or "" for name, value in headers.items() if name != "set-cookie"}

    def excerpt(self, body: bytes) -> str:
        """Return the start of a body as redacted text."""
        return self(body[: 4 * _EXCERPT + 8192].decode("utf-8", "replace"), _EXCERPT) or ""

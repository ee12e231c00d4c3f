"""Every variation of a request that a server must tell apart, written from the document.

A variant is a name and raw bytes; what a server must answer is the oracle's business. The list is finite and the same
on every run: all spellings of all parameters, all edges of time, all ways to sign something else than what is sent.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from paydown_contract.document import FORM, Document, Field, Operation
from paydown_contract.requests import raw_text as wire
from paydown_contract.requests import values
from paydown_contract.requests.signer import Key
from paydown_contract.requests.verifier import Request

Pairs = list[tuple[str, str]]
_OWNED: Final = ("timestamp", "recvWindow", "signature")


@dataclass(frozen=True, slots=True)
class Variant:
    """One request and what is special about it."""

    operation: str
    group: str
    name: str
    request: Request


@dataclass(frozen=True, slots=True)
class Composer:
    """Builds signed requests of one key at one moment."""

    document: Document
    key: Key
    now_ms: int

    def arguments(self, operation: Operation, *, optional: bool = True, turn: int = 0) -> Pairs:
        """Right values for the operation's own parameters, in document order; recvWindow counts as one of them."""
        chosen: Pairs = []
        for item in operation.fields:
            if item.name in ("timestamp", "signature") or not (item.required or optional):
                continue
            chosen.append((item.name, self.value(item, turn)))
        return chosen

    def value(self, item: Field, turn: int = 0) -> str:
        """A right value for one field."""
        if item.name == "recvWindow":
            return str(self.document.signing["recv-window"]["default"])
        if item.name == "timestamp":
            return str(self.now_ms)
        return values.valid(item.schema, turn + (1 if item.is_list else 0))

    def headers(self, operation: Operation, *, body: bool) -> tuple[tuple[str, str], ...]:
        """The headers of a right request."""
        found: list[tuple[str, str]] = []
        if operation.api_key:
            found.append((self.document.key_header, self.key.api_key))
        if body:
            found.append(("Content-Type", FORM))
        return tuple(found)

    def right(
        self, operation: Operation, arguments: Pairs | None = None, *, place: str | None = None
    ) -> Request:
        """A right request; `place` is query or body, and the method's own place by default."""
        pairs = self.arguments(operation) if arguments is None else list(arguments)
        if operation.signed:
            pairs.append(("timestamp", str(self.now_ms)))
        return self.signed(operation, wire.join(pairs), place=place)

    def signed(
        self, operation: Operation, text: bytes, *, place: str | None = None, sign: bool = True
    ) -> Request:
        """The raw `text` signed and sent in one place."""
        place = place or ("body" if operation.takes_form else "query")
        if operation.signed and sign:
            text += (b"&" if text else b"") + b"signature=" + wire.escape(self.key.sign(text)).encode("ascii")
        return self.bare(operation, text if place == "query" else b"", text if place == "body" else b"")

    def split(self, operation: Operation, query: bytes, body: bytes, *, last: str = "body") -> Request:
        """Two raw texts, signed together, the signature at the end of one."""
        proof = b"signature=" + wire.escape(self.key.sign(query + body)).encode("ascii")
        if last == "query":
            query += (b"&" if query else b"") + proof
        else:
            body += (b"&" if body else b"") + proof
        return self.bare(operation, query, body)

    def bare(self, operation: Operation, query: bytes, body: bytes) -> Request:
        """The raw texts as they are, with right headers."""
        return Request(
            operation.method, operation.path, query, self.headers(operation, body=bool(body)), body
        )


@dataclass(frozen=True, slots=True)
class Tamperer:
    """Writes the variants of every operation."""

    document: Document
    key: Key
    others: tuple[Key, ...]  # keys that the server knows too, of other kinds and other accounts
    now_ms: int

    @property
    def composer(self) -> Composer:
        """Builds the right requests that the variants start from."""
        return Composer(self.document, self.key, self.now_ms)

    def variants(self, operation: Operation) -> Iterator[Variant]:
        """Every variant of one operation, in a fixed order, names unique."""
        groups: list[tuple[str, Callable[[Operation], Iterator[tuple[str, Request]]]]] = [
            ("places", self._places),
            ("values", self._values),
            ("names", self._names),
            ("paths", self._paths),
        ]
        if operation.api_key:
            groups.append(("key", self._key_header))
        if operation.signed:
            groups += [
                ("order", self._order),
                ("signature", self._signature),
                ("time", self._time),
                ("escapes", self._escapes),
            ]
        if operation.takes_form:
            groups.append(("content type", self._content_types))
        for group, write in groups:
            for name, request in write(operation):
                yield Variant(operation.id, group, name, request)

    # ------------------------------------------------------------------ where things are

    def _places(self, operation: Operation) -> Iterator[tuple[str, Request]]:
        make = self.composer
        for optional in (False, True):
            label = "all parameters" if optional else "required parameters"
            arguments = make.arguments(operation, optional=optional)
            yield f"{label}", make.right(operation, arguments)
            if not operation.takes_form or not operation.signed:
                continue
            yield f"{label} in the query", make.right(operation, arguments, place="query")
            pairs = [*arguments, ("timestamp", str(self.now_ms))]
            for at in range(len(pairs) + 1):
                query, body = wire.join(pairs[:at]), wire.join(pairs[at:])
                for last in ("query", "body"):
                    yield (
                        f"{label}, {at} in the query, signature in the {last}",
                        make.split(operation, query, body, last=last),
                    )
            if not optional:
                continue
            for at, (name, value) in enumerate(pairs):
                rest = pairs[:at] + pairs[at + 1 :]
                item = operation.field(name)
                other = "999" if name in _OWNED or item is None else values.valid(item.schema, 2)
                both = [("the same", value), ("another", other), ("a broken", "")]
                for label_body, text in both:
                    yield (
                        f"{name} in both places, {label_body} value in the body",
                        make.split(operation, wire.join([(name, value)]), wire.join([*rest, (name, text)])),
                    )
                yield (
                    f"{name} in both places, a broken value in the query",
                    make.split(operation, wire.join([(name, "")]), wire.join(pairs)),
                )

    def _paths(self, operation: Operation) -> Iterator[tuple[str, Request]]:
        right = self.composer.right(operation)
        in_query = self.composer.right(operation, place="query")
        for method in ("GET", "POST", "PUT", "DELETE", "PATCH"):
            if method != operation.method and self.document.operation(method, operation.path) is None:
                yield f"method {method}", replace(in_query, method=method)
        path = operation.path
        for name, other in (
            ("a slash at the end", path + "/"),
            ("upper case", path.upper()),
            ("one letter less", path[:-1]),
            ("one letter more", path + "s"),
            ("another version", path.replace("/v1/", "/v3/")),
            ("two slashes", path.replace("/v1/", "/v1//")),
            ("no prefix", path.removeprefix("/papi")),
        ):
            if other != path and self.document.operation(operation.method, other) is None:
                yield f"path with {name}", replace(right, path=other)

    def _content_types(self, operation: Operation) -> Iterator[tuple[str, Request]]:
        right = self.composer.right(operation, place="body")
        kept = tuple(header for header in right.headers if header[0].lower() != "content-type")
        for name, value in (
            ("with a charset", FORM + "; charset=utf-8"),
            ("with a charset, no blank", FORM + ";charset=UTF-8"),
            ("in upper case", FORM.upper()),
            ("JSON", "application/json"),
            ("plain text", "text/plain"),
            ("multipart", "multipart/form-data; boundary=x"),
            ("octets", "application/octet-stream"),
            ("one letter less", FORM[:-1]),
            ("one letter more", FORM + "x"),
            ("empty", ""),
        ):
            yield f"content type {name}", replace(right, headers=(*kept, ("Content-Type", value)))
        yield "no content type", replace(right, headers=kept)
        pairs = [*self.composer.arguments(operation), ("timestamp", str(self.now_ms))]
        signature = self.key.sign(wire.join(pairs))
        members = ",".join(f'"{name}":"{value}"' for name, value in [*pairs, ("signature", signature)])
        yield (
            "a JSON body",
            replace(
                right,
                headers=(*kept, ("Content-Type", "application/json")),
                body=("{" + members + "}").encode(),
            ),
        )
        yield "a JSON body sent as a form", replace(right, body=("{" + members + "}").encode())

    # ------------------------------------------------------------------ what is sent

    def _values(self, operation: Operation) -> Iterator[tuple[str, Request]]:
        make = self.composer
        required = make.arguments(operation, optional=False)
        for item in operation.fields:
            if item.name in ("timestamp", "signature"):
                continue  # these have variants of their own
            rest = [(name, value) for name, value in required if name != item.name]
            for label, text in values.texts(item.schema):
                chosen = dict([*rest, (item.name, text)])
                ordered = [(each.name, chosen[each.name]) for each in operation.fields if each.name in chosen]
                yield f"{item.name}: {label}", make.right(operation, ordered)

    def _names(self, operation: Operation) -> Iterator[tuple[str, Request]]:
        make = self.composer
        full = make.arguments(operation)
        stamped = [*full, ("timestamp", str(self.now_ms))] if operation.signed else full
        for name, _ in stamped:
            without = [pair for pair in stamped if pair[0] != name]
            yield f"{name} missing", make.signed(operation, wire.join(without))
        for at, (name, value) in enumerate(stamped):
            item = operation.field(name)
            other = values.valid(item.schema, 2) if item is not None and name not in _OWNED else value
            for label, pair in (
                ("the same value", (name, value)),
                ("another value", (name, other)),
                ("empty", (name, "")),
            ):
                for where in dict.fromkeys((at, at + 1, len(stamped))):
                    yield (
                        f"{name} twice, {label}, at {where}",
                        make.signed(operation, wire.join([*stamped[:where], pair, *stamped[where:]])),
                    )
        for name, _ in stamped:
            for label, wrong in (
                ("in upper case", name.upper()),
                ("capitalised", name[0].upper() + name[1:]),
                ("with [] behind", name + "[]"),
                ("with [0] behind", name + "[0]"),
                ("one letter less", name[:-1]),
                ("one letter more", name + "s"),
                ("with a blank before", " " + name),
                ("with a blank behind", name + " "),
                (
                    "in snake case",
                    "".join("_" + letter.lower() if letter.isupper() else letter for letter in name),
                ),
            ):
                if wrong == name or operation.field(wrong) is not None:
                    continue
                renamed = [(wrong if each == name else each, value) for each, value in stamped]
                yield f"{name} {label}", make.signed(operation, wire.join(renamed))
                yield (
                    f"{name}, and again {label}",
                    make.signed(operation, wire.join([*stamped, (wrong, dict(stamped)[name])])),
                )
        for name, value in (
            ("foo", "1"),
            ("newClientOrderId", "abc"),
            ("symbol", "BTCUSDT"),
            ("", "x"),
            ("X-MBX-APIKEY", "k"),
            ("€", "1"),
        ):
            if operation.field(name) is None:
                yield (
                    f"an unknown parameter {name or 'without a name'}",
                    make.signed(operation, wire.join([*stamped, (name, value)])),
                )
                yield (
                    f"an unknown parameter {name or 'without a name'} first",
                    make.signed(operation, wire.join([(name, value), *stamped])),
                )
                if operation.takes_form and operation.signed:
                    yield (
                        f"an unknown parameter {name or 'without a name'} in the query",
                        make.split(operation, wire.join([(name, value)]), wire.join(stamped)),
                    )
        if not operation.signed:
            for name in ("timestamp", "recvWindow", "signature"):
                if operation.field(name) is None:
                    yield (
                        f"an unneeded {name}",
                        make.signed(operation, wire.join([*stamped, (name, str(self.now_ms))])),
                    )

    def _order(self, operation: Operation) -> Iterator[tuple[str, Request]]:
        make = self.composer
        pairs = [*make.arguments(operation), ("timestamp", str(self.now_ms))]
        orders = {
            "reversed": pairs[::-1],
            "sorted": sorted(pairs),
            "sorted backwards": sorted(pairs, reverse=True),
        }
        orders |= {f"rotated by {turn}": pairs[turn:] + pairs[:turn] for turn in range(1, len(pairs))}
        for name, order in orders.items():
            yield f"parameters {name}", make.signed(operation, wire.join(order))
        text = wire.join(pairs)
        proof = b"signature=" + wire.escape(self.key.sign(text)).encode()
        place = "body" if operation.takes_form else "query"
        for at in range(len(pairs)):
            head, tail = wire.join(pairs[:at]), wire.join(pairs[at:])
            moved = b"&".join(part for part in (head, proof, tail) if part)
            yield f"signature at place {at}", make.signed(operation, moved, place=place, sign=False)

    # ------------------------------------------------------------------ who sends it

    def _key_header(self, operation: Operation) -> Iterator[tuple[str, Request]]:
        right = self.composer.right(operation)
        header = self.document.key_header
        kept = tuple(pair for pair in right.headers if pair[0] != header)
        key = self.key.api_key
        for name, value in (
            ("empty", ""),
            ("one letter less", key[:-1]),
            ("one letter more", key + "x"),
            ("first letter changed", ("A" if key[0] != "A" else "B") + key[1:]),
            ("last letter changed", key[:-1] + ("A" if key[-1] != "A" else "B")),
            ("in lower case", key.lower()),
            ("in upper case", key.upper()),
            ("with swapped case", key.swapcase()),
            ("with a blank inside", key[:8] + " " + key[8:]),
            ("of nobody", "0" * 64),
            ("a word", "key"),
            ("quoted", f'"{key}"'),
            ("as a bearer", f"Bearer {key}"),
        ):
            if value != key:
                yield f"key {name}", replace(right, headers=((header, value), *kept))
        yield "no key", replace(right, headers=kept)
        for name in dict.fromkeys((header.lower(), header.title(), header.swapcase())):
            yield f"header written {name}", replace(right, headers=((name, key), *kept))
        for name in ("Authorization", header + "S", header.replace("-", "_"), "X-API-KEY"):
            yield f"key in the header {name}", replace(right, headers=((name, key), *kept))
        for label, second in (("the same", key), ("another", "0" * 64), ("an empty one", "")):
            yield (
                f"the header twice, {label} first",
                replace(right, headers=((header, second), (header, key), *kept)),
            )
            yield (
                f"the header twice, {label} last",
                replace(right, headers=((header, key), *kept, (header, second))),
            )
        for number, other in enumerate(self.others, 1):
            yield (
                f"key of other {number}, signed by ours",
                replace(right, headers=((header, other.api_key), *kept)),
            )
            if operation.signed:
                foreign = Composer(self.document, other, self.now_ms).right(operation)
                yield f"our key, signed by other {number}", replace(foreign, headers=((header, key), *kept))
                yield f"key and signature of other {number}", foreign

    def _signature(self, operation: Operation) -> Iterator[tuple[str, Request]]:
        make = self.composer
        pairs = [*make.arguments(operation), ("timestamp", str(self.now_ms))]
        text = wire.join(pairs)
        proof = self.key.sign(text)

        def sent(signature: str, *, escaped: bool = True) -> Request:
            value = wire.escape(signature) if escaped else signature
            return make.signed(operation, text + b"&signature=" + value.encode("utf-8"), sign=False)

        yield "no signature", make.signed(operation, text, sign=False)
        yield "a right signature", sent(proof)
        for at in range(len(proof.rstrip("="))):
            swap = (
                ("0" if proof[at] != "0" else "1")
                if self.key.kind == "hmac"
                else ("A" if proof[at] != "A" else "B")
            )
            yield f"character {at} changed", sent(proof[:at] + swap + proof[at + 1 :])
        wrong: list[tuple[str, str]] = [
            ("empty", ""),
            ("in upper case", proof.upper()),
            ("in lower case", proof.lower()),
            ("with swapped case", proof.swapcase()),
            ("half in upper case", proof[:32].upper() + proof[32:]),
            ("one character less", proof[:-1]),
            ("two characters less", proof[:-2]),
            ("the first half", proof[: len(proof) // 2]),
            ("first character missing", proof[1:]),
            ("one character more", proof + "0"),
            ("twice", proof + proof),
            ("with 0x before", "0x" + proof),
            ("with a blank before", " " + proof),
            ("with a blank behind", proof + " "),
            ("with a newline behind", proof + "\n"),
            ("quoted", f'"{proof}"'),
            ("with a fullwidth digit", proof.translate({48 + digit: 0xFF10 + digit for digit in range(10)})),
            ("reversed", proof[::-1]),
            ("zeros", "0" * 64),
            ("the word null", "null"),
            (
                "percent-encoded twice",
                wire.escape(wire.escape(proof)) if "%" in wire.escape(proof) else "%25" + proof,
            ),
            ("base64url", proof.replace("+", "-").replace("/", "_")),
            ("without padding", proof.rstrip("=")),
            ("with more padding", proof + "="),
            ("with a line break", proof[:60] + "\n" + proof[60:]),
        ]
        for label, signature in wrong:
            if signature != proof:
                yield f"signature {label}", sent(signature)
        if wire.escape(proof) != proof:
            # In a form a bare + is a blank, so that the exchange reads another signature than was made.
            yield "signature not percent-encoded", sent(proof, escaped=False)
        if "+" in proof:
            yield "signature with a bare + only", sent(wire.escape(proof).replace("%2B", "+"), escaped=False)
        yield from ((f"signed {label}", sent(signature)) for label, signature in self._other_proofs(text))
        for label, message in self._other_messages(operation, pairs, text):
            if message != text:
                yield f"signed over {label}", sent(self.key.sign(message))
        for name, value in pairs:
            item = operation.field(name)
            if item is None:
                continue
            for turn in (1, 2):
                other = str(int(value) + turn) if name in _OWNED else values.valid(item.schema, turn + 1)
                if other != value:
                    changed = wire.join([(each, other if each == name else old) for each, old in pairs])
                    yield (
                        f"{name} changed to {other} after signing",
                        make.signed(
                            operation, changed + b"&signature=" + wire.escape(proof).encode(), sign=False
                        ),
                    )
            rest = wire.join([pair for pair in pairs if pair[0] != name])
            yield (
                f"{name} removed after signing",
                make.signed(operation, rest + b"&signature=" + wire.escape(proof).encode(), sign=False),
            )
        right = sent(proof)
        raw = right.body or right.query
        place = "body" if right.body else "query"
        for label, changed in (
            ("signature twice, the same", raw + b"&signature=" + wire.escape(proof).encode()),
            (
                "signature twice, the first wrong",
                text + b"&signature=" + b"0" * 64 + b"&signature=" + wire.escape(proof).encode(),
            ),
            ("signature twice, the second wrong", raw + b"&signature=" + b"0" * 64),
            ("signature named Signature", text + b"&Signature=" + wire.escape(proof).encode()),
            ("signature named sign", text + b"&sign=" + wire.escape(proof).encode()),
            (
                "a parameter after the signature",
                raw + b"&recvWindow=5000" if b"recvWindow" not in raw else raw + b"&foo=1",
            ),
            (
                "a parameter slipped in before the signature",
                text + b"&foo=1&signature=" + wire.escape(proof).encode(),
            ),
        ):
            yield label, make.signed(operation, changed, place=place, sign=False)
        if operation.takes_form:
            for at in range(len(pairs) + 1):
                query, body = wire.join(pairs[:at]), wire.join(pairs[at:])
                for label, message in (
                    ("joined with &", query + b"&" + body),
                    ("the body only", body),
                    ("the query only", query),
                    ("the body first", body + query),
                    ("with a question mark", b"?" + query + body),
                    ("joined with a newline", query + b"\n" + body),
                ):
                    if message != query + body:
                        proof_bytes = b"signature=" + wire.escape(self.key.sign(message)).encode()
                        yield (
                            f"{at} in the query, signed over: {label}",
                            make.bare(operation, query, body + (b"&" if body else b"") + proof_bytes),
                        )

    def _other_proofs(self, text: bytes) -> Iterator[tuple[str, str]]:
        """Signatures over the right text, made in a wrong way."""
        for number, other in enumerate(self.others, 1):
            yield f"by other {number}", other.sign(text)
        if self.key.kind == "hmac" and isinstance(self.key.secret, bytes):
            secret = self.key.secret
            for name in ("md5", "sha1", "sha224", "sha384", "sha512", "sha3_256", "blake2s"):
                yield f"with HMAC of {name}", hmac.new(secret, text, name).hexdigest()
            digest = hmac.new(secret, text, hashlib.sha256).digest()
            yield "in base64", base64.b64encode(digest).decode()
            yield "with a plain SHA-256", hashlib.sha256(text).hexdigest()
            yield "with a plain SHA-256 of secret and text", hashlib.sha256(secret + text).hexdigest()
            for label, changed in (
                ("the secret in lower case", secret.lower()),
                ("the secret in upper case", secret.upper()),
                ("the secret and a newline", secret + b"\n"),
                ("a letter less of the secret", secret[:-1]),
                ("an empty secret", b""),
                ("the key as secret", self.key.api_key.encode()),
                ("the secret decoded", _decoded(secret)),
            ):
                if changed is not None and changed != secret:
                    yield f"with {label}", hmac.new(changed, text, hashlib.sha256).hexdigest()
            yield "with key and text exchanged", hmac.new(text, secret, hashlib.sha256).hexdigest()
        else:
            raw = base64.b64decode(self.key.sign(text))
            for label, wrong in (
                ("a byte more", raw + b"\0"),
                ("three bytes more", raw + b"\0\0\0"),
                ("a byte before", b"\0" + raw),
                ("a byte less", raw[:-1]),
                ("every byte twice", raw + raw),
                ("no byte", b""),
            ):
                yield f"with {label}", base64.b64encode(wrong).decode()
            yield "in hexadecimal", raw.hex()
            yield (
                "with HMAC and the key as secret",
                hmac.new(self.key.api_key.encode(), text, hashlib.sha256).hexdigest(),
            )
            yield "over the digest of the text", self.key.sign(hashlib.sha256(text).digest())
            yield "over the hex digest of the text", self.key.sign(hashlib.sha256(text).hexdigest().encode())

    def _other_messages(self, operation: Operation, pairs: Pairs, text: bytes) -> Iterator[tuple[str, bytes]]:
        """Texts that a careless signer would sign instead of the one it sends."""
        bare = "&".join(f"{name}={value}" for name, value in pairs)
        yield "decoded text", bare.encode("utf-8")
        yield "lower-case escapes", text.replace(b"%2C", b"%2c")
        yield "nothing", b""
        yield "the text and a newline", text + b"\n"
        yield "the text with & before", b"&" + text
        yield "the text with & behind", text + b"&"
        yield "the text with ? before", b"?" + text
        yield "the text and signature=", text + b"&signature="
        yield "sorted parameters", wire.join(sorted(pairs))
        yield "reversed parameters", wire.join(pairs[::-1])
        yield "values only", "".join(value for _, value in pairs).encode()
        yield "a JSON text", ("{" + ",".join(f'"{name}":"{value}"' for name, value in pairs) + "}").encode()
        yield "path and text", operation.path.encode() + b"?" + text
        yield "method, path and text", f"{operation.method} {operation.path}?".encode() + text
        yield "the text in upper case", text.upper()
        yield "the text in lower case", text.lower()
        yield "the text twice", text + text
        for name, _ in pairs:
            yield f"all but {name}", wire.join([pair for pair in pairs if pair[0] != name])

    # ------------------------------------------------------------------ when it is sent

    def _time(self, operation: Operation) -> Iterator[tuple[str, Request]]:
        make = self.composer
        rules = self.document.signing
        default, maximum = rules["recv-window"]["default"], rules["recv-window"]["maximum"]
        ahead = rules["timestamp"]["future-tolerance-ms"]
        arguments = [pair for pair in make.arguments(operation, optional=False) if pair[0] != "recvWindow"]

        def at(stamp: str, window: str | None) -> Request:
            pairs = [
                *arguments,
                *([("recvWindow", window)] if window is not None else []),
                ("timestamp", stamp),
            ]
            return make.signed(operation, wire.join(pairs))

        windows = [
            None,
            "1",
            "2",
            "999",
            "1000",
            "1001",
            str(default - 1),
            str(default),
            str(default + 1),
            str(maximum - 1),
            str(maximum),
        ]
        for window in windows:
            size = default if window is None else int(window)
            for step in (-2, -1, 0, 1, 2):
                yield (
                    f"recvWindow {window or 'absent'}, {size + step} ms old",
                    at(str(self.now_ms - size - step), window),
                )
            for step in (-ahead, -2, -1, 0, 1, 2):
                yield (
                    f"recvWindow {window or 'absent'}, {ahead + step} ms ahead",
                    at(str(self.now_ms + ahead + step), window),
                )
        for window in (str(maximum + 1), str(maximum * 2), "9999999", "0", "-1", str(-maximum)):
            for age in (0, 1, 4999, maximum, maximum + 1, 9999998):
                yield f"recvWindow {window}, {age} ms old", at(str(self.now_ms - age), window)
        now = str(self.now_ms)
        for label, stamp in (
            ("in seconds", str(self.now_ms // 1000)),
            ("in microseconds", str(self.now_ms * 1000)),
            ("in nanoseconds", str(self.now_ms * 1000000)),
            ("as ISO 8601", "2021-11-08T12:30:37.000Z"),
            ("one hour ahead", str(self.now_ms + 3600000)),
            ("one hour old", str(self.now_ms - 3600000)),
            ("one day old", str(self.now_ms - 86400000)),
            ("an eight-hour zone ahead", str(self.now_ms + 8 * 3600000)),
            ("of 1970", "0"),
            ("of the year 2286", "9999999999999"),
            ("one digit less", now[:-1]),
            ("one digit more", now + "0"),
        ):
            yield f"timestamp {label}", at(stamp, None)
        for label, stamp in values.spellings(now):
            yield f"timestamp with {label}", at(stamp, None)

    def _escapes(self, operation: Operation) -> Iterator[tuple[str, Request]]:
        make = self.composer
        pairs = [*make.arguments(operation), ("timestamp", str(self.now_ms))]
        text = wire.join(pairs)
        yield "lower-case escapes", make.signed(operation, text.replace(b"%2C", b"%2c"))
        yield "bare commas", make.signed(operation, text.replace(b"%2C", b","))
        for name, value in pairs:
            if not value:
                continue
            first = (
                f"%{ord(value[0]):02X}{wire.escape(value[1:])}" if ord(value[0]) < 128 else wire.escape(value)
            )
            for label, spelled in (
                ("with a needless escape", first),
                (
                    "with a needless escape in lower case",
                    first.lower() if first[1:3].isdigit() else first[:3].lower() + first[3:],
                ),
                ("escaped twice", "%25" + first[1:] if first.startswith("%") else first),
                ("with a bad escape", wire.escape(value) + "%"),
                ("with a half escape", wire.escape(value) + "%4"),
                ("with an escape that is not hexadecimal", wire.escape(value) + "%G1"),
                ("with bytes that are not UTF-8", wire.escape(value) + "%FF"),
                ("with half a character", wire.escape(value) + "%E5%B8"),
                ("with a long form of a slash", wire.escape(value) + "%C0%AF"),
                ("with a surrogate", wire.escape(value) + "%ED%A0%80"),
                ("with an escaped NUL", wire.escape(value) + "%00"),
                ("with a plus", wire.escape(value) + "+"),
                ("with an escaped blank", wire.escape(value) + "%20"),
                ("with an escaped newline", wire.escape(value) + "%0A"),
                ("with an escaped ampersand", wire.escape(value) + "%26foo%3D1"),
                ("with a byte order mark", "%EF%BB%BF" + wire.escape(value)),
            ):
                raw = "&".join(
                    f"{each}={spelled if each == name else wire.escape(old)}" for each, old in pairs
                )
                yield f"{name} {label}", make.signed(operation, raw.encode("ascii"))
        name = pairs[0][0]
        escaped_name = f"%{ord(name[0]):02X}{name[1:]}"
        yield (
            f"the name {name} with a needless escape",
            make.signed(operation, escaped_name.encode() + text[len(name) :]),
        )


def _decoded(secret: bytes) -> bytes | None:
    """What the secret stands for as base64; None if it is none, as most are not."""
    try:
        return base64.b64decode(secret + b"=" * (-len(secret) % 4), validate=True)
    except ValueError:
        return None

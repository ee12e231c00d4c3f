"""Compose valid requests and sign them; the variants start from these."""

from dataclasses import dataclass
from typing import Final

from paydown_contract.document import FORM, Document, Field, Operation
from paydown_contract.requests import parameter_texts
from paydown_contract.requests.percent_encoding import escape, join
from paydown_contract.requests.raw_request import Request
from paydown_contract.requests.signing_key import Key

Pairs = list[tuple[str, str]]
# Parameters that signing adds: the variants of values and names treat them apart from an operation's own.
SIGNING_PARAMETERS: Final = ("timestamp", "recvWindow", "signature")


@dataclass(frozen=True, slots=True)
class Composer:
    """Builds the requests of one key, with the timestamp of one moment.

    Args:
        document: Holds the rules of signing.
        key: The key that signs, and whose API key goes into the header.
        now_ms: The timestamp of every request, UTC milliseconds.
    """

    document: Document
    key: Key
    now_ms: int

    def arguments(self, operation: Operation, *, optional: bool = True, turn: int = 0) -> Pairs:
        """Choose valid values for an operation's own parameters.

        Args:
            operation: The operation to choose values for.
            optional: Include the optional parameters; recvWindow counts as one of them.
            turn: Another number chooses other values, where a parameter has several.

        Returns:
            Names and decoded values in document order, without timestamp and signature.
        """
        chosen: Pairs = []
        for item in operation.fields:
            if item.name in ("timestamp", "signature") or not (item.required or optional):
                continue
            chosen.append((item.name, self.value(item, turn)))
        return chosen

    def value(self, item: Field, turn: int = 0) -> str:
        """Choose a valid value for one parameter.

        Args:
            item: The parameter.
            turn: Another number chooses another value, where the parameter has several.
        """
        if item.name == "recvWindow":
            return str(self.document.signing["recv-window"]["default"])
        if item.name == "timestamp":
            return str(self.now_ms)
        return parameter_texts.valid(item.schema, turn + (1 if item.is_list else 0))

    def stamped(self, operation: Operation) -> Pairs:
        """Choose valid values for all parameters of an operation, and add the timestamp."""
        return [*self.arguments(operation), ("timestamp", str(self.now_ms))]

    def headers(self, operation: Operation, *, body: bool) -> tuple[tuple[str, str], ...]:
        """Return the headers of a valid request.

        Args:
            operation: Decides whether the API key is sent.
            body: Whether the request carries a form body, and so a content type.
        """
        found: list[tuple[str, str]] = []
        if operation.api_key:
            found.append((self.document.key_header, self.key.api_key))
        if body:
            found.append(("Content-Type", FORM))
        return tuple(found)

    def right(
        self, operation: Operation, arguments: Pairs | None = None, *, place: str | None = None
    ) -> Request:
        """Build a valid request, signed where the operation is.

        Args:
            operation: The operation to call.
            arguments: Names and decoded values to send; None chooses valid ones for all parameters.
            place: "query" or "body"; None chooses the usual place of the method.
        """
        pairs = self.arguments(operation) if arguments is None else list(arguments)
        if operation.signed:
            pairs.append(("timestamp", str(self.now_ms)))
        return self.signed(operation, join(pairs), place=place)

    def signed(
        self, operation: Operation, text: bytes, *, place: str | None = None, sign: bool = True
    ) -> Request:
        """Build a request from encoded parameters, with the signature over exactly these bytes behind them.

        Args:
            operation: The operation to call; one that is not signed gets no signature.
            text: `name=value` pairs, percent-encoded and joined with &.
            place: "query" or "body"; None chooses the usual place of the method.
            sign: False leaves the signature out.
        """
        place = place or ("body" if operation.takes_form else "query")
        if operation.signed and sign:
            text = joined(text, signature_pair(self.key.sign(text)))
        return self.bare(operation, text if place == "query" else b"", text if place == "body" else b"")

    def split(self, operation: Operation, query: bytes, body: bytes, *, last: str = "body") -> Request:
        """Build a request with parameters in query and body, signed over both together.

        Args:
            operation: The operation to call.
            query: Percent-encoded parameters of the query, which the signature covers first.
            body: Percent-encoded parameters of the form body.
            last: "query" or "body": the place where the signature is appended.
        """
        pair = signature_pair(self.key.sign(query + body))
        if last == "query":
            query = joined(query, pair)
        else:
            body = joined(body, pair)
        return self.bare(operation, query, body)

    def bare(self, operation: Operation, query: bytes, body: bytes) -> Request:
        """Build a request from raw texts as they are, with the headers of a valid request.

        Args:
            operation: The operation to call.
            query: The whole query text.
            body: The whole body; an empty one gets no content type.
        """
        headers = self.headers(operation, body=bool(body))
        return Request(operation.method, operation.path, query, headers, body)


def signature_pair(signature: str) -> bytes:
    """Write a signature as the percent-encoded pair `signature=…`."""
    return b"signature=" + escape(signature).encode("ascii")


def joined(*parts: bytes) -> bytes:
    """Join encoded parameters with &, leaving out parts that are empty."""
    return b"&".join(part for part in parts if part)

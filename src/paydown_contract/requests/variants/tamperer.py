"""List every variant of a valid request that a server must distinguish from it."""

from collections.abc import Iterator
from dataclasses import dataclass

from paydown_contract.document import Document, Operation
from paydown_contract.requests.composer import Composer
from paydown_contract.requests.raw_request import Request
from paydown_contract.requests.signing_key import Key
from paydown_contract.requests.variants.content_type_variants import content_type_variants
from paydown_contract.requests.variants.escape_variants import escape_variants
from paydown_contract.requests.variants.key_variants import key_variants
from paydown_contract.requests.variants.name_variants import name_variants
from paydown_contract.requests.variants.order_variants import order_variants
from paydown_contract.requests.variants.path_variants import path_variants
from paydown_contract.requests.variants.place_variants import place_variants
from paydown_contract.requests.variants.signature_variants import signature_variants
from paydown_contract.requests.variants.time_variants import time_variants
from paydown_contract.requests.variants.value_variants import value_variants


@dataclass(frozen=True, slots=True)
class Variant:
    """One request, and the name of what is special about it."""

    operation: str
    group: str
    name: str
    request: Request


@dataclass(frozen=True, slots=True)
class Tamperer:
    """Writes the variants of every operation of a document.

    The list is finite and the same on every run: all spellings of all parameters, all edges of time, all ways to sign
    something else than what is sent. A variant carries no expectation: `Oracle` decides what a server may answer.

    Args:
        document: The document that the server claims to keep.
        key: The key that signs.
        others: Further keys that the server knows, of other kinds and other accounts.
        now_ms: The timestamp of valid requests, UTC milliseconds.
    """

    document: Document
    key: Key
    others: tuple[Key, ...]
    now_ms: int

    @property
    def composer(self) -> Composer:
        """The composer of the valid requests that the variants start from."""
        return Composer(self.document, self.key, self.now_ms)

    def variants(self, operation: Operation) -> Iterator[Variant]:
        """Yield every variant of one operation, in a fixed order and under unique names."""
        make = self.composer
        groups = [
            ("places", place_variants(make, operation)),
            ("values", value_variants(make, operation)),
            ("names", name_variants(make, operation)),
            ("paths", path_variants(make, operation)),
        ]
        if operation.api_key:
            groups.append(("key", key_variants(make, operation, self.others)))
        if operation.signed:
            groups += [
                ("order", order_variants(make, operation)),
                ("signature", signature_variants(make, operation, self.others)),
                ("time", time_variants(make, operation)),
                ("escapes", escape_variants(make, operation)),
            ]
        if operation.takes_form:
            groups.append(("content type", content_type_variants(make, operation)))
        for group, variants in groups:
            for name, request in variants:
                yield Variant(operation.id, group, name, request)

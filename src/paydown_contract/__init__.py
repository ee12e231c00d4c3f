"""Hold any client or server to the OpenAPI document of paydown: a client by its requests, a server by its answers.

Everything here is derived from the document and from nothing else. This package imports neither the client nor the
sandbox of this project, so that a mistake in them cannot agree with itself here.

    read_document, bundled_document    read the document, one file or many
    Oracle                             decide for one raw request which answers the document allows
    Composer, Tamperer                 write valid requests, and every variant that a server must distinguish
    examine, HttpSender                send all variants to a server and collect the findings

Importing this package loads nothing but this file: each name is loaded when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from paydown_contract.cli import main
    from paydown_contract.curl import as_curl
    from paydown_contract.document import BrokenDocument, Document, Operation, bundled_document, read_document
    from paydown_contract.examination.examination import Examination, Result, Tally
    from paydown_contract.examination.examiner import examine
    from paydown_contract.examination.finding import Finding
    from paydown_contract.http_sender import HttpSender, Received
    from paydown_contract.key_file import read_private_key
    from paydown_contract.requests.composer import Composer
    from paydown_contract.requests.raw_request import Request
    from paydown_contract.requests.signing_key import Key, RsaNumbers
    from paydown_contract.requests.variants.tamperer import Tamperer, Variant
    from paydown_contract.rules.allowed_answers import AllowedAnswers, Breach, Oracle

__all__ = [
    "AllowedAnswers",
    "Breach",
    "BrokenDocument",
    "Composer",
    "Document",
    "Examination",
    "Finding",
    "HttpSender",
    "Key",
    "Operation",
    "Oracle",
    "Received",
    "Request",
    "Result",
    "RsaNumbers",
    "Tally",
    "Tamperer",
    "Variant",
    "as_curl",
    "bundled_document",
    "examine",
    "main",
    "read_document",
    "read_private_key",
]

_HOMES = {
    "AllowedAnswers": "rules.allowed_answers",
    "Breach": "rules.allowed_answers",
    "BrokenDocument": "document",
    "Composer": "requests.composer",
    "Document": "document",
    "Examination": "examination.examination",
    "Finding": "examination.finding",
    "HttpSender": "http_sender",
    "Key": "requests.signing_key",
    "Operation": "document",
    "Oracle": "rules.allowed_answers",
    "Received": "http_sender",
    "Request": "requests.raw_request",
    "Result": "examination.examination",
    "RsaNumbers": "requests.signing_key",
    "Tally": "examination.examination",
    "Tamperer": "requests.variants.tamperer",
    "Variant": "requests.variants.tamperer",
    "as_curl": "curl",
    "bundled_document": "document",
    "examine": "examination.examiner",
    "main": "cli",
    "read_document": "document",
    "read_private_key": "key_file",
}


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{home}"), name)

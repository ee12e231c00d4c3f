"""A server that nobody here wrote: it answers from the document's own samples, right or deliberately wrong."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from paydown_contract.document import Document
from paydown_contract.oracle import Oracle, Request, Verdict
from paydown_contract.proof import Key
from tests.contract.support.client import confirming
from tests.contract.test_b_matrix import effective_texts


@dataclass(slots=True)
class Vices:
    """What the server does wrong."""

    accepts: Callable[[Verdict, Request], bool] = field(default=lambda verdict, request: False)
    changes: Callable[[str, object], object] = field(default=lambda operation, body: body)
    status_of_refusals: int | None = None
    forgets_header: bool = False
    plain_text: bool = False


def answer(
    document: Document, oracle: Oracle, vices: Vices, request: Request, now_ms: int
) -> tuple[int, dict[str, str], bytes]:
    """What the server says."""
    verdict = oracle.expect(request, now_ms)
    operation = verdict.operation
    if operation is None:
        return 404, {"Content-Type": "text/html"}, b"<html></html>"
    headers = {"Content-Type": "text/plain" if vices.plain_text else "application/json"}
    if not vices.forgets_header:
        budget = document.content["x-limits"][operation.facts["x-weight"].get("budget", "ip-weight")]
        headers[budget["header"]] = "1"
    if verdict.breaches and not vices.accepts(verdict, request):
        breach = verdict.breaches[0]
        code = min(breach.codes)
        row = document.error(code)
        status = next(iter((row.statuses if row else ()) or sorted(breach.statuses)))
        content: object = {"code": code, "msg": breach.clause}
        return vices.status_of_refusals or status, headers, json.dumps(content).encode()
    sample = (
        {"serverTime": now_ms}
        if operation.path.endswith("/time")
        else confirming(operation, effective_texts(request))
    )
    body = vices.changes(operation.id, sample)
    return 200, headers, json.dumps(body).encode()


@contextmanager
def stranger(document: Document, key: Key, vices: Vices, now_ms: Callable[[], int]) -> Iterator[str]:
    """Run the server; gives its address."""
    oracle = Oracle(document, (key,))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet
        disable_nagle_algorithm = True

        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            path, _, query = self.path.partition("?")
            headers = tuple((name, value) for name, value in self.headers.items())
            request = Request(self.command, path, query.encode("latin-1"), headers, self.rfile.read(length))
            status, more, body = answer(document, oracle, vices, request, now_ms())
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = handle_any  # noqa: N815  the names that http.server calls

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)

"""Runs schemathesis' stateful phase, signed: calls that follow the document's links, on values that a server can carry
out, each answer held to what the link promises.

Left alone the phase proves little. It draws made-up assets and amounts, so that hardly a first call succeeds and no
link is ever followed. Here the values of the first call are right ones, what no link fills is left out of the second
call, and it is counted how often a link was truly followed: the first call carried out, its values sent on unchanged,
the second one answered with 2xx.
"""

import copy
import zlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from schemathesis.generation import GenerationMode

from paydown_contract.document import FORM, Document, Operation
from paydown_contract.json_types import is_object
from paydown_contract.rules.answer_body import members_of
from paydown_contract.rules.answer_consistency import sent_values
from paydown_contract.rules.links import BEYOND_A_LIMIT, Link, links_of
from tests.contract.support import stock
from tests.contract.support.stock import Complaint, Outcome, Plan
from tests.contract.support.stock_signing import Signer

STEPS: Final = 6  # calls in one scenario
ROUNDS: Final = 5


@dataclass(slots=True)
class Followed:
    """What a run of one call's links saw."""

    outcome: Outcome
    times: Counter[str] = field(
        default_factory=Counter[str]
    )  # how often each link was truly followed, by clause


@dataclass(frozen=True, slots=True)
class _Reply:
    """An answer as schemathesis recorded it."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def follow(
    document: Document,
    bundled: Mapping[str, Any],
    signer: Signer,
    source: Operation,
    values: Mapping[str, tuple[str, ...]],
    *,
    app: Any = None,
    base_url: str | None = None,
    plan: Plan | None = None,
    least: int = 2,
) -> Followed:
    """Follow the links of one call again and again.

    Args:
        document: What the links and the oracle are read from.
        bundled: The same document in one piece, as schemathesis reads it.
        signer: Signs.
        source: The call whose links are followed.
        values: Texts that a first call may be made with, by name of the parameter: assets that the server knows and
            amounts that it can move.
        app: An ASGI application, called in process.
        base_url: Or the address of a server.
        plan: How many scenarios in one round; its phases are not looked at.
        least: Where chance has followed a link less often than this, another round is drawn, up to five in all.

    Raises:
        BrokenDocument: a link leads to no operation.
        ValueError: the call has no links.
    """
    plan = plan or Plan()
    links = links_of(document, source)
    if not links:
        raise ValueError(f"{source.id} has no links")
    found = Followed(Outcome())

    def map_case(context: Any, case: Any) -> Any:
        """Let the first call be one that can succeed; the same case gets the same values when it is drawn again."""
        body: Any = case.body
        if case.operation.definition.raw.get("operationId") == source.id and is_object(body):
            case.body = {**body, **_chosen(source, body, values, signer.now_ms())}
        return case

    def tune(schema: Any) -> None:
        schema.hook(map_case)
        config = schema.config.phases.stateful
        config.max_steps = STEPS
        config.inference.algorithms = []  # the document's own links and no guesses
        config.link_calibration = False  # every link as often as the others
        # Wrong data, and right data without a key, is what the other phases send.
        config.generation.update(modes=[GenerationMode.POSITIVE])
        schema.config.checks.ignored_auth.enabled = False
        schema.config.checks.missing_required_header.enabled = False

    for number in range(ROUNDS):
        seen = stock.run(
            document,
            _view(bundled, document, source, links),
            signer,
            app=app,
            base_url=base_url,
            operations=list(dict.fromkeys([source.id, *(link.target.id for link in links)])),
            plan=Plan(("stateful",), plan.max_examples, plan.seed + number, plan.derandomised, plan.database),
            tune=tune,
            watch=lambda recorder: _judge(recorder, links, found),
        )
        found.outcome.complaints += seen.complaints
        found.outcome.errors += seen.errors
        found.outcome.statuses += seen.statuses
        found.outcome.cases += seen.cases
        if found.outcome.complaints or all(found.times[link.clause] >= least for link in links):
            break
    found.outcome.complaints = [
        each for each in found.outcome.complaints if each.status not in BEYOND_A_LIMIT
    ]
    return found


def _chosen(
    source: Operation, body: Mapping[str, Any], values: Mapping[str, tuple[str, ...]], now_ms: int
) -> dict[str, Any]:
    chosen: dict[str, Any] = {"timestamp": now_ms} if source.signed else {}
    drawn = zlib.crc32(repr(sorted(body.items(), key=str)).encode("utf-8", "surrogatepass"))
    for at, (name, texts) in enumerate(values.items()):
        wanted = source.field(name)
        if wanted is not None and (name in body or wanted.required or name == "amount"):
            text = texts[(drawn >> (4 * at)) % len(texts)]
            chosen[name] = text.split(",") if wanted.is_list else text
    return chosen


def _view(
    bundled: Mapping[str, Any], document: Document, source: Operation, links: tuple[Link, ...]
) -> dict[str, Any]:
    """The document with links from this call alone, and without what would blur them: a window that may be too short
    for the way, and in the second call every optional parameter that no link fills."""
    view: dict[str, Any] = copy.deepcopy(dict(bundled))
    filled: dict[str, set[str]] = {}
    for link in links:
        filled.setdefault(link.target.id, set()).update(link.parameters)
    for operation in document.operations:
        node = view["paths"][operation.path][operation.method.lower()]
        if operation.id != source.id:
            node["responses"]["200"].pop("links", None)
        if operation.id not in (source.id, *filled):
            continue
        wanted = {each.name for each in operation.fields if each.required} | filled.get(operation.id, set())
        if operation.id == source.id:
            wanted |= {each.name for each in operation.fields} - {"recvWindow"}
        if "parameters" in node:
            found = [_resolved(view, each) for each in node["parameters"]]
            # Required, so that schemathesis seldom sends something else than the linked value.
            node["parameters"] = [{**each, "required": True} for each in found if each["name"] in wanted]
        media = node.get("requestBody", {}).get("content", {}).get(FORM)
        if media:
            schema = media["schema"] = copy.deepcopy(_resolved(view, media["schema"]))
            schema["properties"] = {
                name: part for name, part in schema.get("properties", {}).items() if name in wanted
            }
            media.pop("examples", None)
    return view


def _resolved(view: Mapping[str, Any], node: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(node)
    while isinstance(reference := found.pop("$ref", None), str):
        target: Any = view
        for part in reference.split("/")[1:]:
            target = target[part.replace("~1", "/").replace("~0", "~")]
        found = {**target, **found}
    return found


def _judge(recorder: Any, links: tuple[Link, ...], found: Followed) -> None:
    """Hold each second call of a scenario to its link."""
    order = list(recorder.cases)
    for at, (case_id, node) in enumerate(recorder.cases.items()):
        first, second = recorder.interactions.get(node.parent_id), recorder.interactions.get(case_id)
        if node.transition is None or first is None or second is None:
            continue
        if first.response is None or second.response is None or first.response.status_code != 200:
            continue
        link = _named(links, node.transition.id)
        asked, request = stock.raw_request(first.request), stock.raw_request(second.request)
        texts, sent = sent_values(asked), sent_values(request)
        given = link.arguments(texts, members_of(first.response.content or b""))
        if given is None or any(sent.get(name) != value for name, value in given.items()):
            continue  # schemathesis sends something else than the linked value now and then
        answer = _Reply(second.response.status_code, (), second.response.content or b"")
        if 200 <= answer.status < 300:
            found.times[link.clause] += 1
        between = [recorder.cases[each].value.method for each in order[order.index(node.parent_id) + 1 : at]]
        if not link.by_id and any(method.upper() != "GET" for method in between):
            continue  # what the first call did may have been undone meanwhile; a record stays
        symptom = link.symptom(texts, given, answer)
        if symptom:
            found.outcome.complaints.append(
                Complaint(
                    link.source.id, "stateful", link.clause, symptom, request, answer.status, answer.body
                )
            )


def _named(links: tuple[Link, ...], transition: str) -> Link:
    """The link that schemathesis calls by this name."""
    return next(
        link
        for link in links
        if transition.startswith(f"{link.source.method} {link.source.path} ")
        and f" {link.name} -> " in transition
    )

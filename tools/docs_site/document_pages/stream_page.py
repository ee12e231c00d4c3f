"""Write the page of the user data stream: its key, its connection, its events."""

from __future__ import annotations

from generator.client.client_model import Operation
from generator.client.python_types import Type
from generator.document.schema_queries import items, member, members, number, text, texts
from tools.docs_site.markdown import Links, code, codes, json_block, page, paragraphs, prose, symbol, table
from tools.docs_site.page_facts import Facts, duration

from .call_page import path_of
from .field_tables import model_table, models_in, schema_of
from .provenance import provenance, provenance_marks, sample_provenance

STREAM = "api/events.md"


def stream_page(facts: Facts) -> str:
    """Return the page about the stream and every event that it carries."""
    links = Links(STREAM)
    stream = members(facts.document, "x-stream")
    server = members(facts.document, "x-servers", text(stream, "server"))

    def span(key: str) -> str:
        return duration(number(stream, key) or 0)

    address = text(server, "url") + text(stream, "connect")
    rows = [
        ("Address", f"{code(address)} {links.marks(provenance_marks(server))}"),
        (
            "Key",
            f"from {_calls(facts, links)}; lives {span('key-lifetime-ms')}, keep it alive every"
            f" {span('keep-alive-ms')}",
        ),
        ("Connection", f"ends after {span('connection-lifetime-ms')}"),
        (
            "Ping",
            f"every {span('server-ping-interval-ms')}; without a pong within {span('pong-timeout-ms')} the"
            " connection ends",
        ),
        (
            "Delivery",
            "not guaranteed: read the balances again after every connection"
            if text(stream, "delivery") == "not-guaranteed"
            else prose(text(stream, "delivery")),
        ),
        ("Order", f"by {code(text(stream, 'time-key'))} across types"),
        (
            "Names",
            f"{code(text(stream, 'type-key'))} names the event"
            + (
                ". Keys are case sensitive: `e` and `E` are two fields"
                if member(stream, "case-sensitive") is True
                else ""
            ),
        ),
        ("Not described", codes(texts(stream, "ignored"))),
        ("Known from", provenance(links, stream)),
    ]
    parts = [
        "# Stream events",
        "What the exchange sends by itself, over a websocket. An event is a hint to look, never the proof of"
        " a repayment.",
        table(("", ""), rows),
    ]
    for event in items(stream, "events"):
        parts += _event(facts, links, text(event, "name"), text(event, "schema"))
    return page(*parts)


def _event(facts: Facts, links: Links, name: str, class_name: str) -> list[str]:
    schema = schema_of(facts, class_name)
    model = facts.model(class_name)
    inner = models_in(facts, Type("model", class_name))[1:]
    parts = [
        f"## {name} {{ #{name.lower()} }}",
        paragraphs(model.description),
        f"In Python: {symbol(f'paydown_wire.models.{class_name}')}. {provenance(links, schema)}",
        f"Source: <{text(schema, 'x-source')}>" if text(schema, "x-source") else "",
        model_table(facts, links, model),
    ]
    for one in inner:
        parts += [f"**{one.class_name}.** {prose(one.description)}", model_table(facts, links, one)]
    for sample in members(schema, "x-examples").values():
        parts += [sample_provenance(links, sample), json_block(member(sample, "value"))]
    return parts


def _calls(facts: Facts, links: Links) -> str:
    calls: list[Operation] = [one for one in facts.client.operations if one.resource == "stream"]
    return ", ".join(links.to(path_of(one), code(one.name)) for one in calls)

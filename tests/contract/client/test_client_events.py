"""
What the client makes of the events of the user data stream: read without loss, refused where they are wrong,
kept where they are new.
"""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from paydown_contract.document import Document
from paydown_wire import UnknownStreamEvent, stream_event_from_json
from paydown_wire.operation import DecodeError
from tests.contract.support import mirror


def events(contract: Document) -> Mapping[str, Any]:
    """The schema of each event by its name on the wire."""
    found = {
        schema["properties"]["e"]["const"]: schema
        for schema in contract.content["components"]["schemas"].values()
        if schema.get("properties", {}).get("e", {}).get("const")
    }
    assert len(found) == 7
    return found


def test_every_event_is_read_without_loss_and_every_wrong_one_is_refused(contract: Document) -> None:
    """Each member absent, at each edge, of each wrong type, and members of tomorrow; written back as it came."""
    for name, schema in events(contract).items():
        counted = {True: 0, False: 0}
        for case in mirror.event_cases(schema):
            counted[case.right] += 1
            body = json.loads(mirror.dump(case.body), parse_float=Decimal)
            if not case.right:
                with pytest.raises(DecodeError):
                    raise AssertionError(f"{name}: {case.label}: {stream_event_from_json(body)!r}")
                continue
            seen = stream_event_from_json(body)
            assert type(seen).__name__ == schema["title"], case.label
            assert mirror.disagreement(schema, case.body, seen) is None, case.label
            assert mirror.rewritten(schema, case.body, seen.to_json()) is None, case.label
        assert counted[True] >= 10
        assert counted[False] >= 10


@pytest.mark.parametrize("name", ["tomorrowsEvent", "", "LIABILITYCHANGE", "liabilityChange ", "币安"])
def test_an_event_that_nobody_lists_is_kept(name: str) -> None:
    """Its name and all its members, whatever they are."""
    body = {"e": name, "E": 1, "x": {"y": [1, "2", None]}}
    seen = stream_event_from_json(body)
    assert isinstance(seen, UnknownStreamEvent)
    assert seen.tag == name
    assert dict(seen.additional) == {"E": 1, "x": {"y": [1, "2", None]}}
    assert seen.to_json() == body


@pytest.mark.parametrize(
    "wrong", [None, 1, "liabilityChange", [], {}, {"e": 1}, {"e": None}, {"E": 1}, [{"e": "x"}]]
)
def test_what_is_no_event_is_refused(wrong: Any) -> None:
    """Without a name as text it is none."""
    with pytest.raises(DecodeError):
        stream_event_from_json(wrong)

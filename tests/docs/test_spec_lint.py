"""What `make lint-spec` asks other people's tools, as far as it can be tested without them."""

from __future__ import annotations

import json

import pytest
import yaml

from tools.spec_lint.samples import samples
from tools.spec_lint.tools import CONTROL, DOCUMENT, ROOT, validator

DATA = json.loads(DOCUMENT.read_bytes())


def test_every_json_sample_of_the_document_is_put_to_the_test():
    """The samples of requests, answers and events are all found, each with a schema to fit."""
    found = list(samples(DATA))
    requests = {sample.place for sample in found if " request " in sample.place}
    events = {
        sample.place.split()[0] for sample in found if sample.place.endswith(("documented", "illustrative"))
    }

    assert len({sample.place for sample in found}) == len(found) > 100
    assert "/papi/v1/margin/repay-debt/post request whole" in requests
    assert {event["schema"] for event in DATA["x-stream"]["events"]} <= events
    for sample in found:
        assert sample.schemas
        assert set(sample.schemas) <= DATA["components"]["schemas"].keys(), sample.place


@pytest.mark.parametrize("document", [DOCUMENT, CONTROL], ids=lambda path: path.name)
def test_the_bundled_documents_are_openapi_3_1(document):
    """openapi-spec-validator accepts both documents that the wheel ships."""
    assert validator(document).verdict == "ok"


def test_every_call_of_the_control_api_says_who_may_call_and_how_it_refuses():
    """What Redocly asks for, told without it: security stands at the root, and no call is without a 4XX."""
    control = json.loads(CONTROL.read_bytes())

    assert control["security"] == []
    for path, calls in control["paths"].items():
        for method, call in calls.items():
            assert "400" in call["responses"], (method, path)
            assert ("507" in call["responses"]) is (method != "get" and "streams" not in path), (method, path)


@pytest.mark.parametrize(
    ("pointer", "value"),
    [(("openapi",), "4.0"), (("info",), {}), (("paths", "/papi/v1/ping", "get", "responses"), [])],
)
def test_a_broken_document_is_refused(tmp_path, pointer, value):
    """The validator is really asked: a document that breaks the standard does not pass."""
    broken = json.loads(DOCUMENT.read_bytes())
    node = broken
    for part in pointer[:-1]:
        node = node[part]
    node[pointer[-1]] = value
    (tmp_path / "broken.json").write_text(json.dumps(broken))

    assert validator(tmp_path / "broken.json").verdict == "refused"


def test_the_ruleset_switches_off_one_rule_and_says_why():
    """The recommended rules hold, except the one that knows nothing of websockets."""
    text = (ROOT / "tools/spec_lint/redocly.yaml").read_text("utf-8")
    config = yaml.safe_load(text)

    assert config == {"extends": ["recommended"], "rules": {"no-unused-components": False}}
    assert "websocket" in text


def test_the_other_generator_is_pinned_with_hashes():
    """Its environment is made from exact versions."""
    lines = (ROOT / "requirements/datamodel.txt").read_text("utf-8").splitlines()
    packages = [line for line in lines if line and not line.startswith((" ", "#"))]

    assert any(line.startswith("datamodel-code-generator==") for line in packages)
    assert all("==" in line and line.endswith("\\") for line in packages)

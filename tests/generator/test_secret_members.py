"""A member that the document calls a secret is shown by no model, required or not."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType

import attrs
import pytest

import paydown_wire
from generator.client.python_names import class_name, python_name
from generator.pipeline import describe
from generator.render.renderer import render
from tests.generator.small_document import edited, joined

DOCUMENT = json.loads(Path(paydown_wire.__file__ or "").with_name("openapi.json").read_text())
SECRET = "b3RoZXJzLW11c3Qtbm90LXNlZS10aGlz"
SECRETS = [
    (schema, name)
    for schema, content in DOCUMENT["components"]["schemas"].items()
    for name, member in content.get("properties", {}).items()
    if member.get("format") == "password" and hasattr(paydown_wire, class_name(schema))
]


def test_the_document_has_secret_members() -> None:
    """
    There is something to hide, at least the key of the stream.
    """
    assert SECRETS


@pytest.mark.parametrize(("schema", "name"), SECRETS)
def test_no_model_shows_a_secret_of_the_document(schema: str, name: str) -> None:
    """
    Whatever else a model shows, the value of a secret member is not in its `repr`.
    """
    model = getattr(paydown_wire, class_name(schema))
    attribute = python_name(name)
    hidden = {field.name: field.repr for field in attrs.fields(model)}

    assert hidden[attribute] is False
    if [field.name for field in attrs.fields(model)] == [attribute, "additional"]:
        assert SECRET not in repr(model.from_json({name: SECRET}))


@pytest.mark.parametrize("required", [True, False])
def test_a_required_secret_is_hidden_like_an_optional_one(tmp_path: Path, required: bool) -> None:
    """
    Whether it must be there or may be missing makes no difference.
    """
    names = "asset, crossMarginBorrowed, updateTime, status, note"
    more = f"required: [{names}, listenKey]" if required else f"required: [{names}]"
    files = edited(("components/schemas.yaml", f"required: [{names}]", more))
    document = joined(files)  # not validated: its samples have no key
    for name, text in render(describe(document), document.document).items():
        path = tmp_path / name.replace("paydown_wire", "small_secret_wire")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.replace("paydown_wire", "small_secret_wire"))
    wire = _imported(tmp_path, "small_secret_wire")
    balance = wire.Balance.from_json(
        {
            "asset": "BNB",
            "crossMarginBorrowed": "1",
            "updateTime": 1,
            "status": "NORMAL",
            "note": None,
            "listenKey": SECRET,
        }
    )

    assert balance.listen_key == SECRET
    assert SECRET not in repr(balance)


def _imported(folder: Path, name: str) -> ModuleType:
    sys.path.insert(0, str(folder))
    try:
        for loaded in [each for each in sys.modules if each.partition(".")[0] == name]:
            del sys.modules[loaded]
        importlib.invalidate_caches()
        module = importlib.import_module(name)
        assert module.Balance
        return module
    finally:
        sys.path.remove(str(folder))
